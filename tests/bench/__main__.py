"""`make bench`: throughput, latency and scaling through real Kafka, then detectors alone, to docs/benchmarks.md.

`--smoke` is a short run that writes nothing and holds a third of the floors. `--only demand` measures that section of
the page alone, without Kafka, and puts it in its place.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from streams.sinks.store_init import init_store
from tests.bench import demand, key_figures, latency, page, pair, report, shapes
from tests.bench.load import messages, produce
from tests.bench.peers import environment
from tests.bench.report import Measured
from tests.bench.runs import PEERS, ROOT, run
from tests.servers import kafka_server
from tests.servers.choose import influx_server

ROUNDS, SMOKE_ROUNDS = 5, 2
SINGLES, FRAMES, PAIRED = 800_000, 4_000, 400_000
SMOKE_SINGLES, SMOKE_FRAMES = 300_000, 1_000
"""So many that what a start waits for on a busy machine, a second, is no large part of the time."""
LATENCY_S = 20.0
STORING = ("limit", "influx")
STORED = {"singles": 200_000, "frames": 300}
"""Messages of a run with the store on: InfluxDB takes about 100,000 points a second, three for each reading here."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--only", choices=["demand"])
    options = parser.parse_args()
    if options.only:
        return demand_alone()
    smoke = options.smoke
    kafka = kafka_server(os.environ).server
    if not kafka.real:
        print("the bench needs a real Kafka; see: python -m tests.servers prepare", file=sys.stderr)
        return 1
    peers = environment.python(make=not smoke)
    if isinstance(peers, str):
        print(f"quixstreams and bytewax: {peers}", file=sys.stderr)
    with kafka:
        return short(kafka.bootstrap, peers) if smoke else full(kafka.bootstrap, peers)


def demand_alone() -> int:
    """Forecasts of maximum demand, and their section of the page, which is left as it is where data is missing."""
    said = demand.report()
    lines = demand.table(said)
    print("\n".join(lines))
    if said.missing:
        return say([said.missing])
    path = ROOT / "docs" / "benchmarks.md"
    path.write_text(page.put(path.read_text(encoding="utf-8"), demand.HEADING, lines), encoding="utf-8")
    return say(demand.faults(said))


def short(bootstrap: str, peers: Path | str) -> int:
    """Plain and store off alone, against a third of the floors."""
    contenders = ("plain", *(PEERS if isinstance(peers, Path) else ()), "off")
    measured = throughput(bootstrap, "singles", SMOKE_SINGLES, SMOKE_ROUNDS, contenders, os.environ, peers)
    measured += throughput(bootstrap, "frames", SMOKE_FRAMES, SMOKE_ROUNDS, ("plain", "off"), os.environ, peers)
    timed = shapes.measure(shapes.SMOKE_ROUNDS)
    kpis = key_figures.measure(smoke=True)
    lines = [*report.table(measured, SMOKE_ROUNDS), "", *shapes.table(timed, shapes.SMOKE_ROUNDS), ""]
    print("\n".join([*lines, *key_figures.table(kpis, key_figures.naive_rate())]))
    return say(report.faults(measured, 3.0) + shapes.faults(timed, 3.0) + key_figures.faults(kpis, 3.0))


def full(bootstrap: str, peers: Path | str) -> int:
    """All of it, and the page."""
    others = PEERS if isinstance(peers, Path) else ()
    with stored() as env:
        measured = throughput(
            bootstrap, "singles", SINGLES, ROUNDS, ("plain", *others, "off", "limit", "influx"), env, peers
        )
        measured += throughput(bootstrap, "frames", FRAMES, ROUNDS, ("plain", "off", "limit", "influx"), env, peers)
    singles = report.find(measured, "singles", "off")
    assert singles is not None
    late = latency.measure(bootstrap, statistics.median(t.readings / t.wall_s for t in singles.rounds) / 2, LATENCY_S)
    note(f"latency: {late}")
    load, one, two = list(messages("singles", PAIRED)), [], []
    for _ in range(ROUNDS):
        one.append(pair.measure(bootstrap, 1, load, PAIRED))
        two.append(pair.measure(bootstrap, 2, load, PAIRED))
        note(f"CPU seconds of one worker and of two: {one[-1].cpu_s:.2f}, {two[-1].cpu_s:.2f}")
    lines = report.table(measured, ROUNDS)
    if isinstance(peers, str):
        lines += ["", f"quixstreams and bytewax: {peers}."]
    lines += ["", *report.latency_lines(late), "", *report.pair_lines(one, two)]
    timed = shapes.measure(shapes.ROUNDS)
    lines += ["", "## Detectors alone", "", *shapes.table(timed, shapes.ROUNDS)]
    kpis = key_figures.measure(smoke=False)
    lines += ["", "## Key figures alone", "", *key_figures.table(kpis, key_figures.naive_rate())]
    forecast = demand.report()
    lines += ["", f"## {demand.HEADING}", "", *demand.table(forecast)]
    if forecast.missing:
        lines += ["", forecast.missing]
    print("\n".join(lines))
    (ROOT / "docs" / "benchmarks.md").write_text(report.HEAD + "\n".join(lines) + "\n", encoding="utf-8")
    return say(
        report.faults(measured, 1.0)
        + report.latency_faults(late)
        + report.pair_faults(one, two)
        + shapes.faults(timed, 1.0)
        + key_figures.faults(kpis, 1.0)
        + demand.faults(forecast)
    )


def throughput(
    bootstrap: str,
    kind: str,
    count: int,
    rounds: int,
    contenders: tuple[str, ...],
    env: Mapping[str, str],
    peers: Path | str,
) -> list[Measured]:
    """Contenders in turn, round by round, over one load."""
    note(f"producing {count} {kind}")
    load = produce(bootstrap, kind, _prefix(), count)
    # a worker stores all that it has fetched, so what is stored is a small load of its own
    small = produce(bootstrap, kind, _prefix(), STORED[kind]) if set(STORING) & set(contenders) else load
    measured = [Measured(kind, name, []) for name in contenders]
    for turn in range(rounds):
        for m in measured:
            m.rounds.append(run(m.contender, bootstrap, small if m.contender in STORING else load, env, peers))
            took = m.rounds[-1]
            note(f"{kind} {m.contender} {turn + 1}/{rounds}: {(took.readings or took.points) / took.wall_s:,.0f}/s")
    return measured


def _prefix() -> str:
    return f"bench{uuid.uuid4().hex[:6]}."


@contextmanager
def stored() -> Iterator[dict[str, str]]:
    """An InfluxDB with its buckets, as a worker's environment."""
    with influx_server(os.environ).server as influx, tempfile.NamedTemporaryFile("w") as token:
        token.write(influx.token)
        token.flush()
        init_store(influx.url, influx.token, influx.org, "bench_")
        given = {"URL": influx.url, "ORG": influx.org, "TOKEN_FILE": token.name, "PREFIX": "bench_"}
        yield dict(os.environ) | {f"MILLSTREAM_INFLUX_{name}": value for name, value in given.items()}


def say(faults: list[str]) -> int:
    """Tell of floors that are not kept."""
    for line in faults:
        print(f"BELOW THE FLOOR: {line}", file=sys.stderr)
    return 1 if faults else 0


def note(line: str) -> None:
    """Progress, beside the table."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
