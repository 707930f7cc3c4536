"""Inputs as one stream of blocks: which format each has, and in which order their rows go."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain
from pathlib import Path

from schemas.errors import Misconfigured
from streams.files import jsonl, long, parquet, shdr, wide
from streams.files.block import FileBlock
from streams.files.header import listed
from streams.files.merge import first_if_ordered, merged
from streams.files.options import START_NS, FileOptions
from streams.files.plan import plan
from streams.files.source import PACKED, asset_of, encoding_of, head_of

Progress = Callable[[int, int], None]
"""Told the bytes read and the bytes there are, of all inputs as they lie on disk."""

_CACHED_READINGS = 2_000_000
"""Readings kept in memory from the look at whether each input is in order of time."""

Start = Callable[[wide.Clock | None, Callable[[int], None] | None], Iterator[FileBlock]]


def format_of(path: Path, options: FileOptions) -> str:
    """The format of a file: as told, else by content and name. Raises Misconfigured when it cannot be opened."""
    head = head_of(path)
    is_parquet = head.startswith(b"PAR1")
    if options.format is not None:
        if is_parquet and options.format != "parquet":
            raise Misconfigured(f"{path}: is a parquet file; leave out --format {options.format}")
        return options.format
    name = Path(path.stem) if path.suffix.lower() in PACKED else path
    if is_parquet or name.suffix.lower() == ".parquet":
        return "parquet"
    if name.suffix.lower() in (".jsonl", ".ndjson"):
        return "jsonl"
    text = head.decode(encoding_of(path, head), "replace")
    if shdr.looks_like(text):
        return "shdr"
    return "jsonl" if jsonl.looks_like(text, path) else "csv"


def _starter(path: Path, options: FileOptions) -> tuple[Start, str, tuple[str, ...]]:
    """How to read one file, its format, and the names of its columns where they are known beforehand."""
    form, asset = format_of(path, options), options.asset or asset_of(path)
    if options.interval_ns is not None and form not in ("csv", "parquet"):
        raise Misconfigured(f"{path}: --interval is for csv and parquet without times, this is {form}")
    if form == "parquet":
        described = parquet.plan(path, options)
        return (lambda clock, told: parquet.blocks(described, asset, clock, told)), form, described.names
    if form == "jsonl":
        jsonl.check(path)
        return (lambda _, told: jsonl.blocks(path, options.timezone, told)), form, ()
    if form == "shdr":
        shdr.check(path)
        return (lambda _, told: shdr.blocks(path, asset, options.timezone, options.drop, told)), form, ()
    table = plan(path, options, long=form == "long")
    if form == "long":
        return (lambda _, told: long.blocks(table, asset, options.drop, told)), form, ()
    return (lambda clock, told: wide.blocks(table, asset, clock, told)), form, table.names


def read(paths: Sequence[Path], options: FileOptions, progress: Progress | None = None) -> Iterator[FileBlock]:
    """Read files as one stream, in blocks of about 50,000 cells.

    Several files whose rows are each in order of time are merged by time (ties in the order given); else they
    follow each other. With `--interval` each goes on where the one before it ended. Every file is looked at
    before the first block is given. Raises Misconfigured, with one line that names the file, what is wrong and
    what would be right; a file that turns out to be damaged further on raises it then.
    """
    if not paths:
        raise Misconfigured("no input given; name one or more files")
    starts = [_starter(path, options) for path in paths]
    columns = {name for _, _, names in starts for name in names}
    unknown = [name for name in options.drop if columns and name not in columns]
    if unknown and all(names for _, _, names in starts):
        known = listed(list(dict.fromkeys(name for _, _, names in starts for name in names)))
        raise Misconfigured(f"{paths[0]}: there is no column {unknown[0]!r} to drop; the columns are {known}")
    told = _told(paths, progress)
    if options.interval_ns is not None:
        return _clocked([start for start, _, _ in starts], options, options.interval_ns, told, paths)
    if len(paths) == 1:
        return starts[0][0](None, told[0])
    kinds = {form for _, form, _ in starts}
    return _several([start for start, _, _ in starts], kinds, told)


def _told(paths: Sequence[Path], progress: Progress | None) -> list[Callable[[int], None] | None]:
    if progress is None:
        return [None] * len(paths)
    sizes = [path.stat().st_size for path in paths]
    done, total = [0] * len(paths), sum(sizes)

    def tell(at: int, position: int) -> None:
        done[at] = max(done[at], min(position, sizes[at]))
        progress(sum(done), total)

    return [partial(tell, at) for at in range(len(paths))]


def _clocked(
    starts: Sequence[Start],
    options: FileOptions,
    interval_ns: int,
    told: Sequence[Callable[[int], None] | None],
    paths: Sequence[Path],
) -> Iterator[FileBlock]:
    begin = START_NS if options.start_ns is None else options.start_ns
    note: tuple[str, ...] = ()
    if options.start_ns is None:
        note = (f"{paths[0].name}: times are made up, from 2000-01-01T00:00:00Z on; --start T sets the first",)
    for start, tell in zip(starts, told, strict=True):
        for block in start(wide.Clock(begin, interval_ns), tell):
            yield block._replace(notes=note + block.notes)
            note = ()
            begin_next = int(block.received[-1]) + interval_ns if block.rows else begin
        begin = begin_next


class _Shelf:
    """Keeps blocks as they pass, while there is room, so that small inputs are read once."""

    def __init__(self, room: int) -> None:
        self._room = room
        self.kept: dict[int, list[FileBlock]] = {}

    def passing(self, at: int, blocks: Iterator[FileBlock]) -> Iterator[FileBlock]:
        some: list[FileBlock] = []
        for block in blocks:
            self._room -= len(block.time) + 10 * len(block.records or ())
            if self._room >= 0:
                some.append(block)
            yield block
        if self._room >= 0:
            self.kept[at] = some


def _several(
    starts: Sequence[Start], kinds: set[str], told: Sequence[Callable[[int], None] | None]
) -> Iterator[FileBlock]:
    shelf, firsts = _Shelf(_CACHED_READINGS), []
    if len(kinds) == 1 or "jsonl" not in kinds:
        for at, (start, tell) in enumerate(zip(starts, told, strict=True)):
            first = first_if_ordered(shelf.passing(at, start(None, tell)))
            if first is None:
                break
            firsts.append(first)

    def reader(at: int) -> Iterator[FileBlock]:
        # a list is let go once read, so that memory falls as the stream advances
        return iter(shelf.kept.pop(at)) if at in shelf.kept else starts[at](None, told[at])

    readers = [partial(reader, at) for at in range(len(starts))]
    if len(firsts) == len(starts):
        yield from merged(readers, firsts)
        return
    note: tuple[str, ...] = ("inputs follow each other as given: not every one is in order of time, or formats differ",)
    for block in chain.from_iterable(one() for one in readers):
        yield block._replace(notes=note + block.notes)
        note = ()
