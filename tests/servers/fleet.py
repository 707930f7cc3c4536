"""The servers of one test run: started once, when first asked for, and closed at its end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from tests.servers.base import InfluxServer, KafkaServer, Server
from tests.servers.choose import Choice, NoServer, influx_server, kafka_server
from tests.servers.kafka_embedded import NOT_COVERED

S = TypeVar("S", bound=Server)


class _Once(Generic[S]):
    """Calls `choose` once and keeps what came of it, the failure too: a nine-minute build is not tried twice."""

    def __init__(self, product: str, choose: Callable[[], Choice[S]]) -> None:
        self.product = product
        self._choose = choose
        self._choice: Choice[S] | None = None
        self._error: Exception | None = None

    def get(self) -> S:
        if self._error is not None:
            raise self._error
        if self._choice is None:
            try:
                self._choice = self._choose()
            except Exception as error:
                self._error = error
                raise
        return self._choice.server

    def close(self) -> None:
        if self._choice is not None:
            self._choice.server.close()

    def report(self) -> str:
        """What was used, and what was not covered; empty if nothing was asked for."""
        if self._choice is not None:
            server, refused = self._choice
            if getattr(server, "real", True):
                return str(server)
            return f"{server}, NOT covered: {NOT_COVERED} ({_line(refused)})"
        if self._error is not None:
            return f"{self.product} none, NOT covered ({_line(str(self._error))})"
        return ""


def _line(text: str) -> str:
    # A build's failure carries the end of its log; the summary has one line.
    first, *rest = text.split("\n")
    return f"{first} ..." if rest else first


class Fleet:
    """One Kafka and one InfluxDB for a whole run."""

    def __init__(
        self,
        kafka: Callable[[], Choice[KafkaServer]] = kafka_server,
        influx: Callable[[], Choice[InfluxServer]] = influx_server,
    ) -> None:
        self.kafka = _Once("Kafka", kafka)
        self.influx = _Once("InfluxDB", influx)

    def start(self, names: set[str]) -> None:
        """Start those of kafka and influx that tests will ask for; a failure is kept for the fixture to tell."""
        for once in (self.kafka, self.influx):
            if once.product.lower().removesuffix("db") in names:
                try:
                    once.get()
                except Exception:  # noqa: S112
                    continue

    def report(self) -> str:
        """One line for the summary; empty if no server was asked for."""
        return "; ".join(filter(None, (self.kafka.report(), self.influx.report())))

    def close(self) -> None:
        """Close what was started."""
        self.kafka.close()
        self.influx.close()


__all__ = ["Fleet", "NoServer"]
