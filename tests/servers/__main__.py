"""`python -m tests.servers prepare | run`: fill the caches; keep real servers up for many test runs."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import NoReturn

from schemas.errors import Misconfigured
from tests.servers import alerting_tools, containers, deploy_kinds, deploy_tools, influx_native, kafka_native, reaper
from tests.servers.base import StartFailed, Unavailable
from tests.servers.choose import NoServer, influx_server, kafka_server
from tests.servers.environment import INFLUX_ORG, INFLUX_TOKEN, INFLUX_TOKEN_FILE, INFLUX_URL, KAFKA

USAGE = "usage: python -m tests.servers prepare | run"


def prepare() -> None:
    """Make all servers ready to start in seconds: images where an engine answers, else native builds.

    Prometheus and Alertmanager are built in either case, since tests call their tools as well. Raises Unavailable
    naming each that cannot be had, after what can be had is there.
    """
    steps: dict[str, Callable[[], object]] = {
        "Prometheus": alerting_tools.prepare,
        "checkers of deploy/": deploy_tools.prepare,
        "schemas of custom kinds": deploy_kinds.prepare,
    }
    try:
        containers.require_engine()
    except Unavailable as no_engine:
        steps |= {"Kafka": kafka_native.prepare, "InfluxDB": influx_native.prepare}
        print(f"{no_engine}: native servers")
    else:
        for image in (containers.KAFKA_IMAGE, containers.INFLUX_IMAGE):
            containers.at_hand(image)
            print(f"{image} is here", flush=True)
    missing: list[str] = []
    for name, step in steps.items():
        started = time.monotonic()
        try:
            step()
        except (Unavailable, StartFailed) as error:
            missing.append(f"no {name}: {str(error).splitlines()[0]}")
            continue
        print(f"{name} ready in {time.monotonic() - started:.1f} s", flush=True)
    if missing:
        raise Unavailable("; ".join(missing))


def run() -> None:
    """Start both, print how tests find them, stay until Ctrl-C, SIGTERM or the end of the standard input."""
    fresh = {name: value for name, value in os.environ.items() if name not in (KAFKA, INFLUX_URL)}
    # The embedded broker must not pass for a real one in the runs that follow: ask as CI does.
    fresh["CI"] = "true"
    with ExitStack() as stack:
        kafka = kafka_server(fresh).server
        stack.callback(kafka.close)
        influx = influx_server(fresh).server
        stack.callback(influx.close)
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="millstream-token-"))
        reaper.watch("folder", folder)
        token = Path(folder) / "token"
        token.touch(mode=0o600)
        token.write_text(influx.token)
        print(f"unset {INFLUX_TOKEN}")
        print(f"export {KAFKA}={kafka.bootstrap}")
        print(f"export {INFLUX_URL}={influx.url}")
        print(f"export {INFLUX_TOKEN_FILE}={token}")
        print(f"export {INFLUX_ORG}={influx.org}", flush=True)
        print(f"{kafka} and {influx} are up; Ctrl-C or the end of input stops them", file=sys.stderr, flush=True)
        for _ in sys.stdin:
            pass


def _terminated(number: int, frame: object) -> NoReturn:
    raise SystemExit(128 + number)


def main(arguments: list[str]) -> int:
    """Run one command; the exit status."""
    commands = {"prepare": prepare, "run": run}
    if len(arguments) != 1 or arguments[0] not in commands:
        print(USAGE, file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, _terminated)
    try:
        commands[arguments[0]]()
    except KeyboardInterrupt:
        return 0 if arguments[0] == "run" else 130
    except (Unavailable, NoServer, StartFailed, Misconfigured) as error:
        print(f"{arguments[0]}: {error}".split("\n", 1)[0], file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
