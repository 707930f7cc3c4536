"""Dealing: sites go to the partitions that their keys have when `kpi.v1` has more of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from schemas.partition import partition_of
from streams.arrays import UNSEEN

Saved = dict[str, Any]


def dealt(old: Sequence[Saved | None], partitions: int) -> list[Saved]:
    """States of the grown partitions, from those of the old ones, None for one that has none; at least one has.

    Positions stay, new partitions begin at 0. A partition's clock is the latest of those it has something of.
    """
    known = [state["engine"] for state in old if state is not None]
    newest = max(known, key=lambda engine: engine["site"]["site"]["site"]["version"])
    out = []
    for partition in range(partitions):
        own = old[partition] if partition < len(old) else None
        engine = _blank(newest) if own is None else own["engine"] | {"books": {}}
        for giver in known:
            books = {site: book for site, book in giver["books"].items() if _home(site, partitions) == partition}
            engine["books"] |= books
            for clock in ("received", "tick", "swept") if books else ():
                engine[clock] = max(engine[clock], giver[clock])
        out.append({"engine": engine})
    return out


def _home(site: str, partitions: int) -> int:
    return partition_of(site.encode(), partitions)


def _blank(newest: Saved) -> Saved:
    unseen = dict.fromkeys(("received", "tick", "swept"), UNSEEN)
    return {"next_offset": 0, **unseen, "late": 0, "site": newest["site"], "assembly": [], "books": {}}
