"""Which server a run gets, and what becomes of a build that fails."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn, cast

import pytest

from schemas.errors import Misconfigured
from tests.servers import containers
from tests.servers.base import KafkaServer, NotOurs, StartFailed, Unavailable
from tests.servers.cache import Build, build_once
from tests.servers.choose import Choice, NoServer, Way, first_open, influx_ways, kafka_ways
from tests.servers.environment import GivenInflux, GivenKafka
from tests.servers.fleet import Fleet
from tests.servers.grafana import Sources, grafana_ways
from tests.servers.lend import lend
from tests.servers.net import LOOPBACK, free_port, wait_until
from tests.servers.process import ProcessServer


class FakeKafka(KafkaServer):
    where = "native"

    def __init__(self, error: Exception | None = None, real: bool = True) -> None:
        self.real = real
        self.error = error
        self.closed = False

    def start(self) -> None:
        if self.error is not None:
            raise self.error

    def stop(self) -> None:
        pass

    kill = stop

    def close(self) -> None:
        self.closed = True


def way(name: str, server: FakeKafka) -> Way[KafkaServer]:
    return Way(name, lambda: server)


def raising(error: Exception) -> Callable[[], NoReturn]:
    def get() -> NoReturn:
        raise error

    return get


@pytest.mark.parametrize(
    ("environ", "names"),
    [
        ({"MILLSTREAM_TEST_KAFKA": "127.0.0.1:9", "CI": "true"}, ["environment"]),
        ({}, ["testcontainers", "native", "embedded"]),
        ({"CI": "true"}, ["testcontainers", "native"]),
    ],
)
def test_an_address_wins_and_ci_takes_no_embedded_broker(environ: dict[str, str], names: list[str]) -> None:
    assert [way.name for way in kafka_ways(environ)] == names


def test_an_influx_address_wins() -> None:
    assert [way.name for way in influx_ways({"MILLSTREAM_TEST_INFLUX_URL": "http://x"})] == ["environment"]
    assert [way.name for way in influx_ways({})] == ["testcontainers", "native"]


def test_the_first_open_way_is_taken_and_the_refused_ones_are_told() -> None:
    closed, chosen, spare = FakeKafka(Unavailable("no engine")), FakeKafka(), FakeKafka()
    choice = first_open([way("a", closed), way("b", chosen), way("c", spare)])
    assert choice.server is chosen
    assert choice.refused == "a: no engine"
    assert closed.closed
    assert not chosen.closed


def test_no_open_way_names_every_reason() -> None:
    ways = [way("a", FakeKafka(Unavailable("no engine"))), way("b", FakeKafka(Unavailable("no Java")))]
    with pytest.raises(NoServer, match=r"^a: no engine; b: no Java$"):
        first_open(ways)


def test_a_server_that_should_start_and_does_not_is_no_reason_to_take_a_lesser_one() -> None:
    broken = FakeKafka(StartFailed("ended with 1"))
    with pytest.raises(StartFailed):
        first_open([way("native", broken), way("embedded", FakeKafka())])
    assert broken.closed


def test_without_servers_ci_fails_and_a_laptop_skips() -> None:
    with pytest.raises(pytest.fail.Exception, match="CI=true needs real servers: no Java"):
        lend(raising(NoServer("no Java")), ci=True)
    with pytest.raises(pytest.skip.Exception, match=r"^no Java$"):
        lend(raising(NoServer("no Java\nits log")), ci=False)


@pytest.mark.parametrize("error", [Misconfigured("wrong address"), StartFailed("ended with 1")])
def test_a_wrong_address_or_a_broken_server_is_never_a_skip(error: Exception) -> None:
    with pytest.raises(pytest.fail.Exception, match=str(error)):
        lend(raising(error), ci=False)


@pytest.mark.parametrize("address", ["nowhere", "host:", ":9092", "host:port"])
def test_a_kafka_address_that_is_none_is_said_so(address: str) -> None:
    with pytest.raises(Misconfigured, match="right would be host:port"):
        GivenKafka({"MILLSTREAM_TEST_KAFKA": address})


def test_an_influx_token_comes_from_a_variable_or_a_file(tmp_path: Path) -> None:
    url = {"MILLSTREAM_TEST_INFLUX_URL": "http://127.0.0.1:8086/"}
    file = tmp_path / "token"
    file.write_text("from-file\n")
    assert GivenInflux({**url, "MILLSTREAM_TEST_INFLUX_TOKEN": "direct"}).token == "direct"
    given = GivenInflux({**url, "MILLSTREAM_TEST_INFLUX_TOKEN_FILE": str(file)})
    assert (given.token, given.url, given.org) == ("from-file", "http://127.0.0.1:8086", "millstream")
    with pytest.raises(Misconfigured, match="neither MILLSTREAM_TEST_INFLUX_TOKEN nor"):
        GivenInflux(url)


def test_a_given_server_is_not_stopped() -> None:
    given = GivenKafka({"MILLSTREAM_TEST_KAFKA": "127.0.0.1:9092"})
    for forbidden in (given.stop, given.kill, given.restart):
        with pytest.raises(NotOurs, match="given by the environment"):
            forbidden()
    given.close()


def test_the_summary_says_in_one_line_what_was_not_covered() -> None:
    embedded = Fleet(
        kafka=lambda: Choice(FakeKafka(real=False), "native: no Java"), influx=raising(NoServer("no go\nlog"))
    )
    assert embedded.report() == ""
    embedded.start({"kafka", "influx"})
    report = embedded.report()
    assert "NOT covered: idempotent producers" in report
    assert "(native: no Java)" in report
    assert "InfluxDB none, NOT covered (no go ...)" in report
    assert "\n" not in report


def test_a_fleet_chooses_once_and_keeps_the_failure() -> None:
    calls: list[int] = []

    def choose() -> Choice[KafkaServer]:
        calls.append(1)
        raise NoServer("none")

    fleet = Fleet(kafka=choose)
    fleet.start({"kafka"})
    with pytest.raises(NoServer):
        fleet.kafka.get()
    assert calls == [1]


def test_a_build_happens_once_even_when_two_runs_want_it(tmp_path: Path) -> None:
    built: list[Path] = []

    def build(job: Build) -> None:
        built.append(job.folder)
        job.run("working", [sys.executable, "-c", "open('made', 'w').write('x')"])

    threads = [threading.Thread(target=build_once, args=("thing-1", build, tmp_path)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(built) == 1
    assert (build_once("thing-1", build, tmp_path) / "made").read_text() == "x"
    assert not built[0].exists()


def test_a_failed_build_leaves_its_log_and_nothing_to_mistake_for_a_build(tmp_path: Path) -> None:
    def build(job: Build) -> None:
        (job.folder / "half").touch()
        job.run("working", [sys.executable, "-c", "import sys; sys.exit('the disk is full')"])

    with pytest.raises(Unavailable, match="the disk is full") as failure:
        build_once("thing-1", build, tmp_path)
    assert str(tmp_path / "thing-1.log") in str(failure.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["thing-1.lock", "thing-1.log"]


class FakeContainer:
    """What we use of testcontainers' DockerContainer; notes the calls."""

    def __init__(self, image: str) -> None:
        self.image = image
        self.calls: list[str] = []
        self.envs: dict[str, str] = {}
        self.ports: dict[str, object] = {}

    def get_docker_client(self) -> FakeContainer:
        return self

    get_wrapped_container = get_docker_client

    def host(self) -> str:
        return "localhost"

    def with_envs(self, **envs: str) -> None:
        self.envs = envs

    def start(self) -> None:
        self.calls.append("start")

    def stop(self, timeout: int | None = None) -> None:
        self.calls.append("remove" if timeout is None else "stop")

    def kill(self) -> None:
        self.calls.append("kill")


