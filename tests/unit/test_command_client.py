"""Commands as they are sent, and what the answers mean; the command line's own checks, without a broker."""

from __future__ import annotations

import base64
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from schemas.audit import Audit
from schemas.command import MAX_BYTES, read_command
from schemas.errors import Misconfigured
from schemas.partition import key_of, partition_of
from streams import command_client
from streams.cli.main import app
from streams.command_client import configure_command, new_command, records_for, status_of
from streams.resolve import resolve
from streams.site import Site, parse_site

OVEN = "penang/smt/line1/oven3"
MUTE = new_command("mute", "ann", target={"asset": "*"}, payload={"until": 0})
APPROVE = new_command("approve", "ann", target={"episode": "e"})
CONFIGURE = configure_command(resolve(Site()), "ann")


def answers(*outcomes: Any, kind: str = "mute") -> dict[int, Audit]:
    row = {"audit_id": "", "command_id": "", "kind": kind, "log": "reading.v1", "offset": 1, "received": 1}
    return {p: Audit(**row, partition=p, outcome=outcome) for p, outcome in enumerate(outcomes) if outcome}


def test_a_command_is_sent_to_its_assets_partition_or_to_all_with_one_id() -> None:
    one = records_for(new_command("rebaseline", "ann", target={"asset": OVEN}), 12)
    assert [(r.partition, r.key) for r in one] == [(partition_of(key_of(OVEN), 12), key_of(OVEN))]
    by_machine = records_for(new_command("rebaseline", "ann", target={"asset": OVEN}), 12, "machine")
    assert [(r.partition, r.key) for r in by_machine] == [(partition_of(OVEN.encode(), 12), OVEN.encode())]
    for command in (MUTE, APPROVE, CONFIGURE):
        everywhere = records_for(command, 5)
        assert [(r.partition, r.key) for r in everywhere] == [(p, None) for p in range(5)]
        assert {read_command(r.value).command_id for r in everywhere} == {command.command_id}
    assert read_command(records_for(MUTE, 1)[0].value) == MUTE


@pytest.mark.parametrize(
    ("command", "outcomes", "status"),
    [
        (MUTE, ("accepted", "accepted", "accepted"), 0),
        (MUTE, ("refused", "accepted", "refused"), 0),
        (MUTE, ("refused", "refused", "refused"), 1),
        (MUTE, ("repeated", "repeated", "repeated"), 0),
        (MUTE, ("accepted", "accepted", None), 3),
        (MUTE, (None, None, None), 3),
        (APPROVE, (None, "accepted", None), 0),  # an episode is open on one partition alone
        (APPROVE, ("refused", "refused", None), 3),
        (APPROVE, ("refused", "refused", "refused"), 1),
        (CONFIGURE, ("accepted", "accepted", "accepted"), 0),
        (CONFIGURE, ("accepted", "refused", "accepted"), 1),
        (CONFIGURE, ("accepted", "refused", None), 3),
        (CONFIGURE, ("accepted", "repeated", "accepted"), 0),
    ],
)
def test_the_exit_status_says_what_became_of_it(command: Any, outcomes: Any, status: int) -> None:
    assert status_of(command, answers(*outcomes), len(outcomes)) == status


def test_a_site_that_is_too_large_for_a_command_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    # what cannot be compressed: names that are all chance
    noise = [base64.b85encode(os.urandom(48)).decode().replace("/", "_") for _ in range(20_000)]
    site = resolve(Site.model_validate({"asset": [{"path": name} for name in noise]}))
    with pytest.raises(Misconfigured, match=f"expected at most {MAX_BYTES} bytes"):
        configure_command(site, "ann")


def test_a_site_that_workers_would_refuse_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.command_agent.site_fault", lambda packed: "this and that")
    with pytest.raises(
        Misconfigured, match=r"workers would refuse this site: bad_site at payload\.site: this and that"
    ):
        configure_command(resolve(parse_site("[site]\nversion = 6\n", "s")), "ann")


