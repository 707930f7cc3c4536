"""`make bench`: readings a second and core, through Kafka, interleaved, written to docs/benchmarks.md.

`--smoke` is a short run that writes nothing and holds a third of the floors.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path
from typing import NamedTuple

from streams.sinks.store_init import init_store
from tests.bench.load import ASSETS, ROWS, SERIES, Load, produce
from tests.servers import influx_server, kafka_server

ROOT = Path(__file__).resolve().parents[2]
FLOOR_RATIO = {"singles": 0.5}
"""Of the plain loop's rate in the same round, store off."""
FLOOR_RATE = {"frames": 1_000_000}
"""Readings a second, store off."""
CONTENDERS = ("plain", "off", "influx")
TITLE = {
    "plain": "plain aiokafka loop, decode only",
    "off": "millstream, store off",
    "influx": "millstream, store on (InfluxDB)",
}


class Row(NamedTuple):
    load: str
    contender: str
    per_s: float  # median
    per_cpu_s: float
    ratio: float  # of the plain loop's rate, median over the rounds


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true")
    smoke = parser.parse_args().smoke
    rounds = 3
    contenders = CONTENDERS[:2] if smoke else CONTENDERS
    kafka = kafka_server(os.environ).server
    influx = None if smoke else influx_server(os.environ).server
    if kafka is None or not kafka.real or (influx is None and not smoke):
        print("the bench needs real servers; see: python -m tests.servers prepare", file=sys.stderr)
        return 1
    with kafka:
        if influx is None:
            rows = measure(kafka.bootstrap, smoke, rounds, contenders, dict(os.environ))
        else:
            with influx, tempfile.NamedTemporaryFile("w") as token:
                token.write(influx.token)
                token.flush()
                init_store(influx.url, influx.token, influx.org, "bench_")
                more = {"URL": influx.url, "ORG": influx.org, "TOKEN_FILE": token.name, "PREFIX": "bench_"}
                environment = dict(os.environ) | {f"MILLSTREAM_INFLUX_{name}": value for name, value in more.items()}
                rows = measure(kafka.bootstrap, smoke, rounds, contenders, environment)
    table = report(rows, rounds)
    print(table)
    if not smoke:
        (ROOT / "docs" / "benchmarks.md").write_text(HEAD + table + "\n", encoding="utf-8")
    return judge(rows, 3.0 if smoke else 1.0)


def measure(
    bootstrap: str, smoke: bool, rounds: int, contenders: tuple[str, ...], environment: dict[str, str]
) -> list[Row]:
    rows = []
    for kind, count in (("singles", 60_000 if smoke else 400_000), ("frames", 1_000 if smoke else 4_000)):
        print(f"producing {count} {kind}", file=sys.stderr, flush=True)
        load = produce(bootstrap, kind, f"bench{uuid.uuid4().hex[:6]}.", count)
        taken: dict[str, list[tuple[float, float]]] = {name: [] for name in contenders}
        for turn in range(rounds):
            for name in contenders:
                taken[name].append(run(name, bootstrap, load, environment))
                print(f"{kind} {name} {turn + 1}/{rounds}: {taken[name][-1][0]:,.0f}/s", file=sys.stderr, flush=True)
        for name, each in taken.items():
            ratio = statistics.median(a[0] / b[0] for a, b in zip(each, taken["plain"], strict=True))
            rows.append(Row(kind, name, *(statistics.median(x) for x in zip(*each, strict=True)), ratio))
    return rows


def run(name: str, bootstrap: str, load: Load, environment: dict[str, str]) -> tuple[float, float]:
    # InfluxDB takes about 100,000 points a second, three for each reading here: a tenth of the frames will do
    readings = load.readings // 10 if (name, load.name) == ("influx", "frames") else load.readings
    command = [sys.executable, "-m", "tests.bench.contender", name, bootstrap, load.prefix, str(readings)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=400, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command[2:])} failed:\n{done.stderr[-2000:]}")
    took = json.loads(done.stdout.splitlines()[-1])
    return took["readings"] / took["wall_s"], took["readings"] / took["cpu_s"]


def report(rows: list[Row], rounds: int) -> str:
    out = [
        f"Median of {rounds} interleaved rounds; each contender pinned to one core, the broker sharing the machine "
        f"({os.cpu_count()} cores, Python {platform.python_version()}).",
        "",
        "| load | contender | readings/s | readings per CPU second | of the plain loop |",
        "|---|---|---|---|---|",
    ]
    out += [
        f"| {row.load} | {TITLE[row.contender]} | {row.per_s:,.0f} | {row.per_cpu_s:,.0f} | {row.ratio:.2f} |"
        for row in rows
    ]
    return "\n".join(out)


def judge(rows: list[Row], mercy: float) -> int:
    bad = []
    for row in (r for r in rows if r.contender == "off"):
        ratio, rate = FLOOR_RATIO.get(row.load, 0) / mercy, FLOOR_RATE.get(row.load, 0) / mercy
        if row.ratio < ratio:
            bad.append(f"{row.load}: {row.ratio:.2f} of the plain loop, the floor is {ratio:.2f}")
        if row.per_s < rate:
            bad.append(f"{row.load}: {row.per_s:,.0f} readings/s, the floor is {rate:,.0f}")
    for line in bad:
        print(f"BELOW THE FLOOR: {line}", file=sys.stderr)
    return 1 if bad else 0


HEAD = f"""# Benchmarks

Written by `make bench`; do not edit. Real Kafka on loopback. The plain loop fetches with aiokafka and decodes in
bulk with the same decoder, and detects nothing. Millstream runs the default site (health gate and robust_zscore),
{ASSETS * SERIES:,} series. Singles are one JSON reading a message; frames hold {SERIES} series x {ROWS} instants.
These machines are noisy: trust the ratios, which are taken round by round, more than the rates.

"""


if __name__ == "__main__":
    sys.exit(main())
