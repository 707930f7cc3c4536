"""The whole stack, started as docs/operating.md says, where an engine for containers and the images are."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
import uuid
from collections.abc import Iterator
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from docs.generate import ROOT
from grafana.boards.table import BOARDS
from tests.servers.base import Unavailable
from tests.servers.containers import at_hand, require_engine
from tests.servers.deploy_tools import prepared
from tests.servers.grafana import rows_in
from tests.servers.net import LOOPBACK, free_port, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
OURS = ("worker", "board", "plant")
JOBS = ("topics", "buckets")
PUBLISHED = {"grafana": 3000, "board": 8091}


class Stack(NamedTuple):
    """One that runs: in a folder, under a name, with what it publishes on ports of loopback."""

    folder: Path
    name: str
    compose: str
    ports: dict[str, int]

    def run(self, *words: str, seconds: float = 600) -> str:
        """What docker compose prints; fails with what it says is wrong."""
        argv = [self.compose, "-p", self.name, "-f", "compose.yaml", "-f", "ports.yaml", *words]
        done = subprocess.run(argv, cwd=self.folder, capture_output=True, text=True, timeout=seconds, check=False)
        assert done.returncode == 0, f"{' '.join(words)}:\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
        return done.stdout

    def containers(self) -> dict[str, dict[str, Any]]:
        """What the engine says of each service's container."""
        names = self.run("ps", "--all", "--format", "{{.Name}}").split()
        told = json.loads(subprocess.run(["docker", "inspect", *names], capture_output=True, check=True).stdout)
        return {one["Config"]["Labels"]["com.docker.compose.service"]: one for one in told}

    def secret(self, name: str) -> str:
        """What stands in one of its secrets."""
        return (self.folder / "secrets" / name).read_text("utf-8")

    def asked_inside(self, url: str) -> Any:
        """The JSON at an address that only the services reach."""
        code = f"import urllib.request as u; print(u.urlopen({url!r}, timeout=5).read().decode())"
        return json.loads(self.run("exec", "-T", "worker", "python", "-c", code, seconds=30))


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    services = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text("utf-8"))["services"]
    base = re.search(r"^ARG PYTHON=(\S+)", (ROOT / "deploy" / "Dockerfile").read_text("utf-8"), re.M)
    assert base is not None
    images = {told["image"] for told in services.values() if "profiles" not in told and "build" not in told}
    try:  # no engine is no failure under CI either: what the files say is checked without
        require_engine()
        compose = prepared().compose
        for image in sorted(images - {services["worker"]["image"]} | {base[1]}):
            at_hand(image)
    except Unavailable as error:
        pytest.skip(str(error))
    ports = {name: free_port() for name in PUBLISHED}
    folder = _copied(tmp_path_factory.mktemp("stack"), ports)
    made = Stack(folder, f"millstream-{uuid.uuid4().hex[:8]}", compose, ports)
    try:
        made.run("build", "topics", seconds=1200)
        made.run("up", "--detach", "--no-build")
        yield made
    finally:
        made.run("down", "--volumes", "--timeout", "60")


def _copied(folder: Path, ports: dict[str, int]) -> Path:
    """deploy/ of a checkout of its own, with its secrets made and other ports than a stack that may run here has."""
    for name in ("deploy", "streams", "detectors", "schemas"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "secrets"))
    for name in ("pyproject.toml", "README.md", "LICENSE", ".dockerignore"):
        shutil.copy(ROOT / name, folder / name)
    subprocess.run(["sh", "compose/secrets.sh"], cwd=folder / "deploy", check=True, capture_output=True)
    told = "".join(
        f'  {name}: {{ports: !override ["{LOOPBACK}:{port}:{PUBLISHED[name]}"]}}\n' for name, port in ports.items()
    )
    (folder / "deploy" / "ports.yaml").write_text(f"services:\n{told}", encoding="utf-8")
    return folder / "deploy"


def test_services_run_and_jobs_have_ended_well(stack: Stack) -> None:
    def states() -> dict[str, str]:
        found = {name: one["State"] for name, one in stack.containers().items()}
        return {
            name: state.get("Health", {}).get("Status", state["Status"]) if name not in JOBS
            else f"{state['Status']} {state['ExitCode']}"
            for name, state in found.items()
        }  # fmt: skip

    wanted = dict.fromkeys(JOBS, "exited 0") | dict.fromkeys(("kafka", "influxdb", "worker", "board"), "healthy")
    wanted |= dict.fromkeys(("plant", "prometheus", "alertmanager", "grafana"), "running")
    assert wait_until(lambda: states() == wanted, 120), states()
    assert all(one["RestartCount"] == 0 for one in stack.containers().values())