# --- the command line


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What would be sent, and no broker."""
    taken: list[Any] = []

    def send(settings: Any, command: Any, records: Any, wait_s: Any) -> Any:
        taken.append((command, records, wait_s))
        return iter(answers("accepted").values())

    monkeypatch.setattr("streams.cli.command.send", send)
    monkeypatch.setenv("MILLSTREAM_PARTITIONS", "4")
    return taken


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, list(arguments))


def test_options_become_the_command(sent: list[Any]) -> None:
    done = run("command", "mute", "--asset", OVEN, "--series", "z*", "--watch", "limits", "--until",
               "2026-01-05T08:00:00Z", "--reason", "cleaning", "--by", "ann", "--command-id", "c-7",
               "--timeout", "2m")  # fmt: skip
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines() == ["command c-7: mute, to 1 partition", "partition 0: accepted, concerns 0"]
    command, records, wait_s = sent[0]
    assert json.loads(records[0].value) == {
        "schema_version": 1, "command_id": "c-7", "kind": "mute", "by": "ann", "at": command.at, "reason": "cleaning",
        "target": {"asset": OVEN, "series": "z*", "watch": "limits"}, "payload": {"until": 1_767_600_000_000_000_000},
    }  # fmt: skip
    assert wait_s == 120


@pytest.mark.parametrize(
    ("arguments", "kind", "target", "records"),
    [
        (("rebaseline", "--asset", OVEN), "rebaseline", {"asset": OVEN, "series": "*", "watch": "*"}, 1),
        (("unmute", "--asset", "penang/*"), "mute", {"asset": "penang/*", "series": "*", "watch": "*"}, 4),
        (("approve", "--episode", "e"), "approve", {"series": "*", "watch": "*", "episode": "e"}, 4),
        (("reject", "--episode", "e", "--asset", OVEN), "reject",
         {"asset": OVEN, "series": "*", "watch": "*", "episode": "e"}, 1),
    ],
)  # fmt: skip
def test_each_kind_has_its_command(sent: list[Any], arguments: Any, kind: str, target: Any, records: int) -> None:
    done = run("command", *arguments, "--no-wait")
    assert done.exit_code == 0, done.output
    command, out, wait_s = sent[0]
    assert (command.kind, command.target.model_dump(exclude_none=True)) == (kind, target)
    assert (len(out), wait_s) == (records, None)
    assert command.by
    assert re.search(r"^command [0-9a-f-]{36}: ", done.stdout)
    if kind == "mute":
        assert command.payload.until == 0


@pytest.mark.parametrize(
    ("arguments", "right"),
    [
        (("mute", "--asset", OVEN, "--until", "soon"), 'expected a duration such as "2h", or a time'),
        (("mute", "--asset", "a//b", "--until", "2h"), "target.asset: expected a path site/area/line/machine"),
        (("mute", "--asset", OVEN, "--until", "2h", "--timeout", "5"), '--timeout: expected a duration such as "30s"'),
        (("rebaseline", "--asset", OVEN, "--command-id", "x" * 81), "command_id"),
        (("approve", "--episode", ""), "target.episode: expected 1 to 255 characters"),
        (("reject", "--episode", "e", "--by", ""), "by: String should have at least 1 character"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_and_nothing_is_sent(sent: list[Any], arguments: Any, right: str) -> None:
    done = run("command", *arguments)
    assert done.exit_code == 2
    assert right in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not sent


def test_a_user_without_a_name_must_give_one(sent: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 12345")

    monkeypatch.setattr("getpass.getuser", nobody)
    assert "give --by NAME" in run("command", "rebaseline", "--asset", OVEN).stderr
    assert run("command", "rebaseline", "--asset", OVEN, "--by", "ann").exit_code == 0


def test_a_refusal_and_silence_have_their_exit_status(sent: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    refusal = answers("refused")[0].model_copy(update={"why": "too late", "partition": 2})
    monkeypatch.setattr("streams.cli.command.send", lambda *args: iter([refusal]))
    done = run("command", "rebaseline", "--asset", OVEN)
    assert (done.exit_code, done.stdout.splitlines()[-1]) == (1, "partition 2: refused: too late")
    monkeypatch.setattr("streams.cli.command.send", lambda *args: iter([]))
    done = run("command", "rebaseline", "--asset", OVEN, "--timeout", "1s")
    assert done.exit_code == 3
    assert "1 of 1 partition did not answer within 1s; the command stays in the topic" in done.stderr


def test_applying_a_site_checks_the_whole_file_first(sent: list[Any], tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text('[site]\nversoin = 2\n[[watch]]\nname = "w"\nseries = "*"\ndetector = { kind = "nonesuch" }\n')
    done = run("config", "apply", str(wrong))
    assert done.exit_code == 2
    assert "versoin" in done.stderr
    assert "nonesuch" in done.stderr
    assert not sent


def test_a_dry_run_sends_nothing(sent: list[Any], tmp_path: Path) -> None:
    file = tmp_path / "site.toml"
    file.write_text("[site]\nversion = 2\n")
    done = run("config", "apply", str(file), "--dry-run")
    assert done.exit_code == 0, done.output
    assert "version 2" in done.stdout
    assert done.stdout.splitlines()[-1] == "dry run: nothing was sent"
    assert not sent


def test_applying_a_site_sends_it_to_every_partition(sent: list[Any], tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(
        "streams.cli.command.send",
        lambda settings, command, records, wait_s: (
            sent.append((command, records)) or iter(answers(*["accepted"] * 4, kind="configure").values())
        ),
    )
    file = tmp_path / "site.toml"
    file.write_text("[site]\nversion = 2\n")
    done = run("config", "apply", str(file), "--by", "ann")
    assert done.exit_code == 0, done.output
    assert [line for line in done.stdout.splitlines() if "accepted" in line] == [
        f"partition {p}: accepted" for p in range(4)
    ]
    command, records = sent[0]
    assert (command.kind, [r.partition for r in records]) == ("configure", [0, 1, 2, 3])


def test_help_teaches_with_an_example() -> None:
    for arguments in (
        ["command"],
        ["config", "apply"],
        *(["command", k] for k in ("mute", "unmute", "approve", "reject")),
    ):
        shown = run(*arguments, "--help").stdout
        assert f"millstream {' '.join(arguments)} " in " ".join(shown.split()), arguments
    assert command_client.UNANSWERED == 3
