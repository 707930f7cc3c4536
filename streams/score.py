"""Scoring files: the same engines as the worker's, fed from files, their verdicts written as rows in input order."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import IO, Any, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from detectors.base import Detector
from schemas.chunk import Chunk
from schemas.decode import Decoder
from schemas.times import format_times
from streams.engine import Engine
from streams.files.block import FileBlock, to_chunk
from streams.resolve import ResolvedSite
from streams.results import Results
from streams.roster import Roster
from streams.split import Share, shares

HEADER = ("time", "asset", "series", "watch", "value", "score", "expected", "low", "high")


class Scored(NamedTuple):
    """Results of one block, with where each verdict row stands in the block."""

    share: Share
    results: Results


class Scorer:
    """Engines of all partitions, fed block by block; `received` is the event time."""

    def __init__(
        self, site: ResolvedSite, partitions: int, registry: dict[str, type[Detector[Any]]] | None = None
    ) -> None:
        self.site, self.partitions, self.registry = site, partitions, registry
        self.engines: dict[int, Engine] = {}
        self.counts: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self.verdicts = 0
        self._roster = Roster(site.site)  # for aliases
        self._offset = 0

    def feed(self, block: FileBlock) -> list[Scored]:
        """Judge one block of a file."""
        if block.records is not None:
            chunk = Decoder().decode(block.records, 0)
            chunk = chunk._replace(received=newest(chunk))
            rejects = chunk.rejects
        else:
            chunk = to_chunk(block, self._offset)
            rejects = block.rejects
        self._offset += chunk.messages
        for place in rejects:
            self.reasons[place.reason] += max(place.cells, 1)
        scored = []
        for share in shares(chunk, self.partitions, self._roster) if chunk.messages else ():
            engine = self.engines.get(share.partition)
            if engine is None:
                engine = Engine(share.partition, self.partitions, self.site, self.registry)
                self.engines[share.partition] = engine
            results = engine.feed(share.chunk)
            self.counts.update(results.counts)
            self.verdicts += int(np.isfinite(results.verdicts.score).sum())
            known = {(p.message, p.reason) for p in share.chunk.rejects}
            for r in results.rejections:
                if (r.place.message, r.place.reason) not in known:
                    self.reasons[r.place.reason] += max(r.place.cells, 1)
            scored.append(Scored(share, results))
        return scored


def newest(chunk: Chunk) -> NDArray[np.int64]:
    """`received` of JSON lines: the newest time in each message, as a broker at hand would have stamped it.

    Not made monotone: each engine does that for its own partition's messages.
    """
    received = np.full(chunk.messages, np.iinfo(np.int64).min, dtype=np.int64)
    np.maximum.at(received, chunk.message, chunk.time)
    for wave in chunk.waveforms:
        received[wave.message] = max(received[wave.message], wave.time)
    return received


def rows(scored: Iterable[Scored], contribution: bool) -> Iterator[str]:
    """CSV lines of a block's verdicts, in input order."""
    parts = []
    orders = []
    for s in scored:
        v = s.results.verdicts
        if not len(v.time):
            continue
        lines = list(_lines(s.results, contribution))
        joint = _alone(s.results)
        instant = joint[v.watch]
        # a verdict row stands where its reading stood; an instant behind the row that completed it
        last = np.searchsorted(s.share.chunk.message, v.reading, side="right") - 1 if instant.any() else v.reading
        place = np.where(instant, np.maximum(last, 0), v.reading)
        at = s.share.reading[place] if len(s.share.reading) else np.zeros(len(v.time), dtype=np.int64)
        parts += lines
        orders.append(np.stack([at, instant.astype(np.int64), v.watch.astype(np.int64)]))
    if not parts:
        return
    at, instant, watch = np.concatenate(orders, axis=1)
    for i in np.lexsort((watch, instant, at)).tolist():
        yield parts[i]


def _alone(results: Results) -> NDArray[np.bool_]:
    return np.array([watch.alone for watch in results.watches], dtype=bool)


def _lines(results: Results, contribution: bool) -> Iterator[str]:
    v = results.verdicts
    names = [_quoted(f"{ref.path}", ref.series) for ref in results.series]
    watches = [_quoted(watch.name) for watch in results.watches]
    numbers = [_floats(a) for a in (v.value, v.score, v.expected, v.low, v.high)]
    for i, (time, s, w, value, score, expected, low, high) in enumerate(
        zip(format_times(v.time), v.series.tolist(), v.watch.tolist(), *numbers, strict=True)
    ):
        line = f"{time},{names[s]},{watches[w]},{value},{score},{expected},{low},{high}"
        if contribution:
            shares_of = v.contribution.get(i, {})
            line += "," + _quoted(";".join(f"{name}={share:.6g}" for name, share in shares_of.items()))
        yield line + "\n"


def _floats(values: NDArray[np.float64]) -> list[str]:
    """Shortest texts of numbers, empty for NaN and infinity."""
    text = orjson.dumps(np.ascontiguousarray(values), option=orjson.OPT_SERIALIZE_NUMPY).decode()[1:-1]
    return text.replace("null", "").split(",")


def _quoted(*fields: str) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(fields)
    return out.getvalue()


def write_events(scored: Iterable[Scored], out: IO[str]) -> int:
    """One JSON line for each anomaly event, in the log's order; returns how many."""
    n = 0
    for s in scored:
        for event in s.results.events:
            out.write(event.model_dump_json() + "\n")
            n += 1
    return n
