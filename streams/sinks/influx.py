"""InfluxDB 2.x as a store of results, over its v2 write API."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson
from pydantic import SecretStr

from schemas.errors import Misconfigured, Retry
from streams.results import Results
from streams.sinks.answers import dropped_in, malformed_in
from streams.sinks.influx_http import Answer, InfluxHttp
from streams.sinks.pieces import Piece, Work, cut, piece_of, pieces
from streams.sinks.points import MEASUREMENTS, checked_tags
from streams.sinks.table import Store

log = logging.getLogger(__name__)

LOG_EVERY_S = 60.0


class InfluxSink:
    """Writes results to the buckets `<prefix>raw` and `<prefix>main` of one organisation.

    A line that cannot be parsed is set aside and the rest is sent again; points the server drops (field type,
    retention) are counted; everything else raises Retry with nothing acknowledged. A repeat of `write` with the
    same Results object goes on with what the tries before have not stored.

    Parameters: `url` such as http://127.0.0.1:8086; `token` with the right to write both buckets (and to read them,
    for `count` and `rows`); `timeout_s` for a whole request; `ca_file` with the PEM certificates to trust instead of
    the system's. Raises Misconfigured for a URL, token or file that cannot be used.
    """

    def __init__(
        self,
        url: str,
        token: SecretStr | str,
        org: str,
        prefix: str = "millstream_",
        timeout_s: float = 10.0,
        ca_file: str | None = None,
        in_flight: int = 2,
    ) -> None:
        self.points_written = 0
        self.points_dropped = 0
        self.retries = 0
        self.org = org
        self.prefix = prefix
        self._http = InfluxHttp(url, token, timeout_s, ca_file)
        self._work: dict[int, Work] = {}  # by partition: writes that are not done
        self._places = asyncio.Semaphore(in_flight)
        self._thread: ThreadPoolExecutor | None = None
        self._unlogged = 0
        self._logged_at = float("-inf")

    def __repr__(self) -> str:
        return f"InfluxSink({self._http.origin!r}, org={self.org!r}, prefix={self.prefix!r})"

    async def open(self) -> None:
        """Connect and check both buckets. Raises Retry while the server is away, Misconfigured otherwise."""
        stores: tuple[Store, ...] = ("raw", "main")
        for store in stores:
            answer = await self._post(piece_of(store, ()))  # an empty write is checked like any, and stores nothing
            if answer.status in (401, 403, 404):
                raise Misconfigured(self._wrong(store, answer))
            if answer.status != 204:
                raise Retry(self._wrong(store, answer), answer.after)

    async def write(self, batch: Sequence[Results]) -> None:
        """Store consecutive results of one partition. Raises Retry; what was stored until then is remembered."""
        if not batch:
            return
        partition = batch[0].partition
        work = self._work.get(partition)
        if work is None or work.batch is not batch:
            work = self._work[partition] = Work(batch, pieces(batch))
        await self._drain(work)
        if self._work.get(partition) is work:
            del self._work[partition]

    def forget(self, partition: int) -> None:
        """Let go of what a failed write of this partition remembers."""
        self._work.pop(partition, None)

    async def write_lines(self, store: Store, ready: Sequence[bytes]) -> None:
        """Store lines of line protocol as they are, with the same treatment of what the server refuses."""
        await self._drain(Work((), cut(store, ready)))

    async def ready(self) -> str | None:
        """None when both buckets take points, else one line that says what is wrong and what would help."""
        try:
            await self.open()
        except (Retry, Misconfigured) as error:
            return str(error)
        return None

    async def count(self, measurement: str, since_ns: int | None = None) -> int:
        """Number of stored points of a measurement, at or after `since_ns`. Raises Retry."""
        kind = MEASUREMENTS[measurement]
        since = f" WHERE time >= {since_ns:d}" if since_ns is not None else ""
        query = f'SELECT count("{kind.always}") AS n FROM "{kind.name}"{since}'  # noqa: S608
        found = await self._query(kind.store, query)
        return int(found[0]["n"]) if found else 0

    async def rows(self, measurement: str, limit: int = 1_000, **tags: str) -> list[dict[str, Any]]:
        """The newest `limit` points, newest first: time in ns, tags and fields (None where left out).

        `tags` narrows them to points with these values. Raises Retry, ValueError for a tag there is not.
        """
        kind = MEASUREMENTS[measurement]
        wanted = " AND ".join(f'"{tag}" = {_quoted(value)}' for tag, value in checked_tags(kind, tags).items())
        where = f" WHERE {wanted}" if wanted else ""
        query = f'SELECT * FROM "{kind.name}"{where} ORDER BY time DESC LIMIT {limit:d}'  # noqa: S608
        found = await self._query(kind.store, query)
        return [{name: row.get(name) for name in kind.columns} for row in found]

    async def close(self) -> None:
        """Release the connection and the thread."""
        if self._thread is not None:
            self._thread.shutdown(wait=False)
            self._thread = None
        await self._http.close()

    async def _drain(self, work: Work) -> None:
        """Send pieces in order; each leaves `work` only when the server has answered for it."""
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="lines")
        while (piece := await work.first(self._thread)) is not None:
            try:
                async with self._places:
                    answer = await self._post(piece)
                if answer.status not in (204, 400, 413, 422):
                    raise Retry(self._wrong(piece.store, answer), answer.after)
            except Retry:
                self.retries += 1
                raise
            work.built.popleft()
            if answer.status in (400, 413):
                work.built.extendleft(reversed(self._parted(piece, answer)))
                continue
            dropped = dropped_in(answer.message, len(piece.lines)) if answer.status == 422 else 0
            self.points_written += len(piece.lines) - dropped
            self._drop(dropped, answer)

    def _parted(self, piece: Piece, answer: Answer) -> list[Piece]:
        """What is left to send of a refused piece: without the lines that are to blame, or else in halves."""
        bad = malformed_in(answer.message, piece.lines)
        if bad or len(piece.lines) == 1:
            rest = [line for line in piece.lines if line not in bad] if bad else []
            self._drop(len(piece.lines) - len(rest), answer)
            return [piece_of(piece.store, rest)] if rest else []
        middle = len(piece.lines) // 2
        return [piece_of(piece.store, piece.lines[:middle]), piece_of(piece.store, piece.lines[middle:])]

    def _drop(self, count: int, answer: Answer) -> None:
        """Count points set aside; say so in the log once a minute at most."""
        self.points_dropped += count
        self._unlogged += count
        now = time.monotonic()
        if count and now - self._logged_at >= LOG_EVERY_S:
            log.warning("InfluxDB refused %d points, set aside: %s", self._unlogged, self._http.safe(answer.message))
            self._logged_at, self._unlogged = now, 0

    async def _post(self, piece: Piece) -> Answer:
        """One try to write a piece. Raises Retry where no answer comes."""
        query = {"org": self.org, "bucket": self.prefix + piece.store, "precision": "ns"}
        if piece.packed is not None:
            answer = await self._http.ask("POST", "api/v2/write", query, piece.packed, {"Content-Encoding": "gzip"})
            if answer.status != 500:  # what a damaged gzip body gets: sent plain once, or it would be sent for ever
                return answer
        return await self._http.ask("POST", "api/v2/write", query, piece.body)

    async def _query(self, store: Store, query: str) -> list[dict[str, Any]]:
        """Rows of one InfluxQL query. Raises Retry."""
        asked = {"db": self.prefix + store, "org": self.org, "epoch": "ns", "q": query}
        answer = await self._http.ask("GET", "query", asked)
        try:
            result = orjson.loads(answer.body)["results"][0] if answer.status == 200 else None
        except (orjson.JSONDecodeError, LookupError, TypeError):
            result = None
        if result is None or "error" in result:
            raise Retry(self._wrong(store, answer), answer.after)
        return [
            dict(zip(each["columns"], row, strict=True)) for each in result.get("series", ()) for row in each["values"]
        ]

    def _wrong(self, store: Store, answer: Answer) -> str:
        """One line for a person: what is wrong, where, and what would be right."""
        place, bucket = f"InfluxDB at {self._http.origin}", self.prefix + store
        said = self._http.safe(answer.message)
        match answer.status:
            case 401:
                return f"{place}: the token is refused; check the token in the settings"
            case 403:
                return f"{place}: the token lacks rights to bucket {bucket}; give it write there"
            case 404:
                return f"{place}: {said} (bucket {bucket}, organisation {self.org}); run: millstream store init"
            case status:
                return f"{place}: answered {status}: {said or 'an empty body'}; expected InfluxDB's 204 or 200"


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"
