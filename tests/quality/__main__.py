"""`make quality`: every public benchmark at one frozen configuration, the defaults; written to docs/quality.md.

Each benchmark is a module here that prints its figures (`python -m tests.quality.NAME`); floors are asserted by the
test files beside them, which run last. `--plots` draws every file as well (`tests.quality.plots`), and the page ends
with what these taught, from `lessons.md`. Data come from ../shared/data, which a user's clone does not have.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from detectors.registry import REGISTRY
from streams.site import DEFAULT_WATCHES

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"
LESSONS = Path(__file__).with_name("lessons.md")
PATIENCE_S = 3600


class Benchmark(NamedTuple):
    """One section of the page."""

    title: str
    module: str
    arguments: tuple[str, ...]
    words: str  # what it is, and what others reached, with the source


BENCHMARKS = (
    Benchmark(
        "Numenta Anomaly Benchmark, public half", "nab", (),
        "A watch on `auto` at 1 false alarm in 3 days; mean of six stream starts. Others on these files: HTM "
        "71.2 / 65.0 / 75.9, CAD OSE 74.1 / 71.7 / 76.9, ARTime 78.2 / 70.4 / 83.1 with one threshold frozen on them "
        "(detections published in the benchmark's repository, scored by the same script).",
    ),
    Benchmark("The same, threshold by the tail rule", "nab", ("--hold",), "`hold = true`."),
    Benchmark(
        "Noise without anomalies", "noise", ("5m", "10s", "1s"),
        "Eleven kinds, 100 series each: alarms by the budget that was stated.",
    ),
    Benchmark(
        "Noise without anomalies, `level_shift`", "noise", ("5m", "10s", "--kind", "level_shift"),
        "As above, for the default site's watch on steps.",
    ),
    Benchmark(
        "A machine in shifts, the default site", "machine", ("5m", "10s"),
        "Simulated: shifts (+10), a cycle of 55 s, a daily swing, noise of sigma .5; a step for half an hour. What "
        "each watch finds, what it would have found by chance, and its alarms where there is no step, at 1 a week.",
    ),
    Benchmark(
        "The same each second", "machine", ("1s",),
        "Rows for each mode take half a minute a machine at this rate.",
    ),
    Benchmark("Tennessee Eastman process", "tep", (), "`t2_spe`. Static PCA on these faults: FDR .870 at FAR 6.7 %."),
    Benchmark("SKAB valve1", "skab", (), "`t2_spe`, learned on the first 400 rows of each run, frozen thresholds."),
    Benchmark("Server machines (SMD)", "smd", (), "`t2_spe`, train and test as one stream."),
    Benchmark("Case Western bearings", "cwru", (), "`bearing`; the engine's events."),
    Benchmark(
        "The default site on NAB", "defaults", (),
        "What a person is told (events that open or escalate) by the default site and `auto` at 1/week each, beside "
        "`auto` alone at 1/week. `adds`: standard score of the whole less the whole without the watch; outside: events "
        "outside windows, mean of the starts; us a reading of a watch that runs alone, less an engine without any.",
    ),
    Benchmark(
        "Faults planted into normal data", "plant", (),
        "Default site and `auto`, of a broken correlation `t2_spe`, at 1/week; the engine goes on from one state with "
        "and without the fault. Drift .1 standard deviations of the series an hour for 48 h, step 2, spike 5 (one "
        "reading), stuck, noise x 3, phase 6 h late, one input with its own values of another time: 24 h each.",
    ),
    Benchmark(
        "The same, more watches", "plant", ("--more",), "With `cusum`, `nelson` and `seasonal` beside the default site."
    ),
    Benchmark("Real logger exports", "dirty", (), "The health gate, by type of fault."),
    Benchmark("The health gate on data that nobody calls faulty", "clean_gate", (), "Alarms a series and week."),
)  # fmt: skip


def main() -> int:
    """Run all, write the page, then hold the floors."""
    if not DATA.exists():
        print(f"{DATA}: no data there; the benchmarks need the public data sets", file=sys.stderr)
        return 1
    asked = [word for word in sys.argv[1:] if word != "--plots"]
    lines, failed = head(), []
    for n, benchmark in enumerate(BENCHMARKS):
        if asked and benchmark.module not in asked:
            continue
        print(f"{n + 1}/{len(BENCHMARKS)} {benchmark.title}", file=sys.stderr, flush=True)
        began = time.monotonic()
        command = [sys.executable, "-m", f"tests.quality.{benchmark.module}", *benchmark.arguments]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        print(done.stdout, flush=True)
        if done.returncode:
            failed.append(f"{' '.join(command[1:])}: exit status {done.returncode}\n{done.stderr[-2000:]}")
        lines += [
            "", f"## {benchmark.title}", "", benchmark.words, "",
            f"`python -m tests.quality.{' '.join((benchmark.module, *benchmark.arguments))}`, "
            f"{time.monotonic() - began:.0f} s:", "", "```text", done.stdout.rstrip(), "```",
        ]  # fmt: skip
    if "--plots" in sys.argv[1:]:
        drawn = [sys.executable, "-m", "tests.quality.plots"]
        if subprocess.run(drawn, cwd=ROOT, timeout=PATIENCE_S, check=False).returncode:
            failed.append("tests.quality.plots failed")
    if not asked:
        lines += ["", *LESSONS.read_text(encoding="utf-8").splitlines()]
        (ROOT / "docs" / "quality.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for line in failed:
        print(line, file=sys.stderr)
    floors = subprocess.run([sys.executable, "-m", "pytest", "-q", "tests/quality"], cwd=ROOT, check=False)
    return 1 if failed or floors.returncode else 0


def head() -> list[str]:
    """What the page says before its figures."""
    return [
        "# Quality",
        "",
        "Written by `make quality`; do not edit. Public data, one pass, causal, every detector at its defaults: no",
        "option is set for a file. The structure of `auto` was chosen on the public half of NAB, and `railed` and",
        "`stuck` were looked at on the logger exports: other data may come out lower. What is told counts: thresholds",
        "calibrate themselves, none is swept.",
        "",
        f"Configuration {configuration()}, {os.cpu_count()} cores, Python {platform.python_version()}.",
    ]


def configuration() -> str:
    """Hash of every kind's defaults and of the default site."""
    defaults = {
        kind: {name: repr(field.default) for name, field in detector.model_fields.items()}
        for kind, detector in REGISTRY.items()
    }
    text = json.dumps([defaults, DEFAULT_WATCHES], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


if __name__ == "__main__":
    sys.exit(main())
