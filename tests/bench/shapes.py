"""Detectors on their banks, without Kafka: microseconds a reading and bytes a series, in three shapes of a chunk.

usage: python -m tests.bench.shapes [--smoke]   (`--smoke` holds a third of the floors, in a few seconds)
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Sequence
from typing import NamedTuple

from tests.bench.shape_loads import SHAPES, SQUARE, WIDE, Load, Shape, kernels, numpy_pass

ROUNDS, SMOKE_ROUNDS = 5, 1
FOUR = ("limits", "stuck", "robust_zscore", "cusum")
WATCHED = {"auto": ("auto",), "the four": FOUR, "robust_zscore": ("robust_zscore",), "t2_spe": ("t2_spe",)}
"""What is timed, and the detectors whose times are added up for it."""
MOST_US = {"auto": 4.0, "the four": 0.5, "t2_spe": 5.0}
"""Wide and square, with the extra `fast`: microseconds a reading, of t2_spe a vector of 52 inputs."""
LEAST_DEEP = {"auto": 150_000.0, "robust_zscore": 1_000_000.0}
"""Deep, with the extra `fast`: readings a second; without it a tenth."""
MOST_BYTES = {"auto": 8_000}


class Timed(NamedTuple):
    """One thing timed in one shape: microseconds a reading of each round, and those of the numpy pass beside it."""

    what: str
    shape: Shape
    fast: bool
    us: list[float]
    numpy_us: list[float]
    state: float  # bytes a series

    @property
    def median_us(self) -> float:
        """Microseconds a reading."""
        return statistics.median(self.us)

    @property
    def ratio(self) -> float:
        """Of the numpy pass over the same arrays in the same round, the median."""
        return statistics.median(a / b for a, b in zip(self.us, self.numpy_us, strict=True))

    @property
    def most_us(self) -> float | None:
        """The bound, where there is one."""
        if self.shape in (WIDE, SQUARE):
            return MOST_US.get(self.what) if self.fast else None
        least = LEAST_DEEP.get(self.what)
        return None if least is None else 1e6 / (least if self.fast else least / 10)


def measure(rounds: int) -> list[Timed]:
    """All of them, round by round in turn."""
    loads = {
        (what, shape, fast): [Load(kind, shape, fast) for kind in kinds]
        for what, kinds in WATCHED.items()
        for shape in SHAPES
        for fast in ((True, False) if kernels() else (False,))
        if what != "t2_spe" or (fast == kernels() and shape in (WIDE, SQUARE))
    }
    timed = [
        Timed(what, shape, fast, [], [], sum(load.state for load in load_of))
        for (what, shape, fast), load_of in loads.items()
    ]
    for _ in range(rounds):
        for one, load_of in zip(timed, loads.values(), strict=True):
            one.us.append(sum(_took_us(load) for load in load_of))
            one.numpy_us.append(_numpy_us(load_of[0]))
    return timed


def _took_us(load: Load) -> float:
    """Microseconds a reading, over a few chunks that its bank has not seen."""
    chunks, spent = load.chunks(), 0.0
    with load.way():
        for rows, batch in chunks:
            begin = time.process_time()
            load.bank.run(rows, batch)
            spent += time.process_time() - begin
    return spent * 1e6 / sum(len(rows) for rows, _ in chunks)


def _numpy_us(load: Load) -> float:
    """The same of a plain numpy pass."""
    chunks = load.chunks()
    begin = time.process_time()
    for rows, batch in chunks:
        numpy_pass(load.level, load.spread, rows, batch.x)
    return (time.process_time() - begin) * 1e6 / sum(len(rows) for rows, _ in chunks)


def table(timed: Sequence[Timed], rounds: int) -> list[str]:
    """The figures, each beside its bound."""
    out = [
        f"Detectors on their banks, without Kafka, by CPU time; median of {rounds} interleaved rounds. A chunk is wide "
        "(10,000 series x 1 reading), square (1,000 x 100) or deep (1 x 100,000, as in a file or a replay). The numpy "
        "pass is one plain z-score with its mean and spread written back, over the same arrays in the same round. "
        "The four are limits, stuck, robust_zscore and cusum, one after another; of t2_spe a reading is a vector of 52 "
        "inputs, of as many machines as make about as many series.",
        "",
        "| detector | shape | extra fast | us a reading | at most | readings/s | x numpy pass | bytes a series |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for t in timed:
        most = "" if t.most_us is None else f"{t.most_us:.3g}"
        extra = "yes" if t.fast else "no"
        out.append(
            f"| {t.what} | {t.shape.name} | {extra} | {t.median_us:.3f} | {most} | {1e6 / t.median_us:,.0f} | "
            f"{t.ratio:.1f} | {t.state:,.0f} |"
        )
    return out


def faults(timed: Sequence[Timed], mercy: float) -> list[str]:
    """Bounds that are not kept; `mercy` widens those of speed."""
    found = [
        f"{t.what}, {t.shape.name}, extra fast {'on' if t.fast else 'off'}: {t.median_us:.3f} us a reading, "
        f"at most {t.most_us * mercy:.3g}"
        for t in timed
        if t.most_us is not None and t.median_us > t.most_us * mercy
    ]
    sizes = {t.what: t.state for t in timed}
    return found + [
        f"{what}: {sizes[what]:,.0f} bytes a series, at most {most:,}"
        for what, most in MOST_BYTES.items()
        if sizes.get(what, 0) > most
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true")
    smoke = parser.parse_args().smoke
    rounds = SMOKE_ROUNDS if smoke else ROUNDS
    timed = measure(rounds)
    print("\n".join(table(timed, rounds)))
    missed = faults(timed, 3.0 if smoke else 1.0)
    for line in missed:
        print(f"BELOW THE FLOOR: {line}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
