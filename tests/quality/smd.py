"""SMD, four server machines: train, then test, as one stream at the defaults; VUS-PR of the test part.

`python -m tests.quality.smd`. VUS-PR needs no threshold; the share of normal test rows at or above 1 is printed beside.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tests.quality.joint import data, judge
from tests.quality.vus import vus_pr

INTERVAL_S = 60.0


class Figures(NamedTuple):
    """Of one machine."""

    name: str
    vus_pr: float
    false: float  # share of the test part's normal rows with score >= 1
    seconds: float


def measure(**options: Any) -> list[Figures]:
    """Each machine as a stream of its own."""
    found = []
    for path in sorted(data("smd").glob("machine-*.npz")):
        part = np.load(path)
        judged = judge(np.vstack((part["train"], part["test"])), INTERVAL_S, **options)
        score, label = judged.score[len(part["train"]) :], part["label"]
        assert not np.isnan(score).any()
        false = float((score[label == 0] >= 1).mean())
        found.append(Figures(path.stem, vus_pr(label, score), false, judged.seconds))
    return found


if __name__ == "__main__":
    machines = measure()
    for f in machines:
        print(f"SMD {f.name}: VUS-PR {f.vus_pr:.3f}, normal rows at or above 1 {f.false:.1%}; {f.seconds:.1f} s")
    print(f"SMD mean VUS-PR {np.mean([f.vus_pr for f in machines]):.3f}")