def test_ours_cannot_write_their_root_and_are_nobody_in_particular(stack: Stack) -> None:
    found = stack.containers()
    for name in (*OURS, *JOBS):
        told = found[name]
        assert told["Config"]["User"] == "10001:10001"
        assert told["HostConfig"]["ReadonlyRootfs"]
        assert told["HostConfig"]["CapDrop"] == ["ALL"]


def test_nothing_is_published_but_grafana_and_the_board(stack: Stack) -> None:
    open_to = {name: one["NetworkSettings"]["Ports"] for name, one in stack.containers().items()}
    published = {name: [at for ats in ports.values() for at in ats or ()] for name, ports in open_to.items()}
    assert {name: at for name, at in published.items() if at} == {
        name: [{"HostIp": LOOPBACK, "HostPort": str(port)}] for name, port in stack.ports.items()
    }


def test_no_secret_is_in_what_the_engine_tells(stack: Stack) -> None:
    told = json.dumps(stack.containers())
    for path in (stack.folder / "secrets").iterdir():
        assert path.read_text("utf-8") not in told, path.name


def test_the_plant_is_seen_by_the_stores_that_grafana_asks(stack: Stack) -> None:
    address = f"http://{LOOPBACK}:{stack.ports['grafana']}"
    login = base64.b64encode(f"admin:{stack.secret('grafana_password')}".encode()).decode()
    told = {"Content-Type": "application/json", "Authorization": f"Basic {login}"}

    def answer(path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(address + path, data, told), timeout=30) as found:
            return json.load(found)

    assert {board["uid"] for board in answer("/api/search?type=dash-db")} == set(BOARDS)
    asked = {
        "raw": {"query": 'SELECT count("value") FROM "reading" WHERE $timeFilter', "resultFormat": "table"},
        "main": {"query": 'SELECT count("severity") FROM "anomaly" WHERE $timeFilter', "resultFormat": "table"},
        "prometheus": {"expr": "count(millstream_watch_info)", "instant": True},
    }
    queries = [
        {"refId": name, "datasource": {"uid": f"millstream-{name}"}, "rawQuery": True, "intervalMs": 1000,
         "maxDataPoints": 100, **query}
        for name, query in asked.items()
    ]  # fmt: skip

    def rows() -> dict[str, int]:
        results = answer("/api/ds/query", {"from": "now-1h", "to": "now", "queries": queries})["results"]
        return {name: rows_in(result) for name, result in results.items()}

    assert wait_until(lambda: all(rows().values()), 300), rows()


def test_the_web_board_lists_a_fault_within_five_minutes(stack: Stack) -> None:
    address = f"http://{LOOPBACK}:{stack.ports['board']}"
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    form = {"by": "the shift lead", "password": stack.secret("board_password"), "to": "/"}
    request = urllib.request.Request(f"{address}/login", urllib.parse.urlencode(form).encode(), {"Origin": address})
    opener.open(request, timeout=10).close()

    def listed() -> bool:
        return "/episodes/" in opener.open(address, timeout=10).read().decode()

    assert wait_until(listed, 300)


def test_what_fires_reaches_alertmanager_and_so_does_a_trial(stack: Stack) -> None:
    def alerts() -> dict[str, dict[str, Any]]:
        return {one["labels"]["alertname"]: one for one in stack.asked_inside("http://alertmanager:9093/api/v2/alerts")}

    assert wait_until(lambda: "MillstreamWatchdog" in alerts(), 120), sorted(alerts())
    trial = ("millstream", "alert", "test", "--team", "process", "--by", "the shift lead")
    said = stack.run("exec", "-T", "worker", *trial)
    assert "it goes to" in said
    assert alerts()["MillstreamTest"]["labels"]["team"] == "process"


def test_more_workers_share_the_work_and_one_that_is_stopped_says_good_bye(stack: Stack) -> None:
    stack.run("up", "--detach", "--no-build", "--scale", "worker=2")

    def workers() -> list[str]:
        return stack.run("ps", "worker", "--format", "{{.Health}}").split()

    assert wait_until(lambda: workers() == ["healthy", "healthy"], 120), workers()
    begun = time.monotonic()
    stack.run("stop", "worker")
    assert time.monotonic() - begun < 60, "or it is killed"
    ended = stack.run("ps", "--all", "worker", "--format", "{{.ExitCode}}").split()
    assert ended == ["0", "0"]
