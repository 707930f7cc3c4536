"""The page docs/benchmarks.md: its parts that can be measured alone are put in their place."""

from __future__ import annotations

from collections.abc import Sequence


def put(page: str, heading: str, lines: Sequence[str]) -> str:
    """The page with this section in place of the one of the same heading, or at its end.

    >>> print(put("# Page\\n\\n## A\\n\\nold\\n\\n## B\\n\\nkept\\n", "A", ["new"]), end="")
    # Page
    <BLANKLINE>
    ## A
    <BLANKLINE>
    new
    <BLANKLINE>
    ## B
    <BLANKLINE>
    kept
    """
    parts = page.rstrip("\n").split("\n\n## ")
    section = "\n".join([heading, "", *lines])
    places = [i for i, part in enumerate(parts) if i and part.split("\n", 1)[0] == heading]
    if places:
        parts[places[0]] = section
    else:
        parts.append(section)
    return "\n\n## ".join(parts) + "\n"
