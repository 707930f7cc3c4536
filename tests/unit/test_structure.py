"""The house rules that a reader cannot see by looking at one file."""

from __future__ import annotations

import ast
from importlib.metadata import distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OURS = ("streams", "detectors", "schemas")
ALLOWED = {
    "schemas": {"schemas"},
    "detectors": {"detectors"},
    "streams": {"streams", "detectors", "schemas"},
}
PURE = {
    "numpy", "scipy", "pydantic", "detectors",
    "__future__", "abc", "bisect", "collections", "dataclasses", "enum", "functools", "itertools", "math", "re",
    "typing",
}  # fmt: skip


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.add(node.module.split(".")[0])
        elif isinstance(node, ast.ImportFrom) and node.level:
            pytest.fail(f"{path}: a relative import hides the direction of dependence")
    return found


@pytest.mark.parametrize("package", OURS)
def test_packages_import_only_in_the_stated_direction(package: str) -> None:
    for path in sorted((ROOT / package).rglob("*.py")):
        wrong = (imports(path) & {*OURS, "tests"}) - ALLOWED[package]
        assert not wrong, f"{path.relative_to(ROOT)} imports {wrong}"


def test_detectors_are_pure_numerics() -> None:
    for path in sorted((ROOT / "detectors").rglob("*.py")):
        # what may not be installed is looked for, and imported when first needed, in this one place
        extra = {"numba", "importlib"} if path.name == "compiled.py" else set()
        wrong = imports(path) - PURE - extra
        assert not wrong, f"{path.relative_to(ROOT)} imports {wrong}: no clock, files, logging or network here"


def test_no_locked_distribution_provides_our_top_level_names() -> None:
    """A distribution that also ships `streams`, `detectors` or `schemas` would overwrite ours, or be overwritten."""
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    pins = [line for line in lock.splitlines() if "==" in line and line[0] != " "]
    locked = {line.split("==")[0].lower().replace("_", "-") for line in pins}
    seen = set()
    for distribution in distributions():
        name = (distribution.metadata["Name"] or "").lower().replace("_", "-")
        if name == "millstream":
            continue
        seen.add(name)
        tops = {str(file).split("/")[0].removesuffix(".py") for file in distribution.files or ()}
        assert not tops & set(OURS), f"{name} also provides {tops & set(OURS)}"
    # the check is worth something only if the locked distributions are installed here
    assert len(locked & seen) > 50, f"only {len(locked & seen)} of {len(locked)} locked distributions are installed"


def test_no_registry_host_or_machine_path_is_committed() -> None:
    registries = ("pypi" + ".org", "pythonhosted" + ".org", "registry.npmjs" + ".org", "repo.maven" + ".apache.org")
    banned = (*registries, "/work" + "/main")
    for folder in (*OURS, "docs", "tests", "deploy", "grafana", ".ci"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and path.suffix in (".py", ".md", ".toml", ".json", ".xml", ".yaml", ".sh", ""):
                text = path.read_text(encoding="utf-8", errors="ignore")
                assert not [word for word in banned if word in text], path
