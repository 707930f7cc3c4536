"""What a watch says of a segment, and what is followed of rows that stand alone."""

from __future__ import annotations

from typing import NamedTuple

from detectors.groups import Groups
from detectors.judgement import Judgement, Silence
from streams.segment import Bools, Floats, Ints

UNWATCHED = -1
"""In the place of a bank row, of a series that a watch has none for."""


class Opinion(NamedTuple):
    """What a watch says of a segment: its readings are those at `at` (positions in the segment)."""

    at: Ints  # (v,) watched readings, ascending
    judged: Ints  # (j,) places in `at` that the bank was asked about, ascending
    where: Ints | slice  # (j,) their positions in the segment, or all of it
    rows: Ints  # (j,) their bank rows
    judgement: Judgement  # of the j readings
    withheld: Bools  # (v,) kept from the bank by the health gate or a bad quality
    silences: list[Silence]  # `reading` is a position in the segment, or -1 after its last
    dt: Floats  # (j,) seconds since the row's judged reading before, NaN at first
    lag: Ints  # (j,) arrival behind event time, ns, of that reading (0 at first); none where silence is not judged
    groups: Groups  # of `rows`


class Life(NamedTuple):
    """What is followed of a row whose verdicts stand alone: a joint one's, or a machine's among its peers."""

    last: int  # time of its last verdict, ns
    share: float  # of anomalous time
    unfit: bool
