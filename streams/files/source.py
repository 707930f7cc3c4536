"""Opening a file whatever it is packed and encoded in, or saying in one line why not."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import lzma
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, TextIO, cast

from schemas.errors import Misconfigured

PACKED = {".gz", ".xz", ".bz2"}
HEAD = 65_536

_BINARY = (
    (b"\x93NUMPY", "a numpy array"),
    (b"PK\x03\x04", "a zip archive (npz, xlsx ...)"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"\x89HDF", "an HDF5 file"),
    (b"SQLite format 3\x00", "an SQLite file"),
    (b"ARROW1", "an Arrow IPC file"),
    (b"ORC", "an ORC file"),
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a picture"),
    (b"MATLAB 5.0", "a MATLAB file"),
    (b"\x28\xb5\x2f\xfd", "packed with zstd"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!", "a rar archive"),
)
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_BROKEN = (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile)

Progress = Callable[[int], None]
"""Told how many bytes of the file as it lies on disk have been read."""


def _latin1(error: UnicodeError) -> tuple[str, int]:
    """Decode what is not UTF-8 as Latin-1: loggers write a degree sign as one byte."""
    if isinstance(error, UnicodeDecodeError):
        return error.object[error.start : error.end].decode("latin-1"), error.end
    raise error


codecs.register_error("millstream-latin1", _latin1)


def asset_of(path: Path) -> str:
    """The name of the machine a file is of when nothing else says: its name without endings.

    >>> asset_of(Path("logs/oven.3.csv.gz"))
    'oven.3'
    """
    inner = Path(path.stem) if path.suffix.lower() in PACKED else path
    return inner.stem or path.name


def _unpacked(raw: BinaryIO) -> BinaryIO:
    magic = raw.read(6)
    raw.seek(0)
    if magic[:2] == b"\x1f\x8b":
        return cast(BinaryIO, gzip.GzipFile(fileobj=raw))
    if magic == b"\xfd7zXZ\x00":
        return cast(BinaryIO, lzma.LZMAFile(raw))
    if magic[:3] == b"BZh":
        return cast(BinaryIO, bz2.BZ2File(raw))
    return raw


@contextmanager
def opened(path: Path, progress: Progress | None = None) -> Iterator[BinaryIO]:
    """The file's bytes, unpacked (gz, xz, bz2 by content, not by name).

    Raises Misconfigured when it is missing, is no file, may not be read or its packing is broken, also when
    that shows only later, while the caller reads.
    """
    try:
        with path.open("rb") as raw:
            if progress is not None:
                yield _unpacked(cast(BinaryIO, io.BufferedReader(_Counted(raw, progress))))
            else:
                yield _unpacked(raw)
    except FileNotFoundError:
        raise Misconfigured(f"{path}: there is no such file") from None
    except IsADirectoryError:
        raise Misconfigured(f"{path}: is a folder; name the files in it") from None
    except PermissionError:
        raise Misconfigured(f"{path}: may not be read by this user") from None
    except _BROKEN as error:
        raise Misconfigured(f"{path}: its compressed data is cut off or damaged ({error}); copy it again") from None
    except OSError as error:
        raise Misconfigured(f"{path}: cannot be read ({error.strerror or error})") from None


class _Counted(io.RawIOBase):
    """A file that tells how far it has been read."""

    def __init__(self, raw: BinaryIO, progress: Progress) -> None:
        self._raw, self._progress = raw, progress

    def read(self, size: int = -1) -> bytes:
        data = self._raw.read(size)
        self._progress(self._raw.tell())
        return data

    def readinto(self, buffer: Any) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._raw.seek(offset, whence)

    def tell(self) -> int:
        return self._raw.tell()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True


def head_of(path: Path) -> bytes:
    """The first bytes of the unpacked file. Raises Misconfigured when there are none."""
    with opened(path) as file:
        head = file.read(HEAD)
    if not head:
        raise Misconfigured(f"{path}: is empty")
    return head


def encoding_of(path: Path, head: bytes) -> str:
    """The text encoding by its byte order mark, else UTF-8. Raises Misconfigured when it is no text."""
    for bom, encoding in _BOMS:
        if head.startswith(bom):
            return encoding
    for magic, what in _BINARY:
        if head.startswith(magic):
            raise Misconfigured(
                f"{path}: is {what}, not a table of text; export it as CSV or parquet and give that instead"
            )
    if b"\x00" in head:
        raise Misconfigured(f"{path}: is binary, not text; export it as CSV, parquet or JSON lines")
    return "utf-8"


@contextmanager
def text_of(path: Path, encoding: str, progress: Progress | None = None) -> Iterator[TextIO]:
    """The file as text with its line ends untouched (as csv wants them). Raises Misconfigured as `opened` does."""
    errors = "replace" if encoding.startswith(("utf-16", "utf-32")) else "millstream-latin1"
    with opened(path, progress) as file:
        yield io.TextIOWrapper(file, encoding=encoding, errors=errors, newline="")
