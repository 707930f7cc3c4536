"""Running a worker: the sink that settings ask for, the checks before the start, and the end on a signal."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import structlog

from schemas.errors import Misconfigured
from streams.access import check_access
from streams.process import prepare
from streams.resolve import ResolvedSite
from streams.security import kafka_python_options
from streams.security_check import risks
from streams.settings import Settings
from streams.sinks.base import Sink
from streams.sinks.influx import InfluxSink
from streams.sinks.sqlite import SqliteSink
from streams.topics import check_topics
from streams.worker import Worker, cancelled

log = structlog.get_logger("millstream.run")


def make_sink(settings: Settings) -> Sink | None:
    """The sink of the settings. Raises Misconfigured where a token is missing."""
    if settings.sink == "none":
        return None
    if settings.sink == "sqlite":
        return SqliteSink(settings.sqlite_path)
    if settings.influx_token is None:
        raise Misconfigured(
            "MILLSTREAM_INFLUX_TOKEN (or MILLSTREAM_INFLUX_TOKEN_FILE) must hold an InfluxDB token; without InfluxDB, "
            "set MILLSTREAM_SINK=sqlite or none"
        )
    ca = str(settings.influx_ca) if settings.influx_ca else None
    return InfluxSink(
        settings.influx_url, settings.influx_token, settings.influx_org, settings.influx_prefix, ca_file=ca
    )  # fmt: skip


def check_before(settings: Settings) -> None:
    """What would only fail later, or silently: the key, rights and topics. Raises Misconfigured or Retry. Blocks."""
    _ = settings.key
    check_access(settings, "worker")
    options = kafka_python_options(settings)
    faults = check_topics(settings.kafka, settings.prefix, settings.partitions, client_options=options)
    if faults:
        raise Misconfigured("\n".join(faults))


async def run_worker(
    settings: Settings,
    site: ResolvedSite,
    seconds: float | None = None,
    read_again: Callable[[], ResolvedSite] | None = None,
) -> None:
    """Run until SIGINT or SIGTERM, or for so many seconds. Raises the bug that ended it, if one did.

    SIGHUP puts the site file into force as it is then (`read_again`); a wrong one is refused whole, with a log line.
    """
    for risk in risks(settings):
        log.warning(risk)
    await asyncio.to_thread(check_before, settings)
    worker = Worker(settings, site, make_sink(settings))
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    reloads: set[asyncio.Task[None]] = set()
    if read_again is not None:
        loop.add_signal_handler(signal.SIGHUP, lambda: reloads.add(loop.create_task(_reload(worker, read_again))))
    prepare()
    waiting = asyncio.create_task(stop.wait())
    starting = asyncio.create_task(worker.start())  # waits for a store that is away: a signal must be heard meanwhile
    try:
        await asyncio.wait({waiting, starting}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
            log.info("worker started", metrics=f"{worker.web.url}/metrics", config=site.hash)
            both: set[asyncio.Future[Any]] = {waiting, worker.failed}
            await asyncio.wait(both, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if worker.failed.done():
            worker.failed.result()
    finally:
        waiting.cancel()
        starting.cancel()
        await asyncio.gather(waiting, starting, return_exceptions=True)
        await worker.stop()
        log.info("worker stopped")
        await _end_the_rest(failed=sys.exc_info()[0] is not None)


async def _end_the_rest(failed: bool) -> None:
    """End what Faust has left running, or else the process: asyncio cancels each task once, and waits for ever.

    Seen with a broker that was gone: a task took its cancellation for an error of the broker's, and went on.
    """
    rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    await cancelled(rest)
    deaf = [task for task in rest if not task.done()]
    if deaf:
        log.warning("tasks that do not end are left behind", tasks=[task.get_name() for task in deaf])
        sys.stderr.flush()
        os._exit(1 if failed else 0)


async def _reload(worker: Worker, read_again: Callable[[], ResolvedSite]) -> None:
    try:
        site = await asyncio.to_thread(read_again)
        await worker.reload(site)
    except Misconfigured as error:
        log.error("the site file is wrong; the configuration in force stays", faults=str(error).splitlines())
        return
    log.info("the site file was read again", config=site.hash, version=site.version)
