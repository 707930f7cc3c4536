"""Schemas of KEDA's and Prometheus' operator's kinds, out of the Go modules that deploy/kinds.txt pins."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml

from tests.servers.base import Unavailable
from tests.servers.cache import Build, build_once, cache_root
from tests.servers.toolchains import find

PINS = Path(__file__).parent / "deploy" / "kinds.txt"
Schema = dict[str, Any]


def _pins() -> list[tuple[str, str, str]]:
    """Module at its version, hash, path."""
    lines = (line.split() for line in PINS.read_text("utf-8").splitlines() if not line.startswith("#"))
    return [(module, sum_, path) for module, sum_, path in lines]


def _name() -> str:
    versions = dict.fromkeys(module.rpartition("@v")[2] for module, _, _ in _pins())
    return "-".join(["deploy-kinds", *versions])


def _build(build: Build) -> None:
    go = find("go", "fetches the schemas of custom kinds")
    for module, wanted, path in _pins():
        argv = [go, "mod", "download", "-json", module]
        done = subprocess.run(argv, capture_output=True, text=True, cwd=build.folder, check=False)
        if done.returncode:
            raise Unavailable(f"{build.what}: {module} cannot be fetched: {done.stdout}{done.stderr}")
        told = json.loads(done.stdout)
        if told["Sum"] != wanted:
            raise Unavailable(f"{build.what}: {module} has the hash {told['Sum']}; {PINS.name} says {wanted}")
        shutil.copy(Path(told["Dir"]) / path, build.folder)


def prepare() -> Path:
    """The folder of them, made where it is not there yet; raises Unavailable if they cannot be had here."""
    return build_once(_name(), _build)


def prepared() -> dict[tuple[str, str], Schema]:
    """(apiVersion, kind) -> schema in which nothing may stand that it does not name; raises Unavailable."""
    folder = cache_root() / _name()
    if not folder.exists():
        raise Unavailable("no schemas of custom kinds yet; make them with: python -m tests.servers prepare")
    found = {}
    for path in sorted(folder.glob("*.yaml")):
        told = yaml.safe_load(path.read_text("utf-8"))["spec"]
        for version in told["versions"]:
            schema = version["schema"]["openAPIV3Schema"]
            schema["properties"]["metadata"] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
            _close(schema)
            found[f"{told['group']}/{version['name']}", told["names"]["kind"]] = schema
    return found


def _close(schema: Any) -> None:
    """What a server would silently leave out is wrong in a file of ours."""
    if isinstance(schema, list):
        for each in schema:
            _close(each)
    if not isinstance(schema, dict):
        return
    if "properties" in schema and not schema.get("x-kubernetes-preserve-unknown-fields"):
        schema.setdefault("additionalProperties", False)
    if str(schema.get("pattern", "")).startswith("^(?i)"):  # Go's way to say it, which Python takes at the start alone
        schema["pattern"] = f"(?i)^{schema['pattern'].removeprefix('^(?i)')}"
    for each in schema.values():
        _close(each)
