"""`millstream command`: ask the workers for something, and see what became of it."""

from __future__ import annotations

import getpass
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from detectors.durations import duration_ns
from schemas.audit import Audit
from schemas.command import Command
from schemas.errors import Misconfigured, Retry
from schemas.times import explain, parse_times
from streams.cli.common import clear_errors, console, fail
from streams.command_client import REFUSED, UNANSWERED, new_command, records_for, send, status_of
from streams.settings import load_settings

app = typer.Typer(no_args_is_help=True)

Asset = Annotated[str, typer.Option(help='Path of an asset, or a glob such as "penang/smt/line1/*".')]
Series = Annotated[str, typer.Option(help="Series of these assets; a glob.")]
WatchName = Annotated[str, typer.Option("--watch", help="Watches of these series; a glob.")]
Episode = Annotated[str | None, typer.Option(help="Id of the episode, as its events and /episodes/ID have it.")]
Proposal = Annotated[str | None, typer.Option(help="Id of a baseline that is proposed, as audit.v1 has it.")]
KnownAsset = Annotated[str | None, typer.Option(help="Path of its asset, where known: asks one partition alone.")]
Reason = Annotated[str | None, typer.Option(help="Why; stands in the audit.")]
By = Annotated[str | None, typer.Option(help="Who; default: the login name.")]
CommandId = Annotated[str | None, typer.Option(help="Carried out once, however often it is sent; default: a new one.")]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Send, and do not wait for the outcome.")]
Timeout = Annotated[str, typer.Option(help='How long to wait for the outcome, such as "30s".')]


@app.callback()
def command() -> None:
    """Ask the workers for something, and see what became of it.

    A command goes to command.v1; the engines of the partitions it concerns answer on audit.v1, a line each.
    Exit status: 0 done, 1 refused, 2 not sent, 3 not answered in time: it stays in the topic, to be carried out.

    millstream command mute --asset "penang/smt/line1/*" --until 2h --reason "cleaning"
    """


@app.command()
def rebaseline(
    asset: Asset, series: Series = "*", watch: WatchName = "*", reason: Reason = None, by: By = None,
    command_id: CommandId = None, no_wait: NoWait = False, timeout: Timeout = "30s",
) -> None:  # fmt: skip
    """Forget what watches have learned, and close what is open: the machine was changed, so normal is another.

    millstream command rebaseline --asset penang/smt/line1/oven3 --reason "new heater"
    """
    with clear_errors():
        target = {"asset": asset, "series": series, "watch": watch}
        carry_out(new_command("rebaseline", who(by), reason, target, command_id=command_id), no_wait, timeout)


@app.command()
def mute(
    asset: Asset,
    until: Annotated[str, typer.Option(help='Its end: RFC 3339, or from now on, such as "2h"; 366 days at most.')],
    series: Series = "*", watch: WatchName = "*", reason: Reason = None, by: By = None, command_id: CommandId = None,
    no_wait: NoWait = False, timeout: Timeout = "30s",
) -> None:  # fmt: skip
    """Judge nothing and learn nothing for a while: the machine is being worked on. Readings are stored all the same.

    millstream command mute --asset "penang/smt/line1/*" --until 2h --reason "cleaning"
    """
    with clear_errors():
        target, payload = {"asset": asset, "series": series, "watch": watch}, {"until": until_ns(until)}
        carry_out(new_command("mute", who(by), reason, target, payload, command_id), no_wait, timeout)


@app.command()
def unmute(
    asset: Asset, series: Series = "*", watch: WatchName = "*", reason: Reason = None, by: By = None,
    command_id: CommandId = None, no_wait: NoWait = False, timeout: Timeout = "30s",
) -> None:  # fmt: skip
    """End a mute before its time; the target must be written as the mute's was.

    millstream command unmute --asset "penang/smt/line1/*"
    """
    with clear_errors():
        target, payload = {"asset": asset, "series": series, "watch": watch}, {"until": 0}
        carry_out(new_command("mute", who(by), reason, target, payload, command_id), no_wait, timeout)


