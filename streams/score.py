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
from schemas.anomaly import shares_text
from schemas.chunk import Chunk, columns
from schemas.decode import Decoder
from schemas.kpi import KpiRow
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
                engine.kpis.provisional = False  # of each window the last row is written
                self.engines[share.partition] = engine
            results = self._judge(engine, share.chunk)
            known = {(p.message, p.reason) for p in share.chunk.rejects}
            for r in results.rejections:
                if (r.place.message, r.place.reason) not in known:
                    self.reasons[r.place.reason] += max(r.place.cells, 1)
            scored.append(Scored(share, results))
        return scored

    def finish(self) -> list[Scored]:
        """What is still held when the files are over, as if time had gone on: readings by `[site] reorder`."""
        scored = []
        for _, engine in sorted(self.engines.items()):
            held = engine.intake.reorder
            if held.holding:
                share = _end(engine, engine.received + (held.wait or 0))
                scored.append(Scored(share, self._judge(engine, share.chunk)))
        return scored

    def last_figures(self) -> list[Scored]:
        """Key figures that are still to be told when the files are over, all of them final, and what watches say."""
        scored = []
        for _, engine in sorted(self.engines.items()):
            share = _end(engine, engine.received)
            results = engine.finish(share.chunk)
            self._count(results)
            scored.append(Scored(share, results))
        return scored

    def _judge(self, engine: Engine, chunk: Chunk) -> Results:
        results = engine.feed(chunk)
        self._count(results)
        return results

    def _count(self, results: Results) -> None:
        self.counts.update(results.counts)
        self.verdicts += int(np.isfinite(results.verdicts.score).sum())


def _end(engine: Engine, clock: int) -> Share:
    """A message without readings behind an engine's last."""
    none = np.zeros(0)
    whole, place = none.astype(np.int64), none.astype(np.int32)
    chunk = columns(np.array([clock]), place, [], place, whole, none, first_offset=engine.next_offset)
    return Share(engine.partition, chunk, np.zeros(1, np.int64), whole)


def newest(chunk: Chunk) -> NDArray[np.int64]:
    """`received` of JSON lines: the newest time in each message, as a broker at hand would have stamped it.

    Not made monotone: each engine does that for its own partition's messages.
    """
    received = np.full(chunk.messages, np.iinfo(np.int64).min, dtype=np.int64)
    np.maximum.at(received, chunk.message, chunk.time)
    for wave in chunk.waveforms:
        received[wave.message] = max(received[wave.message], wave.time)
    return received


def rows(scored: Iterable[Scored], contribution: bool) -> str:
    """CSV text of a block's verdicts, a line each, in input order."""
    parts: list[str] = []
    orders = []
    for s in scored:
        v = s.results.verdicts
        if not len(v.time):
            continue
        alone = np.array([watch.alone for watch in s.results.watches], dtype=bool)[v.watch]
        message = np.where(alone, v.reading, 0)
        here = ~alone & (v.reading >= 0)
        message[here] = s.share.chunk.message[v.reading[here]]
        parts += _lines(s.results, contribution)
        # an engine's verdicts are in order; one whose reading was held stands where it was let go
        orders.append(np.maximum.accumulate(s.share.message[message]))
    if not parts:
        return ""
    order = np.argsort(np.concatenate(orders), kind="stable")
    return "\n".join([parts[i] for i in order.tolist()]) + "\n"


def _lines(results: Results, contribution: bool) -> Iterator[str]:
    """Lines of one engine's verdicts, without their ends."""
    v = results.verdicts
    fields = [_times(v.time), _labels(results), _numbers(v.value, v.score, v.expected, v.low, v.high)]
    if contribution:
        shares_of = [""] * len(v.time)
        for i, shared in v.contribution.items():
            shares_of[i] = _quoted(shares_text(shared))
        fields.append(shares_of)
    return map(",".join, zip(*fields, strict=True))


def _times(time: NDArray[np.int64]) -> list[str]:
    """Texts of times (n,); equal ones in a row are written once."""
    starts = np.flatnonzero(np.diff(time, prepend=time[0] - 1))
    texts = np.array(format_times(time[starts]), dtype=object)
    return np.repeat(texts, np.diff(starts, append=len(time))).tolist()


def _labels(results: Results) -> list[str]:
    """Asset, series and watch of each verdict row, as one text."""
    v, watches = results.verdicts, len(results.watches)
    distinct, which = np.unique(v.series.astype(np.int64) * watches + v.watch, return_inverse=True)
    texts = []
    for series, watch in zip(*(a.tolist() for a in np.divmod(distinct, watches)), strict=True):
        ref = results.series[series]
        texts.append(_quoted(ref.path, ref.series, results.watches[watch].name))
    labels: list[str] = np.array(texts, dtype=object)[which].tolist()
    return labels


def _numbers(*columns: NDArray[np.float64]) -> list[str]:
    """Shortest texts of the numbers of each row, comma-separated, empty for NaN and infinity."""
    table = np.ascontiguousarray(np.stack(columns, axis=1))
    text = orjson.dumps(table, option=orjson.OPT_SERIALIZE_NUMPY).decode()
    return text[2:-2].replace("null", "").split("],[")


def _quoted(*fields: str) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(fields)
    return out.getvalue()


KPI_HEADER = (
    "start", "end", "asset", "kpi", "value", "unit", "low", "high", "coverage", "status", "product", "shift",
    "revision", "reason", "level",
)  # fmt: skip


def kpi_lines(rows: Iterable[KpiRow]) -> str:
    """CSV text of key figures, a line each; where there is no value it is empty, and the reason stands at the end."""
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    for row in rows:
        start, end = format_times(np.array([row.start, row.end]))
        numbers = ["" if v is None else repr(v) for v in (row.value, row.low, row.high)]
        table.writerow(
            [start, end, row.asset, row.kpi, numbers[0], row.unit, *numbers[1:], f"{row.coverage:.6g}", row.status,
             row.product, row.shift, row.revision, row.reason, row.level]
        )  # fmt: skip
    return out.getvalue()


def write_events(scored: Iterable[Scored], out: IO[str]) -> int:
    """One JSON line for each anomaly event, in the log's order; returns how many."""
    n = 0
    for s in scored:
        for event in s.results.events:
            out.write(event.model_dump_json() + "\n")
            n += 1
    return n
