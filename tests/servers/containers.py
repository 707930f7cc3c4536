"""Servers in containers, where a Docker engine answers. Host ports are fixed, so that a restart keeps them."""

from __future__ import annotations

import atexit
import secrets
from abc import abstractmethod
from typing import TYPE_CHECKING

from tests.servers.base import InfluxServer, KafkaServer, Server, StartFailed, Unavailable
from tests.servers.influx_api import DEFAULT_ORG, healthy, set_up
from tests.servers.kafka_probe import broker_ready
from tests.servers.kafka_tuning import TUNING
from tests.servers.net import LOOPBACK, free_port, wait_until

if TYPE_CHECKING:
    from testcontainers.core.container import DockerContainer

KAFKA_IMAGE = "apache/kafka:4.1.1"
INFLUX_IMAGE = "influxdb:2.8.0"
READY_S = 90.0


def require_engine() -> None:
    """Raises Unavailable unless a Docker engine answers within two seconds."""
    try:
        import docker
        import docker.errors
    except ImportError as error:
        raise Unavailable("the Python package docker is not installed (extra `dev`)") from error
    try:
        client = docker.from_env(timeout=2)
        client.ping()
        client.close()
    except (docker.errors.DockerException, OSError) as error:
        raise Unavailable("no Docker engine answers") from error


def at_hand(image: str) -> None:
    """Have an image: fetched, unless it is here. Raises Unavailable if its registry does not give it."""
    import docker
    import docker.errors

    client = docker.from_env()
    try:
        client.images.get(image)
    except docker.errors.ImageNotFound:
        try:
            client.images.pull(*image.split(":"))
        except docker.errors.DockerException as error:
            raise Unavailable(f"{image} cannot be pulled: {error}") from error
    finally:
        client.close()


class ContainerServer(Server):
    """Start, stop, kill and clean-up for a server in a container; testcontainers' own reaper backs it up."""

    where = "testcontainers"
    image: str
    inner_port: int

    def __init__(self) -> None:
        require_engine()
        from testcontainers.core.container import DockerContainer

        self.version = self.image.partition(":")[2]
        self.port = free_port()
        self._container: DockerContainer = DockerContainer(self.image)
        host = self._container.get_docker_client().host()
        local = host in ("localhost", LOOPBACK)
        self.host = LOOPBACK if local else host
        published = (LOOPBACK, self.port) if local else self.port
        # The declared type knows port numbers only; the engine takes (address, port) too, and we publish on loopback.
        self._container.ports = {f"{self.inner_port}/tcp": published}  # type: ignore[dict-item]
        self._made = False
        atexit.register(self.close)

    @abstractmethod
    def ready(self) -> bool:
        """Whether the API answers now."""

    def start(self) -> None:
        if self._made:
            self._container.get_wrapped_container().start()
        else:
            self._create()
        if not wait_until(self.ready, READY_S):
            logs = self._container.get_wrapped_container().logs(tail=20).decode(errors="replace")
            raise StartFailed(f"{self}: not ready after {READY_S:.0f} s; the end of its log:\n{logs}")

    def _create(self) -> None:
        import docker.errors

        self._made = True
        try:
            self._container.start()
        except (docker.errors.DockerException, OSError) as error:
            raise Unavailable(f"{self.image} does not start: {error}") from error

    def stop(self) -> None:
        if self._made:
            self._container.get_wrapped_container().stop(timeout=20)

    def kill(self) -> None:
        if self._made:
            self._container.get_wrapped_container().kill()

    def close(self) -> None:
        atexit.unregister(self.close)
        if self._made:
            self._made = False
            self._container.stop()


class ContainerKafka(ContainerServer, KafkaServer):
    """apache/kafka, one KRaft node."""

    image = KAFKA_IMAGE
    inner_port = 9092

    def __init__(self) -> None:
        super().__init__()
        self.bootstrap = f"{self.host}:{self.port}"
        settings = {
            "NODE_ID": "1",
            "PROCESS_ROLES": "broker,controller",
            "CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
            "CONTROLLER_LISTENER_NAMES": "CONTROLLER",
            "LISTENERS": f"PLAINTEXT://:{self.inner_port},CONTROLLER://:9093",
            "ADVERTISED_LISTENERS": f"PLAINTEXT://{self.bootstrap}",
            "LISTENER_SECURITY_PROTOCOL_MAP": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            **{name.upper().replace(".", "_"): value for name, value in TUNING.items()},
        }
        self._container.with_envs(**{f"KAFKA_{name}": value for name, value in settings.items()})

    def ready(self) -> bool:
        return broker_ready(self.bootstrap)


class ContainerInflux(ContainerServer, InfluxServer):
    """influxdb 2.x, set up over its API as the native one is, so that the token is in no process list."""

    image = INFLUX_IMAGE
    inner_port = 8086

    def __init__(self) -> None:
        super().__init__()
        self.url = f"http://{self.host}:{self.port}"
        self.token = secrets.token_urlsafe(32)
        self.org = DEFAULT_ORG
        self._fresh = True

    def ready(self) -> bool:
        return healthy(self.url)

    def start(self) -> None:
        super().start()
        if self._fresh:
            status = set_up(self.url, self.org, secrets.token_urlsafe(16), self.token)
            if status != 201:
                raise StartFailed(f"{self}: setting it up answered {status}, expected 201")
            self._fresh = False
