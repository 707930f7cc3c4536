"""Servers that somebody else runs, named in the environment: used as they are, never stopped."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from schemas.errors import Misconfigured
from tests.servers import influx_api
from tests.servers.base import InfluxServer, KafkaServer, NotOurs, Server
from tests.servers.kafka_probe import broker_ready
from tests.servers.net import wait_until

KAFKA = "MILLSTREAM_TEST_KAFKA"
INFLUX_URL = "MILLSTREAM_TEST_INFLUX_URL"
INFLUX_TOKEN = "MILLSTREAM_TEST_INFLUX_TOKEN"
INFLUX_TOKEN_FILE = "MILLSTREAM_TEST_INFLUX_TOKEN_FILE"
INFLUX_ORG = "MILLSTREAM_TEST_INFLUX_ORG"
ANSWER_S = 10.0


class _Given(Server):
    """Nothing of it is ours, so nothing but looking is allowed."""

    where = "environment"
    controllable = False

    def stop(self) -> None:
        raise NotOurs(f"{self} was given by the environment and is not stopped by tests")

    kill = stop

    def close(self) -> None:
        """Nothing to do: it stays."""


class GivenKafka(_Given, KafkaServer):
    """The broker that MILLSTREAM_TEST_KAFKA names; raises Misconfigured if that is no host:port."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.bootstrap = environ[KAFKA].strip()
        host, _, port = self.bootstrap.rpartition(":")
        if not host or not port.isdigit():
            raise Misconfigured(f"{KAFKA} is {self.bootstrap!r}; right would be host:port, as 127.0.0.1:9092")

    def start(self) -> None:
        if not wait_until(lambda: broker_ready(self.bootstrap), ANSWER_S):
            raise Misconfigured(f"{KAFKA}: no Kafka answers at {self.bootstrap} within {ANSWER_S:.0f} s")


class GivenInflux(_Given, InfluxServer):
    """The InfluxDB that MILLSTREAM_TEST_INFLUX_URL names, with its token from a variable or a file."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.url = environ[INFLUX_URL].strip().rstrip("/")
        self.org = environ.get(INFLUX_ORG) or influx_api.DEFAULT_ORG
        if not self.url.startswith(("http://", "https://")):
            raise Misconfigured(f"{INFLUX_URL} is {self.url!r}; right would be http://host:port")
        self.token = environ.get(INFLUX_TOKEN, "").strip()
        file = environ.get(INFLUX_TOKEN_FILE)
        if not self.token and file:
            try:
                self.token = Path(file).read_text().strip()
            except OSError as error:
                raise Misconfigured(f"{INFLUX_TOKEN_FILE}: {error}") from error
        if not self.token:
            raise Misconfigured(f"{INFLUX_URL} is set, but neither {INFLUX_TOKEN} nor {INFLUX_TOKEN_FILE}")

    def start(self) -> None:
        if not wait_until(lambda: influx_api.healthy(self.url), ANSWER_S):
            raise Misconfigured(f"{INFLUX_URL}: no InfluxDB answers at {self.url} within {ANSWER_S:.0f} s")
        self.version = influx_api.version(self.url)
        status, answer = influx_api.call(self.url, "/api/v2/orgs", self.token)
        if status != 200:
            raise Misconfigured(f"{INFLUX_URL}: the token is refused with {status}; an operator token is needed")
        names = [str(org.get("name")) for org in answer.get("orgs", [])]
        if self.org not in names:
            raise Misconfigured(f"{INFLUX_ORG} is {self.org!r}; the server has {', '.join(names) or 'none'}")
