"""Outcomes: every reading counted in exactly one, and the points of it that are stored."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from streams.admission import CORRECTION, DUPLICATE, LATE, NEW
from streams.collect import Collector
from streams.results import Points
from streams.roster import ALL, CHANGE, NONE, SECOND, Roster
from streams.segment import Bools, Segment


@dataclass
class Tally:
    """What the watches made of a segment's readings; arrays (n,)."""

    watched: Bools
    scored: Bools
    warming: Bools
    muted: Bools  # for at least one watch


def tally(n: int) -> Tally:
    """Nothing judged yet."""
    return Tally(*(np.zeros(n, dtype=bool) for _ in range(4)))


def count(seg: Segment, judged: Tally, out: Collector) -> None:
    """Count each reading once: late and duplicate, then scored (a finite score), warming, muted, withheld, unwatched.

    A correction counts as late: it is stored, not scored.
    """
    kind = seg.admitted.kind
    new = kind == NEW
    scored = new & judged.scored
    warming = new & ~judged.scored & judged.warming
    unwatched = new & ~judged.watched
    muted = new & ~scored & ~warming & judged.muted
    out.count("readings_in", len(kind))
    out.count("late", int(((kind == LATE) | (kind == CORRECTION)).sum()))
    out.count("corrections", int((kind == CORRECTION).sum()))
    out.count("duplicate", int((kind == DUPLICATE).sum()))
    out.count("scored", int(scored.sum()))
    out.count("warming", int(warming.sum()))
    out.count("unwatched", int(unwatched.sum()))
    out.count("muted", int(muted.sum()))
    out.count("withheld", int((new & ~scored & ~warming & ~muted & ~unwatched).sum()))


def store(seg: Segment, roster: Roster, out: Collector) -> None:
    """The points to store: by each series' `store`; late readings and corrections always, unless it is none."""
    rule = roster.columns["store"][seg.row]
    kind = seg.admitted.kind
    new = kind == NEW
    first = seg.second != seg.admitted.second
    wanted = (rule == ALL) | ((rule == SECOND) & first) | ((rule == CHANGE) & seg.admitted.changed)
    keep = (new & wanted) | (((kind == LATE) | (kind == CORRECTION)) & (rule != NONE))
    places = np.flatnonzero(keep)
    if not len(places):
        return
    text = {i: seg.text[j] for i, j in enumerate(places.tolist()) if j in seg.text} if seg.text else {}
    out.points.append(
        Points(
            seg.row[places].astype(np.int32),
            seg.time[places],
            seg.value[places],
            text,
            seg.quality[places],
            ~new[places],
        )
    )
