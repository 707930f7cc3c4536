"""`millstream demo`: the whole path on this machine, with a simulated plant or a file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from schemas.errors import Misconfigured, Retry
from streams.cli.common import clear_errors, fail, set_up_logging
from streams.demo.broker import available
from streams.demo.run import Options, run_demo
from streams.files.options import FileOptions
from streams.results import OUTCOMES


def demo(
    seconds: Annotated[
        float | None, typer.Option(min=1, help="End after so many seconds; default: 300, a file's end, 60.")
    ] = None,
    no_ui: Annotated[bool, typer.Option("--no-ui", help="No live view; print the summary at the end.")] = False,
    input: Annotated[Path | None, typer.Option(metavar="FILE", help="Play a file in place of the plant.")] = None,
    speed: Annotated[str, typer.Option(help="Pace of --input, in times real time.")] = "60x",
    board: Annotated[
        bool | None, typer.Option("--board/--no-board", help="The web board beside it; default: with the live view.")
    ] = None,
    summary: Annotated[Path | None, typer.Option(help="Write the summary as JSON.")] = None,
    config: Annotated[Path | None, typer.Option("--config", "-c", help="Site file; default: the plant's own.")] = None,
    time_column: Annotated[str | None, typer.Option(metavar="NAME[,NAME]", help="As for score.")] = None,
    asset: Annotated[str | None, typer.Option(help="As for score.")] = None,
) -> None:
    """Run the main job here: broker in memory, simulated plant of some twenty machines with faults, worker, live view.

    The broker keeps nothing and is for demos only; set MILLSTREAM_KAFKA to use a real one.

      millstream demo --seconds 60

      millstream demo --input pump.csv --speed 600x

      millstream demo --config deploy/profiles/hospital/site.toml

    Where a plant.toml stands beside the site file, the plant that it describes is played, all its days in a minute.

      millstream demo --seconds 10 --no-ui --summary summary.json
    """
    with clear_errors():
        missing = None if os.environ.get("MILLSTREAM_KAFKA") else available()
        if missing:
            fail(missing, 1)
        set_up_logging("error")
        file = FileOptions(time_columns=tuple(time_column.split(",")) if time_column else (), asset=asset)
        options = Options(
            seconds, not no_ui, (not no_ui) if board is None else board, input, _speed(speed), summary, config, file
        )
        try:
            _print(run_demo(options))
        except TimeoutError as error:
            fail(f"{error}; this machine may be too busy", 1)
        except Retry as error:
            fail(str(error), 1)


def _speed(text: str) -> float:
    try:
        speed = float(text.removesuffix("x"))
    except ValueError:
        speed = 0.0
    if not 0 < speed < 1e9:
        raise Misconfigured(f'--speed: expected a factor such as "60x", got {text!r}')
    return speed


def _print(summary: dict[str, Any]) -> None:
    counts = ", ".join(f"{summary[name]} {name}" for name in OUTCOMES if summary[name])
    latency = summary["latency_ms"]
    print(f"{summary['readings_in']} readings: {counts}")
    print(f"{summary['verdicts']} verdicts, {summary['episodes']} episodes")
    print(f"latency from received to published: p50 {latency['p50']} ms, p99 {latency['p99']} ms")
    currency = summary["figures"]["currency"]
    for line in summary["figures"]["lines"]:
        oee = "not known"
        if line["oee"] is not None:
            oee = f"{100 * line['oee']:.0f} % ({100 * line['coverage']:.0f} % of the hour so far is known)"
        print(f"line {line['line']}: OEE {oee}, bottleneck {line['bottleneck'] or 'not known'}")
    for fault in summary["faults"]:
        told = f"found after {fault['delay_s']:.1f} s by {fault['watch']}" if fault["found"] else "not found"
        cost = "" if fault["cost"] is None else f", cost {fault['cost']:.2f} {currency}".rstrip()
        print(f"fault {fault['kind']} on {fault['asset']} {fault['series']}: {told}{cost}")
