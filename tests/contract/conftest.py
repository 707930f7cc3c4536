"""Every contract is proved twice: with compiled kernels, and with numpy and plain Python in their place."""

from __future__ import annotations

import pytest

from detectors import compiled


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    metafunc.parametrize("kernels", ["compiled", "plain"], indirect=True)


@pytest.fixture(autouse=True)
def kernels(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = getattr(request, "param", "compiled")  # a doctest has none
    if wanted == "compiled" and not compiled.available:
        pytest.skip("needs numba")
    monkeypatch.setattr(compiled, "available", wanted == "compiled")