@app.command()
def approve(
    episode: Episode = None, proposal: Proposal = None, asset: KnownAsset = None, reason: Reason = None,
    by: By = None, command_id: CommandId = None, no_wait: NoWait = False, timeout: Timeout = "30s",
) -> None:  # fmt: skip
    """This is the new normal: close an open episode and learn its series anew, or take the baseline proposed.

    millstream command approve --episode 9bdfc8cb-371c-5d5b-85a7-0f488ec14013 --reason "new recipe"

    millstream command approve --proposal 9bdfc8cb-371c-5d5b-85a7-0f488ec14013 --reason "new compressor"
    """
    with clear_errors():
        target, payload = {"episode": episode, "asset": asset}, {"proposal": proposal}
        carry_out(new_command("approve", who(by), reason, target, payload, command_id), no_wait, timeout)


@app.command()
def reject(
    episode: Episode = None, proposal: Proposal = None, asset: KnownAsset = None, reason: Reason = None,
    by: By = None, command_id: CommandId = None, no_wait: NoWait = False, timeout: Timeout = "30s",
) -> None:  # fmt: skip
    """False alarm: close an open episode, and keep what was learned; or keep the baseline that is in force.

    millstream command reject --episode 9bdfc8cb-371c-5d5b-85a7-0f488ec14013
    """
    with clear_errors():
        target, payload = {"episode": episode, "asset": asset}, {"proposal": proposal}
        carry_out(new_command("reject", who(by), reason, target, payload, command_id), no_wait, timeout)


def who(by: str | None) -> str:
    """The name given, or the login name. Raises Misconfigured."""
    try:
        return by if by is not None else getpass.getuser()
    except (KeyError, OSError) as error:
        raise Misconfigured("--by: this system knows no name for you; give --by NAME") from error


def until_ns(text: str) -> int:
    """The end of a mute: a time, or a duration from now on. Raises Misconfigured.

    >>> until_ns("2026-01-05T08:00:00Z")
    1767600000000000000
    """
    ns, bad = parse_times([text])
    if not bad[0]:
        return int(ns[0])
    try:
        return time.time_ns() + duration_ns(text)
    except ValueError as error:
        raise Misconfigured(f'--until: expected a duration such as "2h", or a time: {explain(text)}') from error


def carry_out(command: Command, no_wait: bool, timeout: str) -> None:
    """Send a command, print a line for each partition that answers, and end with the status that says it all."""
    try:
        wait_s = duration_ns(timeout) / 1e9
    except ValueError as error:
        raise Misconfigured(f"--timeout: {error}") from error
    settings = load_settings()
    records = records_for(command, settings.partitions)
    answers: dict[int, Audit] = {}
    asked = f"{len(records)} partition{'s' if len(records) > 1 else ''}"
    print(f"command {command.command_id}: {command.kind}, to {asked}", flush=True)
    try:
        with _progress(asked, timeout, no_wait) as tell:
            for answer in send(settings, command, records, None if no_wait else wait_s):
                answers[answer.partition] = answer
                print(_line(answer), flush=True)
                tell(f"{len(answers)} of {asked} answered")
    except Retry as error:
        fail(str(error), 1)
    status = 0 if no_wait else status_of(command, answers, len(records))
    if status == UNANSWERED:
        fail(
            f"{len(records) - len(answers)} of {asked} did not answer within {timeout}; the command stays in the topic "
            "and will be carried out when a worker runs; watch audit.v1, or send it again with the same --command-id",
            UNANSWERED,
        )
    if status == REFUSED:
        raise typer.Exit(REFUSED)


@contextmanager
def _progress(asked: str, timeout: str, no_wait: bool) -> Iterator[Callable[[str], None]]:
    """Where a person watches, a line that moves; elsewhere one that says what is waited for."""
    if no_wait or not console.is_terminal:
        if not no_wait:
            print(f"waiting up to {timeout} for {asked}", file=sys.stderr, flush=True)
        yield lambda text: None
        return
    with console.status(f"waiting for {asked}") as status:
        yield status.update


def _line(answer: Audit) -> str:
    """One answer in a line.

    >>> row = {"audit_id": "", "command_id": "", "kind": "mute", "log": "reading.v1", "offset": 1, "received": 1}
    >>> _line(Audit(**row, outcome="accepted", affected=12, partition=3))
    'partition 3: accepted, concerns 12'
    """
    said = f"partition {answer.partition}: {answer.outcome}"
    if answer.outcome == "accepted" and answer.kind != "configure":
        said += f", concerns {answer.affected}"
    return f"{said}: {answer.why}" if answer.why else said
