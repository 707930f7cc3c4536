"""Prometheus and Alertmanager with their tools, built from the Go module that prometheus/go.mod pins."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from tests.servers.base import Unavailable
from tests.servers.cache import Build, build_once, cache_root
from tests.servers.toolchains import find

MODULE = Path(__file__).parent / "prometheus"
_PROMETHEUS = "github.com/prometheus/prometheus"
_ALERTMANAGER = "github.com/prometheus/alertmanager"
_COMMANDS = (
    *(f"{_PROMETHEUS}/cmd/{name}" for name in ("prometheus", "promtool")),
    *(f"{_ALERTMANAGER}/cmd/{name}" for name in ("alertmanager", "amtool")),
)


class Tools(NamedTuple):
    """Paths of the binaries."""

    prometheus: str
    promtool: str
    alertmanager: str
    amtool: str


def _pinned(module: str) -> str:
    found = re.search(rf"{re.escape(module)} v(\S+)", (MODULE / "go.mod").read_text())
    assert found is not None
    return found.group(1)


def prometheus_version() -> str:
    """The release that go.mod names; its module counts releases 3.16.0 as 0.316.0."""
    _, minor, patch = _pinned(_PROMETHEUS).split(".")
    return f"{minor[0]}.{int(minor[1:])}.{patch}"


def alertmanager_version() -> str:
    """The release that go.mod names."""
    return _pinned(_ALERTMANAGER)


def _name() -> str:
    return f"alerting-{prometheus_version()}-{alertmanager_version()}"


def _compile(build: Build) -> None:
    go = find("go", "compiles Prometheus and Alertmanager")
    for name in ("go.mod", "go.sum"):
        (build.folder / name).write_text((MODULE / name).read_text())
    build.run("fetching Alertmanager", [go, "mod", "download", _ALERTMANAGER])
    # Alertmanager embeds a folder that only its own release build fills; a page that says so stands in for it.
    told = subprocess.run(
        [go, "mod", "download", "-json", _ALERTMANAGER], cwd=build.folder, capture_output=True, text=True, check=True
    )
    source = build.folder / "source"
    shutil.copytree(json.loads(told.stdout)["Dir"], source, copy_function=shutil.copyfile)
    for folder in (source, *(path for path in source.rglob("*") if path.is_dir())):
        folder.chmod(0o755)
    (source / "ui" / "app" / "dist").mkdir(parents=True)
    (source / "ui" / "app" / "dist" / "index.html").write_text("This build has no user interface.\n")
    build.run("naming that copy", [go, "mod", "edit", "-replace", f"{_ALERTMANAGER}=./source"])
    (build.folder / "bin").mkdir()
    build.run(
        "compiling Prometheus and Alertmanager (up to 4 minutes on two cores, the first time)",
        # without the clouds' service discoveries, which would be most of the work
        [go, "build", "-p", "2", "-tags", "remove_all_sd", "-ldflags", "-s -w", "-o", "bin/", *_COMMANDS],
        env={"CGO_ENABLED": "0"},
    )
    shutil.rmtree(source)
    build.run("asking promtool", ["bin/promtool", "--version"])


def _tools(folder: Path) -> Tools:
    return Tools(*(str(folder / "bin" / name) for name in Tools._fields))


def prepare() -> Tools:
    """The binaries, built where they are not there yet; raises Unavailable if they cannot be built here."""
    return _tools(build_once(_name(), _compile))


def prepared() -> Tools:
    """The binaries, if `prepare` has been there; raises Unavailable saying what to do, at once."""
    folder = cache_root() / _name()
    if not folder.exists():
        raise Unavailable("no Prometheus and Alertmanager yet; make them with: python -m tests.servers prepare")
    return _tools(folder)
