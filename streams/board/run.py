"""Running a board: the checks before the start, and the end on a signal."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

import structlog

from schemas.errors import Misconfigured
from streams.access import check_access
from streams.board.server import Board
from streams.security_check import is_loopback
from streams.settings import Settings

log = structlog.get_logger("millstream.board")

_LOOK_S = 1.0


def check_before(settings: Settings) -> None:
    """What would only fail later: rights, a page open to the network. Raises Misconfigured, Retry. Blocks."""
    if settings.board_password is None and not is_loopback(settings.board_host):
        raise Misconfigured(
            f"MILLSTREAM_BOARD_HOST={settings.board_host}: whoever reaches this address could mute machines; set "
            "MILLSTREAM_BOARD_PASSWORD (or MILLSTREAM_BOARD_PASSWORD_FILE), at least 12 characters"
        )
    check_access(settings, "board")


async def run_board(settings: Settings, started: Callable[[str], None]) -> None:
    """Run until SIGINT or SIGTERM; `started` is told the address. Raises the bug that ended it, if one did."""
    if settings.board_password is not None and settings.board_cert is None and not is_loopback(settings.board_host):
        log.warning(
            "MILLSTREAM_BOARD_CERT is not set: who listens on the way can read the password; a proxy with TLS before "
            "the board prevents it as well"
        )
    await asyncio.to_thread(check_before, settings)
    board = Board(settings)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    waiting = asyncio.create_task(stop.wait())
    starting = asyncio.create_task(board.start())  # may wait for the broker: a signal must be heard meanwhile
    try:
        await asyncio.wait({waiting, starting}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
            started(board.url)
        while not waiting.done():
            if board.failed is not None:
                board.failed.result()
            await asyncio.wait({waiting}, timeout=_LOOK_S)
    finally:
        starting.cancel()
        waiting.cancel()
        await asyncio.gather(starting, waiting, return_exceptions=True)
        await board.stop()
