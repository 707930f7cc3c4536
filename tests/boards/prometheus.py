"""Prometheus itself, for tests: scrapes one worker each second."""

from __future__ import annotations

import shutil
import urllib.error
import urllib.request

from tests.servers.base import Unavailable, Where
from tests.servers.net import LOOPBACK, free_port
from tests.servers.process import ProcessServer


def program() -> str:
    """The server's program; raises Unavailable where there is none."""
    found = shutil.which("prometheus")
    if found is None:
        raise Unavailable("no `prometheus` on the PATH: it is what boards ask for metrics")
    return found


class Prometheus(ProcessServer):
    """Scrapes `targets` (host:port) as job millstream, with instance as given by the port."""

    product = "Prometheus"
    where: Where = "native"

    def __init__(self, *targets: str) -> None:
        self._program = program()
        super().__init__()
        self._port = free_port()
        self.url = f"http://{LOOPBACK}:{self._port}"
        named = ", ".join(f'"{target}"' for target in targets)
        (self.folder / "prometheus.yml").write_text(
            "global: { scrape_interval: 1s }\nscrape_configs:\n"
            f"  - {{ job_name: millstream, static_configs: [{{ targets: [{named}] }}] }}\n",
            encoding="utf-8",
        )

    def argv(self) -> list[str]:
        return [
            self._program,
            f"--config.file={self.folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={self.folder / 'data'}",
            f"--web.listen-address={LOOPBACK}:{self._port}",
        ]

    def ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False
