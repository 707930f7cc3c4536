"""What comes beside a value, its quality and its arrival, for the detectors that judge that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from detectors.base import Batch, Detector
from schemas.chunk import GOOD
from streams.roster import Roster
from streams.segment import Ints, Segment

if TYPE_CHECKING:
    from streams.watch import Watch


def beside(detector: Detector[Any], seg: Segment, where: Ints | slice, batch: Batch) -> Batch:
    """A batch of the readings at `where`, with the qualities or arrivals that its detector judges."""
    if detector.judges == "quality":
        return batch._replace(quality=seg.quality[where])
    if detector.judges == "clock":
        return batch._replace(received=seg.arrived[where])
    return batch


def first_bad(seg: Segment, watch: Watch, roster: Roster) -> Ints | None:
    """Give series a row at their first reading that is not good; most never have one, and cost nothing.

    Gives (k,), for the k series of the segment, the place of the first reading to judge; None where it is all places.
    """
    unwatched = ~watch.takes(seg.groups.rows)
    if not unwatched.any():
        return None
    n = len(seg.row)
    began = np.where(unwatched, n, 0)
    places = np.flatnonzero((seg.quality != GOOD) & unwatched[seg.groups.local] & seg.numeric & seg.new)
    if len(places):
        np.minimum.at(began, seg.groups.local[places], places)
        watch.admit(roster, *seg.groups.rows[unwatched & (began < n)].tolist())
    return began


def judged_of(detector: Detector[Any], seg: Segment, i: int) -> dict[str, int]:
    """What beside its value and time a detector judged of the reading at place i of a segment."""
    if detector.judges == "quality":
        return {"quality": int(seg.quality[i])}
    return {"received": int(seg.arrived[i])} if detector.judges == "clock" else {}


def reading_of(detector: Detector[Any], seg: Segment, i: int, raw: float) -> dict[str, Any]:
    """What is known of the reading at place i, whose score by the detector is `raw`, as `Detector.named` is told it."""
    return {"time": int(seg.time[i]), "x": float(seg.value[i]), "score": raw, **judged_of(detector, seg, i)}
