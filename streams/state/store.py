"""The state topic: snapshots are written in chunks and made valid by a manifest; the newest one is found again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable
from typing import Any, NamedTuple

import orjson
import structlog

from schemas.anomaly import AnomalyEvent
from schemas.errors import Misconfigured, Reject
from streams.state import codec
from streams.state.faults import Fault
from streams.state.log import Log
from streams.state.manifest import (
    CHUNK,
    FAULT,
    MANIFEST,
    Manifest,
    Piece,
    digest,
    from_record,
    key_of,
    parts_of,
    to_record,
)

log = structlog.get_logger("millstream.state")

Send = Callable[..., Awaitable[Awaitable[Any]]]
"""A producer's send: (topic, key, value, partition, timestamp, headers) -> a future of the acknowledgement."""

_FIRST_LOOK = 16
"""Records looked at from the end of the state partition; more each time until a manifest is found."""
_FAULT_GENERATION = "none"


class Found(NamedTuple):
    """What the state partition and the group say of a partition."""

    manifest: Manifest | None
    fault: Fault | None
    start: int  # where an engine without a snapshot begins: the committed offset, else the log's first


class StateStore:
    """Snapshots of the engines on one input topic. Raises Kafka's errors and Retry, to be tried again."""

    def __init__(self, log: Log, send: Send, state: str, topic: str, partitions: int, key: bytes) -> None:
        self._log, self._send = log, send
        self.state, self.topic, self.partitions, self._key = state, topic, partitions, key

    async def newest(self, partition: int, damaged: Collection[str] = ()) -> Found:
        """The valid manifest with the highest S, looked for from the end backwards; `damaged` generations left out.

        The group never commits what no snapshot covers, so the first manifest at or above the committed offset will
        do; where none is, all of the partition is looked through.
        """
        committed = await self._log.committed(self.topic, partition)
        begin, end = await self._log.bounds(self.state, partition)
        best: Manifest | None = None
        notes: list[Fault | None] = []
        gone = set(damaged)
        look, high = _FIRST_LOOK, end
        while high > begin and (best is None or best.next_offset < (committed or 0)):
            low = max(begin, high - look)
            newer: list[Manifest] = []
            older_notes: list[Fault | None] = []
            async for record in self._log.read(self.state, partition, low, high):
                topic, of, generation, what = parts_of(record.key) or ("", -1, "", "")
                if topic != self.topic or of != partition:
                    continue
                if what == FAULT:
                    older_notes.append(Fault.from_bytes(record.value) if record.value else None)
                elif what == MANIFEST and record.value is None:
                    gone.add(generation)
                elif what == MANIFEST and (manifest := self._manifest(record.value, record.headers)):
                    newer.append(manifest)
            notes = older_notes + notes
            alive = [m for m in [*newer, *([best] if best else [])] if m.generation not in gone]
            best = max(alive, key=lambda m: (m.next_offset, m.made), default=None)
            high, look = low, look * 4
        first, _ = await self._log.bounds(self.topic, partition)
        return Found(best, notes[-1] if notes else None, max(committed or 0, first))

    def _manifest(self, value: bytes, headers: Any) -> Manifest | None:
        try:
            manifest = from_record(value, headers, self._key)
        except Reject as error:
            log.warning("a manifest on the state topic was passed over", why=str(error))
            return None
        if manifest.format > codec.FORMAT:
            raise Misconfigured(
                f"{self.state}: partition {manifest.partition} was saved by a newer version (format {manifest.format}, "
                f"this one reads up to {codec.FORMAT}); run that version, or: millstream state drop"
            )
        return manifest if manifest.partitions == self.partitions else None

    async def load(self, manifest: Manifest) -> dict[str, Any]:
        """The state that a manifest stands for. Raises codec.Damaged where chunks are missing or changed."""
        wanted = {piece.offset: piece for piece in manifest.pieces}
        chunks: dict[int, bytes] = {}
        async for record in self._read_pieces(manifest):
            piece = wanted.get(record.offset)
            if piece is not None and record.value is not None and digest(record.value) == piece.sha256:
                chunks[record.offset] = record.value
        if len(chunks) < len(wanted):
            raise codec.Damaged(f"{len(wanted) - len(chunks)} of {len(wanted)} chunks are missing or changed")
        return await asyncio.to_thread(codec.unpack, [chunks[piece.offset] for piece in manifest.pieces])

    async def _read_pieces(self, manifest: Manifest) -> AsyncIterator[Any]:
        offsets = sorted(piece.offset for piece in manifest.pieces)
        async for record in self._log.read(self.state, manifest.partition, offsets[0], offsets[-1] + 1):
            yield record

    async def put_chunk(self, partition: int, generation: str, number: int, chunk: bytes) -> Piece:
        """Write one chunk; on return the broker has it."""
        key = key_of(self.topic, partition, generation, CHUNK, number)
        sent = await (await self._send(self.state, key, chunk, partition, None, []))
        return Piece(offset=sent.offset, size=len(chunk), sha256=digest(chunk))

    async def put_manifest(self, manifest: Manifest) -> None:
        """Make the chunks a snapshot; on return it is the one that a restart finds."""
        value, headers = to_record(manifest, self._key)
        key = key_of(self.topic, manifest.partition, manifest.generation, MANIFEST)
        await (await self._send(self.state, key, value, manifest.partition, None, headers))

    async def drop(self, partition: int, keys: Iterable[bytes]) -> None:
        """Let compaction remove records."""
        pending = [await self._send(self.state, key, None, partition, None, []) for key in keys]
        if pending:
            await asyncio.gather(*pending)

    async def leftovers(self, manifest: Manifest) -> set[bytes]:
        """Keys of generations before a valid one: of workers that died while they wrote one, of owners before us."""
        begin, _ = await self._log.bounds(self.state, manifest.partition)
        alive: set[bytes] = set()
        async for record in self._log.read(self.state, manifest.partition, begin, manifest.pieces[0].offset):
            topic, of, _, what = parts_of(record.key) or ("", -1, "", "")
            if topic == self.topic and of == manifest.partition and what in (MANIFEST, CHUNK):
                (alive.discard if record.value is None else alive.add)(record.key)
        return alive - set(manifest.keys())

    async def note(self, partition: int, fault: Fault | None) -> None:
        """Remember, or forget, that feeding some records has failed."""
        key = key_of(self.topic, partition, _FAULT_GENERATION, FAULT)
        await (await self._send(self.state, key, fault.to_bytes() if fault else None, partition, None, []))

    async def end(self, topic: str, partition: int) -> int:
        """Offset behind the last record of a partition."""
        return (await self._log.bounds(topic, partition))[1]

    async def events(self, topic: str, partition: int, start: int) -> list[AnomalyEvent]:
        """Events published on a partition from an offset on, in their order; what is none is passed over."""
        begin, end = await self._log.bounds(topic, partition)
        found = []
        async for record in self._log.read(topic, partition, max(start, begin), end):
            try:
                found.append(AnomalyEvent.model_validate(orjson.loads(record.value)))
            except ValueError:
                continue
        return found
