"""How a person says a file is to be read: the options of `millstream score` and `demo --input`."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from schemas.errors import Misconfigured

FORMATS = ("csv", "long", "parquet", "jsonl", "shdr")

START_NS = 946_684_800_000_000_000
"""2000-01-01T00:00:00Z: the first row's time where `--interval` is given without `--start`."""


@dataclass(frozen=True)
class FileOptions:
    """How to read the inputs; every default means "find out from the file".

    `format` None goes by the content, then the name; `time_columns` are one or two names (two are joined with a
    space); `time_format` is strptime's; `interval_ns` and `start_ns` are for files without times; `timezone` is
    that of times without one.

    Raises Misconfigured where options are unknown or contradict each other.
    """

    format: str | None = None
    time_columns: tuple[str, ...] = ()
    time_format: str | None = None
    interval_ns: int | None = None
    start_ns: int | None = None
    sep: str | None = None
    asset: str | None = None
    drop: tuple[str, ...] = ()
    timezone: str = "UTC"

    def __post_init__(self) -> None:
        if self.format is not None and self.format not in FORMATS:
            raise Misconfigured(f"--format {self.format!r} is unknown; use one of {', '.join(FORMATS)}")
        if len(self.time_columns) > 2:
            raise Misconfigured(f"--time-column takes one or two names, got {len(self.time_columns)}")
        if self.interval_ns is not None and self.interval_ns <= 0:
            raise Misconfigured("--interval must be above zero, such as 1h")
        if self.interval_ns is not None and self.time_columns:
            raise Misconfigured("--interval is for files without times; leave out --interval or --time-column")
        if self.start_ns is not None and self.interval_ns is None:
            raise Misconfigured("--start says when the first row of --interval is; add --interval, such as 1h")
        if self.sep is not None and len(self.separator or "") != 1:
            raise Misconfigured(f"--sep must be one character (or 'tab'), got {self.sep!r}")
        if self.separator in ('"', "\n", "\r"):
            raise Misconfigured(f"--sep cannot be {self.sep!r}; use one of ; , tab |")
        try:
            ZoneInfo(self.timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise Misconfigured(f"time zone {self.timezone!r} is unknown; write it as Asia/Kuala_Lumpur") from None

    @property
    def separator(self) -> str | None:
        r"""The separator as one character.

        >>> FileOptions(sep="tab").separator
        '\t'
        """
        return "\t" if self.sep in ("tab", "\\t") else self.sep
