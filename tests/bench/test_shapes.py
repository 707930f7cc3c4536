"""What `tests.bench.shapes` times is past its warm-up, and it tells of bounds that are not kept."""

from __future__ import annotations

import numpy as np
import pytest

from tests.bench.shape_loads import SQUARE, Load, Shape, kernels
from tests.bench.shapes import FOUR, Timed, faults


@pytest.mark.parametrize("kind", ["auto", *FOUR, "t2_spe"])
def test_what_is_timed_is_past_its_warm_up(kind: str) -> None:
    load = Load(kind, Shape("small", 104, 3), kernels())
    for rows, batch in load.chunks()[:1]:
        judged = load.bank.run(rows, batch)
        assert (judged.verdict.warm >= 1).all()
        assert np.isfinite(judged.score).mean() > 0.99


def test_a_bound_that_is_not_kept_is_told_unless_mercy_covers_it() -> None:
    slow = Timed("auto", SQUARE, True, [9.0], [0.01], 100.0)
    large = Timed("auto", SQUARE, True, [1.0], [0.01], 9000.0)
    assert [line.split(":")[0] for line in faults([slow], 1.0)] == ["auto, square, extra fast on"]
    assert faults([slow], 3.0) == []
    assert "9,000 bytes" in faults([large], 3.0)[0]
