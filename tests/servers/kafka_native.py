"""Apache Kafka as a process of ours: one node, broker and controller in one, from Maven's artifacts."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import subprocess
import uuid
from collections.abc import Mapping
from pathlib import Path

from tests.servers.base import KafkaServer, StartFailed, Unavailable
from tests.servers.cache import Build, build_once, locked, say
from tests.servers.kafka_probe import broker_ready
from tests.servers.kafka_tuning import TUNING
from tests.servers.net import LOOPBACK, free_port
from tests.servers.process import ProcessServer
from tests.servers.toolchains import find, java

POM = Path(__file__).parent / "kafka" / "pom.xml"
# The first compiler and the plain collector: a test broker lives for seconds and never gets warm.
FLAGS = ("-Xmx512m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn")

PROPERTIES = """\
node.id=1
process.roles=broker,controller
controller.quorum.voters=1@{host}:{controller}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://{host}:{broker},CONTROLLER://{host}:{controller}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
"""
BEHIND_A_PROXY = """\
listeners=PLAINTEXT://{host}:{broker},PROXIED://{host}:{behind},CONTROLLER://{host}:{controller}
advertised.listeners=PLAINTEXT://{host}:{broker},PROXIED://{host}:{advertised}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
"""
"""Comes behind PROPERTIES: of two equal names the last counts."""


def version() -> str:
    """The Kafka version that pom.xml names."""
    found = re.search(r"<kafka\.version>(.+?)</kafka\.version>", POM.read_text())
    assert found is not None
    return found.group(1)


def cluster_id() -> str:
    """A fresh id as Kafka writes it: 16 random bytes, base64url without padding (22 characters, no leading -)."""
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()
        if not text.startswith("-"):
            return text


def _fetch(build: Build) -> None:
    find("mvn", "fetches Kafka's jars")
    (build.folder / "pom.xml").write_text(POM.read_text())
    build.run(
        "fetching jars",
        ["mvn", "-q", "-B", "dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory=lib"],
    )
    if not list((build.folder / "lib").glob("kafka_*.jar")):
        raise Unavailable(f"{build.what}: Maven fetched no kafka_*.jar; log: {build.log}")


def prepare() -> Path:
    """The folder with lib/ and, for this Java, an archive of loaded classes; raises Unavailable."""
    runtime = java()
    home = build_once(f"kafka-{version()}", _fetch)
    archive = _archive(home, runtime)
    if not archive.exists():
        with locked(home.parent / f"{home.name}.lock", home.name):
            if not archive.exists():
                _dump(home, archive)
    return home


def _archive(home: Path, runtime: str) -> Path:
    """Class data of one Java binary: another one refuses it, so the name holds which."""
    binary = Path(runtime).resolve()
    stat = binary.stat()
    key = hashlib.sha256(f"{binary}{stat.st_size}{stat.st_mtime_ns}{FLAGS}".encode()).hexdigest()[:12]
    return home / f"classes-{key}.jsa"


def _dump(home: Path, archive: Path) -> None:
    say(f"{home.name}: writing the class archive (starts in a third of the time from then on)")
    aside = archive.with_suffix(f".{os.getpid()}")
    with NativeKafka(home, extra=(f"-XX:ArchiveClassesAtExit={aside}",)):
        pass
    if aside.exists():
        aside.rename(archive)
    else:
        say(f"{home.name}: this Java writes no class archive; starts stay slower")
        archive.touch()  # an empty file: do not try again at every run


class NativeKafka(ProcessServer, KafkaServer):
    """One KRaft node on two free loopback ports.

    With `advertised`, the port of a proxy, it has one more listener for that proxy, on port `behind`: clients that
    bootstrap through the proxy stay behind it. `properties` add to, or replace, those of every test broker.
    """

    where = "native"

    def __init__(
        self,
        home: Path,
        extra: tuple[str, ...] = (),
        advertised: int | None = None,
        properties: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()
        self.version = version()
        self._home = home
        self._java = java()
        self._extra = extra
        broker, controller = free_port(), free_port()
        self.bootstrap = f"{LOOPBACK}:{broker}"
        self._config = self.folder / "server.properties"
        self.behind = free_port() if advertised is not None else None
        ports = {"broker": broker, "controller": controller, "behind": self.behind, "advertised": advertised}
        text = PROPERTIES + (BEHIND_A_PROXY if advertised is not None else "")
        self._config.write_text(
            text.format(host=LOOPBACK, data=self.folder / "data", **ports)
            + "".join(f"{name}={value}\n" for name, value in {**TUNING, **(properties or {})}.items())
        )

    def _command(self, main: str, *arguments: str) -> list[str]:
        archive = _archive(self._home, self._java)
        shared = (f"-XX:SharedArchiveFile={archive}",) if archive.exists() and archive.stat().st_size else ()
        classes = f"{self._home / 'lib'}/*"
        return [self._java, *FLAGS, *(self._extra or shared), "-cp", classes, main, *arguments]

    def _format(self) -> None:
        argv = self._command("kafka.tools.StorageTool", "format", "-c", str(self._config), "-t", cluster_id())
        argv += self._format_arguments()
        argv = [word for word in argv if "ArchiveClassesAtExit" not in word]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60, cwd=self.folder, check=False)
        if done.returncode:
            raise StartFailed(f"{self}: formatting its storage failed:\n{done.stdout}{done.stderr}")

    def _format_arguments(self) -> list[str]:
        """More words for the formatting."""
        return []

    def start(self) -> None:
        if not (self.folder / "data").exists():
            self._format()
        super().start()

    def argv(self) -> list[str]:
        return self._command("kafka.Kafka", str(self._config))

    def ready(self) -> bool:
        return broker_ready(self.bootstrap)
