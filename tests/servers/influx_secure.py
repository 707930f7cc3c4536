"""InfluxDB over TLS alone, with a certificate of a throw-away authority."""

from __future__ import annotations

import ssl
from pathlib import Path

from tests.servers.authority import Authority
from tests.servers.influx_native import NativeInflux
from tests.servers.net import LOOPBACK


class SecureInflux(NativeInflux):
    """One influxd that speaks HTTPS; `authority.file` is what clients must trust."""

    def __init__(self, binary: Path) -> None:
        super().__init__(binary)
        self.url = self.url.replace("http://", "https://")
        self.authority = Authority(self.folder)
        self._files = self.authority.issue("influxd", LOOPBACK)
        self.tls = ssl.create_default_context(cafile=self.authority.file)

    def argv(self) -> list[str]:
        binary, run, flag, address, *rest = super().argv()
        cert, key = map(str, self._files)
        return [binary, run, flag, address.removeprefix("https://"), *rest, "--tls-cert", cert, "--tls-key", key]
