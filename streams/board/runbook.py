"""The runbook as a page: for each alert, and each detector, what it means and what to check."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markupsafe import Markup

_FILE = Path(__file__).with_name("runbook.md")
"""A copy of grafana/runbook.md, made by `make gen`."""


@cache
def page() -> Markup:
    """The runbook as HTML, with the headings that alerts and events name.

    >>> '<h2 id="millstreamlagging">MillstreamLagging</h2>' in page(), '<h3 id="t2-spe">' in page()
    (True, True)
    """
    text = _FILE.read_text("utf-8")
    markdown = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable("table")
    tokens = markdown.parse(text)
    for opening, content in pairwise(tokens):
        if opening.type == "heading_open":
            opening.attrSet("id", content.content.lower().replace(" ", "-"))
    return Markup(markdown.renderer.render(tokens, markdown.options, {}))  # noqa: S704  # our own file, and no HTML in it
