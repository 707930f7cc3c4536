"""What all tests share: hypothesis profiles, the shared data, and a summary line about the servers used."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests.servers.choose import in_ci
from tests.servers.fleet import Fleet

ROOT = Path(__file__).resolve().parent.parent
FLEET: pytest.StashKey[Fleet] = pytest.StashKey()
REPORT: pytest.StashKey[str] = pytest.StashKey()
"""Of the process that had the servers, where there are several."""

# No deadline: machines are shared, and a slow example is no wrong one.
settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if in_ci() else "local")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[FLEET] = Fleet()


def pytest_unconfigure(config: pytest.Config) -> None:
    if FLEET in config.stash:
        config.stash[FLEET].close()


def pytest_collection_finish(session: pytest.Session) -> None:
    # Here and not in the fixtures: a first build takes minutes, longer than a test may, and should be seen. Of several
    # processes only the one that gets the tests on servers starts them: `make test` has built them before.
    if session.config.option.collectonly or hasattr(session.config, "workerinput"):
        return
    ours = [item for item in session.items if item.get_closest_marker("integration")]
    names = {name for item in ours for name in getattr(item, "fixturenames", ())}
    capture = session.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        session.config.stash[FLEET].start(names)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    from tests.parallel import ByFile  # here alone there is sure to be xdist

    return ByFile(config, log)


def pytest_sessionfinish(session: pytest.Session) -> None:
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["servers"] = session.config.stash[FLEET].report()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    report = getattr(node, "workeroutput", {}).get("servers")
    if report:
        node.config.stash[REPORT] = report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    report = config.stash.get(REPORT, "") or (config.stash[FLEET].report() if FLEET in config.stash else "")
    if report:
        terminalreporter.write_line(f"servers: {report}")


@pytest.fixture(scope="session")
def fleet(request: pytest.FixtureRequest) -> Iterator[Fleet]:
    """The servers of this run, started when first asked for."""
    yield request.config.stash[FLEET]
    request.config.stash[FLEET].close()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of public data sets: MILLSTREAM_SHARED_DATA, or shared/data beside the checkout."""
    told = os.environ.get("MILLSTREAM_SHARED_DATA")
    folder = Path(told) if told else ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no shared data at {folder}: MILLSTREAM_SHARED_DATA names the folder")
    return folder
