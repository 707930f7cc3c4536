"""What the commands share: errors as one clear line, progress where a person watches, plain lines where not."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import structlog
import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from schemas.errors import Misconfigured
from streams.cli.seldom import Seldom
from streams.resolve import ResolvedSite, resolve
from streams.site import Site, load_site

console = Console(stderr=True)

_PLAIN_EVERY_S = 5.0


def fail(message: str, status: int = 2) -> NoReturn:
    """Say what is wrong on stderr and end."""
    for line in message.splitlines():
        print(f"millstream: {line}", file=sys.stderr)
    raise typer.Exit(status)


@contextmanager
def clear_errors() -> Iterator[None]:
    """Misconfigured becomes one line and exit status 2; anything else is a bug and shows itself."""
    try:
        yield
    except Misconfigured as error:
        fail(str(error))


def site_of(path: Path | None) -> ResolvedSite:
    """The resolved site of a file, or the default site."""
    return resolve(load_site(path), path.parent) if path else resolve(Site())


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar of bytes done when a person watches; when not, a plain line every five seconds."""
    if console.is_terminal:
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task(what, total=None)
            yield lambda done, total: bar.update(task, completed=done, total=total)
        return
    last = time.monotonic()

    def plain(done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last >= _PLAIN_EVERY_S:
            last = time.monotonic()
            print(f"{what}: {done / max(total, 1):.0%}", file=sys.stderr, flush=True)

    yield plain


def set_up_logging(level: str = "info", plain: bool | None = None) -> None:
    """Log lines on stderr: for a person on a terminal, JSON elsewhere; the libraries' only from warning on."""
    plain = sys.stderr.isatty() if plain is None else plain
    # never with the locals of a traceback: they may hold secrets
    renderer: Any = (
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if plain
        else structlog.processors.JSONRenderer()
    )
    tracebacks = structlog.processors.ExceptionRenderer(
        structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            tracebacks if not plain else structlog.processors.StackInfoRenderer(),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        # looked up at each line: Faust and tests exchange sys.stderr
        logger_factory=structlog.PrintLoggerFactory(file=sys.__stderr__),
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.__stderr__, format="%(levelname)s %(name)s: %(message)s")
    for handler in logging.getLogger().handlers:
        # ours alone: who runs this in a process of theirs has handlers, and filters, of their own
        ours = getattr(handler, "stream", None) is sys.__stderr__
        if ours and not any(isinstance(each, Seldom) for each in handler.filters):
            handler.addFilter(Seldom())
    for name in ("faust", "mode", "aiokafka", "kafka"):
        logging.getLogger(name).setLevel(logging.ERROR if name != "kafka" else logging.CRITICAL)
