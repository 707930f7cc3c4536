"""Every contract is proved twice: with compiled kernels, and with numpy and plain Python in their place."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from detectors import compiled


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    metafunc.fixturenames.append("kernels")
    metafunc.parametrize("kernels", ["compiled", "plain"], indirect=True, scope="session")


@pytest.fixture(scope="session")
def kernels(request: pytest.FixtureRequest) -> Iterator[None]:
    had = compiled.available
    if request.param == "compiled" and not had:
        pytest.skip("needs numba")
    compiled.available = request.param == "compiled"
    yield
    compiled.available = had
