"""Which server a test run gets: the first way that is open here."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Generic, NamedTuple, TypeVar

from tests.servers import containers, influx_native, kafka_embedded, kafka_native
from tests.servers.base import InfluxServer, KafkaServer, Server, Unavailable
from tests.servers.environment import INFLUX_URL, KAFKA, GivenInflux, GivenKafka

S = TypeVar("S", bound=Server)


class Way(NamedTuple, Generic[S]):
    """One way to a server: `make` may raise Unavailable, and so may the server's `start`."""

    name: str
    make: Callable[[], S]


class NoServer(Exception):
    """No way is open; the text says of each way why."""


class Choice(NamedTuple, Generic[S]):
    """A started server, and why the ways before it were not open."""

    server: S
    refused: str


def in_ci(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether CI says so: then a real server that cannot be reached is a failure, not a skip.

    >>> in_ci({"CI": "true"}), in_ci({"CI": "false"}), in_ci({})
    (True, False, False)
    """
    return environ.get("CI", "").strip().lower() not in ("", "0", "false", "no")


def first_open(ways: Sequence[Way[S]]) -> Choice[S]:
    """Start the first server that can be had; raises NoServer, and whatever is not Unavailable at once."""
    refused: list[str] = []
    for way in ways:
        server = None
        try:
            server = way.make()
            server.start()
        except Unavailable as error:
            refused.append(f"{way.name}: {error}")
            if server is not None:
                server.close()
        except BaseException:
            if server is not None:
                server.close()
            raise
        else:
            return Choice(server, "; ".join(refused))
    raise NoServer("; ".join(refused))


def kafka_ways(environ: Mapping[str, str] = os.environ) -> list[Way[KafkaServer]]:
    """The ways to a broker, in order. An address in the environment is the only way: it was asked for."""
    if environ.get(KAFKA):
        return [Way("environment", lambda: GivenKafka(environ))]
    ways: list[Way[KafkaServer]] = [
        Way("testcontainers", containers.ContainerKafka),
        Way("native", lambda: kafka_native.NativeKafka(kafka_native.prepare())),
    ]
    if not in_ci(environ):
        ways.append(Way("embedded", kafka_embedded.EmbeddedKafka))
    return ways


def influx_ways(environ: Mapping[str, str] = os.environ) -> list[Way[InfluxServer]]:
    """The ways to an InfluxDB, in order."""
    if environ.get(INFLUX_URL):
        return [Way("environment", lambda: GivenInflux(environ))]
    return [
        Way("testcontainers", containers.ContainerInflux),
        Way("native", lambda: influx_native.NativeInflux(influx_native.prepare())),
    ]


def kafka_server(environ: Mapping[str, str] = os.environ) -> Choice[KafkaServer]:
    """A started broker; close it after use. Raises NoServer (under CI also where only the embedded one is)."""
    return first_open(kafka_ways(environ))


def influx_server(environ: Mapping[str, str] = os.environ) -> Choice[InfluxServer]:
    """A started InfluxDB; close it after use. Raises NoServer."""
    return first_open(influx_ways(environ))
