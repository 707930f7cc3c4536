"""Everything that a page can say is there in every language."""

from __future__ import annotations

import re
from string import Formatter
from typing import get_args

import pytest

from schemas.anomaly import BANDS, Phase
from schemas.audit import Outcome
from schemas.command import COMMAND_KINDS
from streams.board import asking
from streams.board.page import HERE
from streams.board.words import LANGUAGES, WORDS
from streams.message_charts import CHARTS
from streams.messages import message

TEMPLATES = sorted((HERE / "templates").glob("*.html"))
REASONS = ("recovered", "reconfigured", "muted", "rebaselined", "approved", "rejected")
MADE = {
    *(name for _, name in BANDS),
    *(f"phase_{phase}" for phase in get_args(Phase)),
    *(f"outcome_{outcome}" for outcome in get_args(Outcome)),
    *(f"kind_{deed}" for deed in get_args(asking.Deed)),
    *(f"is_{outcome}" for outcome in (*get_args(asking.Outcome), "unknown")),
    *(f"reason_{reason}" for reason in REASONS),
    *(f"{act}_does" for act in ("approve", "reject", "take", "keep")),
    "approve", "reject", "take", "keep", "hour", "day", "takes_less", "takes_more",
}  # fmt: skip
"""Keys that templates put together of parts."""


def blanks(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("key", WORDS)
def test_each_is_said_in_three_languages_about_the_same_things(key: str) -> None:
    said = WORDS[key]
    assert all(said), f"{key} is empty in a language"
    assert blanks(said.en) == blanks(said.ms) == blanks(said.zh)
    assert not re.search(r"[\u4e00-\u9fff]", said.en + said.ms)
    if len(said.en) > 12:
        assert len({said.en, said.ms, said.zh}) == 3, f"{key} is not translated"


def test_what_templates_say_is_there_and_nothing_else_is() -> None:
    texts = [path.read_text("utf-8") for path in (*TEMPLATES, *HERE.glob("*.py")) if path.name != "words.py"]
    said = {key for text in texts for key in re.findall(r"\bt\(\"(\w+)\"[,)]", text)}
    named = {word for text in texts for word in re.findall(r"\"(\w+)\"", text)}
    assert (said | MADE) - WORDS.keys() == set(), "said by a page and not there"
    assert WORDS.keys() - named - MADE == set(), "there and said by no page"


def test_every_kind_of_command_is_a_deed_with_a_name() -> None:
    assert {asking.deed_of(kind, None, None, 0) for kind in COMMAND_KINDS} == set(COMMAND_KINDS)
    assert set(COMMAND_KINDS) < set(get_args(asking.Deed))


def test_reasons_are_those_that_events_have_a_message_for() -> None:
    for reason in REASONS:
        said = message(reason, list(LANGUAGES), asset="a", series="s", watch="w", value=None, unit=None)
        assert said != message("other", list(LANGUAGES), asset="a", series="s", watch="w", value=None, unit=None)
    assert not set(REASONS) & CHARTS.keys()