def test_a_container_is_published_on_loopback_and_keeps_its_port_over_a_kill(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(containers, "require_engine", lambda: None)
    monkeypatch.setattr("testcontainers.core.container.DockerContainer", FakeContainer)
    monkeypatch.setattr(containers, "broker_ready", lambda bootstrap: True)
    server = containers.ContainerKafka()
    fake = cast(FakeContainer, server._container)
    assert fake.ports == {"9092/tcp": ("127.0.0.1", server.port)}
    assert fake.envs["KAFKA_ADVERTISED_LISTENERS"] == f"PLAINTEXT://{server.bootstrap}"
    assert fake.envs["KAFKA_MESSAGE_MAX_BYTES"] == "16777216"
    with server:
        server.kill()
        server.start()
        server.restart()
    assert fake.calls == ["start", "kill", "start", "stop", "start", "remove"]


class Listener(ProcessServer, KafkaServer):
    """A server small enough for a unit test: Python's own, on a port of ours."""

    where = "native"

    def __init__(self, code: str = "import time; time.sleep(600)") -> None:
        super().__init__()
        self.code = code

    def argv(self) -> list[str]:
        return [sys.executable, "-c", self.code]

    def ready(self) -> bool:
        return "time" in self.code


def test_a_server_that_dies_at_start_shows_the_end_of_its_log() -> None:
    with pytest.raises(StartFailed, match=r"ended with 3(?s:.*)port taken"), Listener("print('port taken'); exit(3)"):
        pass


def test_a_killed_run_leaves_no_server_and_no_data() -> None:
    """The run itself gets SIGKILL: what remains is the reaper, which sees its pipe close."""
    code = """
import os, signal
from tests.unit.test_servers_choice import Listener
server = Listener()
server.start()
print(server._process._child.pid, server.folder, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    root = Path(__file__).parents[2]
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=root, timeout=60, check=False
    )
    assert run.returncode == -9, run.stderr
    pid, folder = run.stdout.split()

    assert wait_until(lambda: not Path(folder).exists(), 10)
    assert wait_until(lambda: not running(int(pid)), 10)


def running(pid: int) -> bool:
    """Whether that process lives; one that only waits to be collected does not."""
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_free_port_is_out_of_the_way_of_outgoing_connections() -> None:
    low = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert LOOPBACK == "127.0.0.1"
    assert all(free_port() < max(low, 21000) for _ in range(20))


def test_grafana_is_the_installation_that_is_named(tmp_path: Path) -> None:
    assert [way.name for way in grafana_ways(tmp_path, Sources(), {})] == ["testcontainers"]
    with pytest.raises(Misconfigured, match="right would be a folder with bin/grafana in it"):
        grafana_ways(tmp_path, Sources(), {"MILLSTREAM_TEST_GRAFANA": str(tmp_path)})
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "grafana").touch()
    named = {"MILLSTREAM_TEST_GRAFANA": str(tmp_path)}
    assert [way.name for way in grafana_ways(tmp_path, Sources(), named)] == ["environment"]
