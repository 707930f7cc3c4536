"""What a test may ask of a server, wherever it came from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import ClassVar, Literal, Self

Where = Literal["environment", "testcontainers", "native", "embedded"]


class Unavailable(Exception):
    """This way to a server is not open on this machine; the text says why. The next way is tried."""


class StartFailed(Exception):
    """A server that should work here did not become ready; the text ends with the tail of its log."""


class NotOurs(Exception):
    """The server was given by the environment: a test may use it, not stop it."""


class Server(ABC):
    """A server on a fixed address whose data outlive stop, kill and restart, until `close`.

    `controllable` says whether stop, kill and restart are allowed; if not they raise `NotOurs`.
    """

    product: ClassVar[str]
    where: Where
    version: str = ""
    controllable: bool = True

    @abstractmethod
    def start(self) -> None:
        """Return once the API answers; raises Unavailable or StartFailed."""

    @abstractmethod
    def stop(self) -> None:
        """Stop in good order; nothing happens if it is not running."""

    @abstractmethod
    def kill(self) -> None:
        """SIGKILL: what a power cut or the out-of-memory killer does."""

    @abstractmethod
    def close(self) -> None:
        """Stop and remove the data."""

    def restart(self) -> None:
        """Stop if running, then start on the same address with the same data."""
        self.stop()
        self.start()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __str__(self) -> str:
        return f"{self.product} {self.version} ({self.where})".replace("  ", " ")


class KafkaServer(Server):
    """A Kafka broker. `bootstrap` is host:port; `real` is False for the embedded broker."""

    product = "Kafka"
    bootstrap: str
    real: bool = True


class InfluxServer(Server):
    """An InfluxDB 2.x with an operator token: tests make their own buckets in `org`."""

    product = "InfluxDB"
    url: str
    token: str
    org: str
    real: bool = True
