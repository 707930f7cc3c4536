"""The image's recipe: hadolint takes it, what it copies is there, it is not root, and it installs what is locked."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from docs.generate import ROOT
from streams.settings import Settings
from tests.servers.deploy_tools import DeployTools

DOCKERFILE = ROOT / "deploy" / "Dockerfile"
TEXT = DOCKERFILE.read_text("utf-8")
LINES = re.sub(r"\\\n\s*", "", TEXT).splitlines()


def said(instruction: str) -> list[str]:
    return [line.removeprefix(f"{instruction} ") for line in LINES if line.startswith(f"{instruction} ")]


def pins(path: Path) -> dict[str, str]:
    """name -> version and markers, of each line that pins something."""
    return dict(re.findall(r"^([\w.-]+)==([^\\\n]+?)(?: \\)?$", path.read_text("utf-8"), re.M))


def test_hadolint_has_nothing_to_say(checkers: DeployTools) -> None:
    done = subprocess.run([checkers.hadolint, str(DOCKERFILE)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_hadolint_would_say_what_is_wrong(checkers: DeployTools, tmp_path: Path) -> None:
    wrong = tmp_path / "Dockerfile"
    wrong.write_text("FROM python:latest\nRUN cd /tmp\n")
    done = subprocess.run([checkers.hadolint, str(wrong)], capture_output=True, text=True, check=False)
    assert "DL3007" in done.stdout


def test_what_is_copied_is_there_and_let_in() -> None:
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")}
    copied = set()
    for line in said("COPY"):
        if "--from=" not in line:
            *sources, _ = [word for word in line.split() if not word.startswith("--")]
            copied |= set(sources)
    assert copied == let_in
    assert all((ROOT / source).exists() for source in copied)


def test_it_runs_as_a_number_that_is_not_root_and_is_asked_how_it_is() -> None:
    assert said("USER") == ["10001:10001"]
    assert said("EXPOSE") == [str(Settings.model_fields["port"].default)]
    assert len(said("HEALTHCHECK")) == 1
    assert "org.opencontainers.image.licenses" in said("LABEL")[0]


def test_kernels_are_compiled_of_what_is_installed_and_not_of_what_lies_beside() -> None:
    """numba files them by the folder of their source, and `python -c` looks into the working folder first."""
    (line,) = (line for line in said("RUN") if "compile_kernels" in line)
    assert re.search(r"bin/python -P -c ", line)


def test_both_stages_stand_on_the_same_base_which_a_digest_can_pin() -> None:
    assert said("FROM") == ["${PYTHON}${DIGEST} AS build", "${PYTHON}${DIGEST}"]
    assert re.fullmatch(r"PYTHON=python:3\.1[123]\.\d+-slim-\w+", said("ARG")[0])


def test_it_installs_versions_of_the_lock_and_none_of_the_tools_for_development() -> None:
    image, lock = pins(ROOT / "deploy" / "requirements.txt"), pins(ROOT / "requirements.lock")
    versions = {name: version.split(" ")[0] for name, version in lock.items()}
    assert {name: version.split(" ")[0] for name, version in image.items()}.items() <= versions.items()
    assert {"faust-streaming", "numba", "pyarrow", "pyyaml"} <= image.keys()
    assert not image.keys() & {"pytest", "ruff", "mypy", "matplotlib"}
