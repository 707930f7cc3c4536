"""What the default site with `auto` reaches on the public half of NAB, at one start: floors under what was measured."""

from __future__ import annotations

import pytest

from detectors import compiled
from tests.quality import defaults, nab
from tests.quality.product import AUTO, watches

pytestmark = [
    pytest.mark.skipif(not nab.NAB.exists(), reason="needs ../shared/data/nab"),
    pytest.mark.skipif(not compiled.available, reason="needs numba: minutes without"),
]


@pytest.mark.slow
def test_the_default_site_finds_more_windows_than_auto_alone_and_the_gate_costs_little() -> None:
    tool = nab.rules()
    files = nab.load(tool)
    alone = defaults.run(tool, files, [AUTO], (0,))
    whole = defaults.run(tool, files, watches(), (0,))
    gated = defaults.run(tool, files, [w for w in watches() if w["name"] != "robust_zscore"], (0,))
    assert alone.mean.standard >= 68
    assert whole.mean.hit >= alone.mean.hit
    assert whole.mean.standard >= 55
    assert gated.mean.standard >= alone.mean.standard - 3
    # beside auto at 1/week, told by the gate: one in 50 series-days at most
    assert sum(n for name, n in gated.outside.items() if name != "auto") <= 60


def test_auto_stands_in_the_site_that_is_judged_once() -> None:
    kinds = [watch["detector"]["kind"] for watch in watches()]
    assert kinds.count("auto") == 1
    assert len(kinds) == len(set(kinds))
