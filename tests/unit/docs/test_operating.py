"""docs/operating.md: commands and files that it names are there, and its figures are those that were measured."""

from __future__ import annotations

import re
import shlex
from typing import Any

import pytest
import typer

from docs.generate import ROOT
from streams.cli.main import app
from streams.metrics import TABLE
from streams.settings import PREFIX, Settings
from streams.sinks.points import MEASUREMENTS

TEXT = (ROOT / "docs" / "operating.md").read_text("utf-8")
COMMANDS = sorted(set(re.findall(r"\bmillstream ((?:[a-z]+ ?)+(?:[^`\n|&>]*))", TEXT)))


@pytest.mark.parametrize("said", COMMANDS)
def test_every_command_is_one_of_ours_with_its_options(said: str) -> None:
    words = shlex.split(said)
    command: Any = typer.main.get_command(app)
    while hasattr(command, "commands"):
        assert words, f"{said}: a group alone"
        assert words[0] in command.commands, said
        command = command.commands[words.pop(0)]
    options = {name for parameter in command.params for name in parameter.opts} | {"--help"}
    assert {word for word in words if word.startswith("--")} <= options, said


def test_it_names_enough_of_them() -> None:
    assert len(COMMANDS) >= 20


@pytest.mark.parametrize("path", sorted(set(re.findall(r"\]\(([^)#]+)\)", TEXT))))
def test_pages_that_it_links_to_are_there(path: str) -> None:
    assert (ROOT / "docs" / path).is_file()


@pytest.mark.parametrize("path", sorted(set(re.findall(r"\bdeploy/[\w./-]+\w", TEXT))))
def test_files_that_it_names_are_there(path: str) -> None:
    assert (ROOT / path).exists()


def test_variables_and_metrics_that_it_names_are_there() -> None:
    settings = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    named = {name.removesuffix("_FILE") for name in re.findall(rf"\b{PREFIX}[A-Z_]+", TEXT)}
    assert named <= settings | {f"{PREFIX}SITE", f"{PREFIX}GATEWAYS"}, "these two are of deploy/'s compose files"
    buckets = {f"{Settings.model_fields['influx_prefix'].default}{kind.store}" for kind in MEASUREMENTS.values()}
    assert set(re.findall(r"\bmillstream_[a-z_]+", TEXT)) <= {d.name for d in TABLE} | buckets


def test_figures_of_size_are_those_that_were_measured() -> None:
    measured = (ROOT / "docs" / "benchmarks.md").read_text("utf-8")
    size = TEXT.split("\n## Size\n")[1].split("\n## ")[0]
    figures = re.findall(r"\b\d{1,3}(?:,\d{3})+\b", size)
    assert figures
    assert [figure for figure in figures if figure not in measured] == []


def test_alerts_that_it_names_are_in_the_runbook() -> None:
    runbook = (ROOT / "grafana" / "runbook.md").read_text("utf-8")
    for name in set(re.findall(r"\bMillstream[A-Z]\w+", TEXT)):
        assert f"\n## {name}\n" in runbook
