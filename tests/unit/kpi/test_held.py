"""Held blocks beside a plain list: what is let go, in which order, and what stays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.kpi import held
from streams.kpi.held import Block, Held


def rows(block: Any) -> list[tuple[float, ...]]:
    return list(zip(*(column.tolist() for column in block), strict=True))


@given(st.integers(0, 2**32 - 1), st.lists(st.integers(0, 30), min_size=1, max_size=12))
@settings(max_examples=50, deadline=None)
def test_what_is_due_goes_in_its_order_and_the_rest_stays(seed: int, sizes: list[int]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(held, "_SMALL", 10)
        rng = np.random.default_rng(seed)
        blocks, plain = Held(), []
        for size in sizes:
            columns = (rng.integers(0, high, size) for high in (3, 9, 50))
            block = Block(*columns, rng.random(size), rng.integers(0, 50, size))
            blocks.put(block)
            plain += rows(block)
            assert blocks.earliest() == min((row[4] for row in plain), default=None)
            until, machine = int(rng.integers(0, 40)), int(rng.integers(0, 3))
            gone = blocks.take(
                lambda bound, until=until: bound.time <= until,
                lambda b, until=until, machine=machine: (b.time <= until) & (b.machine == machine),
            )
            due = [row for row in plain if row[2] <= until and row[0] == machine]
            assert rows(gone) == due
            plain = [row for row in plain if row not in due]
            again = Held()
            again.restore(blocks.snapshot())
            blocks = again if rng.random() < 0.3 else blocks
            assert rows(blocks.snapshot().values()) == plain
