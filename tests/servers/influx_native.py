"""InfluxDB 2.x as a process of ours, built from the Go module that influxd/go.mod pins."""

from __future__ import annotations

import os
import re
import secrets
import ssl
from pathlib import Path

from tests.servers.base import InfluxServer, StartFailed
from tests.servers.cache import Build, build_once
from tests.servers.influx_api import DEFAULT_ORG, healthy, set_up
from tests.servers.net import LOOPBACK, free_port
from tests.servers.process import ProcessServer
from tests.servers.toolchains import find, rust_env

MODULE = Path(__file__).parent / "influxd"


def version() -> str:
    """The InfluxDB version that go.mod names."""
    found = re.search(r"github\.com/influxdata/influxdb/v2 v(\S+)", (MODULE / "go.mod").read_text())
    assert found is not None
    return found.group(1)


def _compile(build: Build) -> None:
    find("go", "compiles influxd")
    rust = rust_env()
    for name in ("go.mod", "go.sum"):
        (build.folder / name).write_text((MODULE / name).read_text())
    # A pkg-config of InfluxData's own finds and builds the Rust library that the Go code links.
    finder = build.folder / "pkg-config"
    build.run("compiling its pkg-config", ["go", "build", "-o", str(finder), "github.com/influxdata/pkg-config"])
    build.run(
        "compiling influxd (up to 9 minutes on two cores, the first time)",
        [
            *("go", "build", "-p", "2", "-tags", "sqlite_foreign_keys,sqlite_json"),
            *("-ldflags", f"-s -w -X main.version={version()}"),
            *("-o", "influxd", "github.com/influxdata/influxdb/v2/cmd/influxd"),
        ],
        env={"PKG_CONFIG": str(finder), "RUSTFLAGS": "--cap-lints=warn", "CGO_ENABLED": "1", **rust},
    )
    build.run("asking its version", ["./influxd", "version"])


def prepare() -> Path:
    """The influxd binary; raises Unavailable if it cannot be built here."""
    return build_once(f"influxd-{version()}", _compile) / "influxd"


class NativeInflux(ProcessServer, InfluxServer):
    """One influxd on a free loopback port, set up with a random token that only this run knows."""

    where = "native"
    tls: ssl.SSLContext | None = None
    """What our own probes trust, where it speaks HTTPS."""

    def __init__(self, binary: Path) -> None:
        super().__init__()
        self.version = version()
        self.url = f"http://{LOOPBACK}:{free_port()}"
        self.token = secrets.token_urlsafe(32)
        self.org = DEFAULT_ORG
        self._binary = binary
        self._fresh = True

    def start(self) -> None:
        super().start()
        if self._fresh:
            status = set_up(self.url, self.org, secrets.token_urlsafe(16), self.token, self.tls)
            if status != 201:
                raise StartFailed(f"{self}: setting it up answered {status}, expected 201")
            self._fresh = False

    def argv(self) -> list[str]:
        return [
            *(str(self._binary), "run", "--http-bind-address", self.url.removeprefix("http://")),
            *("--engine-path", "engine", "--bolt-path", "influxd.bolt", "--sqlite-path", "influxd.sqlite"),
            *("--reporting-disabled", "--ui-disabled", "--log-level", "error"),
        ]

    def env(self) -> dict[str, str]:
        # A developer's own INFLUXD_ settings would win over nothing we pass, but would add to it.
        return {name: value for name, value in os.environ.items() if not name.startswith("INFLUXD_")}

    def ready(self) -> bool:
        return healthy(self.url, self.tls)
