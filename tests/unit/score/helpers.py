"""Running `millstream score` in this process, and what came of it."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any, NamedTuple

from typer.testing import CliRunner

from streams.cli.main import app

HEADER = ["time", "asset", "series", "watch", "value", "score", "expected", "low", "high"]
OUTCOMES = ("scored", "warming", "withheld", "late", "duplicate", "muted", "unwatched", "rejected")


class Done(NamedTuple):
    """What a run left: its status, lines on stderr, the table, the events, and the counts it printed."""

    status: int
    said: list[str]
    header: list[str]
    rows: list[list[str]]
    events: list[dict[str, Any]]
    counts: dict[str, int]
    not_used: dict[str, int]

    def column(self, name: str) -> list[str]:
        """One column of the table."""
        at = self.header.index(name)
        return [row[at] for row in self.rows]


def run(folder: Path, *arguments: object, site: str | None = None) -> Done:
    """Score into `folder`, unless arguments say otherwise; a bug that shows itself as an exception is raised here."""
    out, events = folder / "out.csv", folder / "events.jsonl"
    for old in (out, events):
        old.unlink(missing_ok=True)
    options = ["--out", str(out), "--events", str(events)]
    if site is not None:
        (folder / "site.toml").write_text(site)
        options += ["--config", str(folder / "site.toml")]
    result = CliRunner().invoke(app, ["score", *options, *map(str, arguments)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    said = result.stderr.splitlines()
    header, *rows = list(csv.reader(out.open(newline=""))) if out.exists() else [[]]
    found = [json.loads(line) for line in events.read_text().splitlines()] if events.exists() else []
    counts = {}
    for line in said:
        if match := re.fullmatch(r"(\d+) readings \((.*)\), (\d+) verdicts, (\d+) events", line):
            counts = {name: int(n) for n, name in (part.split() for part in match[2].split(", ")) if match[2] != "none"}
            counts |= {"readings_in": int(match[1]), "verdicts": int(match[3]), "events": int(match[4])}
    not_used = {name: int(n) for n, name in re.findall(r"^not used: (\d+) (\w+)$", result.stderr, re.MULTILINE)}
    return Done(result.exit_code, said, header, rows, found, counts, not_used)


def sound(done: Done) -> Done:
    """What holds of every run that worked: header, counts that add up, rows, events and reasons as counted."""
    assert done.status == 0, done.said
    assert done.header[:9] == HEADER
    assert sum(done.counts.get(name, 0) for name in OUTCOMES) == done.counts["readings_in"]
    assert sum(score != "" for score in done.column("score")) == done.counts["verdicts"]
    assert len(done.events) == done.counts["events"]
    assert sum(done.not_used.values()) == done.counts.get("rejected", 0)
    return done


def refused(done: Done, *words: str) -> None:
    """Status 2, one line that holds `words`, and nothing written."""
    assert done.status == 2
    assert len(done.said) == 1, done.said
    assert done.said[0].startswith("millstream: ")
    for word in words:
        assert word in done.said[0]
    assert (done.header, done.events) == ([], [])
