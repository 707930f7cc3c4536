"""The throw-away detectors are known to the site file and the engine in these tests alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from detectors.registry import REGISTRY
from tests.contract import throwaway
from tests.unit.engine.binned import BinnedZscore


@pytest.fixture(autouse=True, scope="module")
def registry() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for kind, cls in [*throwaway.REGISTRY.items(), ("binned_zscore", BinnedZscore)]:
            patch.setitem(REGISTRY, kind, cls)
        yield
