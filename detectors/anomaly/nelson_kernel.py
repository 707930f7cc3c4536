"""What `nelson` learns of a row, and the walk through its readings in plain numbers: the same bits as its step."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from detectors.anomaly.control_chart import BEYOND, SAME_SIDE, SWINGS, TREND, WITHIN
from detectors.base import Floats, Ints
from detectors.compiled import Kernel

CAP = 1e6
"""Highest score."""
FEWEST = 20.0
"""Points before a phase I given as a time can end."""

HUGE = 1e100
"""Larger numbers are no measurement and would overflow."""


class NelsonState(NamedTuple):
    """One row each; a point is a reading or the mean of a subgroup."""

    members: Floats  # readings in the open subgroup
    total: Floats
    smallest: Floats
    largest: Floats
    clean: Ints  # 1 = all of them may be learned
    previous: Floats  # the last point, NaN at first
    learned: Floats  # points of phase I
    since: Ints  # time of the first, ns
    warm: Floats  # share of phase I done
    centre: Floats
    ranges: Floats  # ranges learned in phase I
    mean_range: Floats
    side: Ints  # the runs of control_chart.Runs
    trend: Ints
    swing: Ints
    above_two: Ints
    below_two: Ints
    above_one: Ints
    below_one: Ints
    within: Ints
    beyond: Ints
    fired: Ints  # bit n set: rule n fired on the last point; bit 9: the chart of ranges


@Kernel
def judge(
    rows: Any, time: Any, x: Any, dt: Any, learn: Any, score: Any, expected: Any, low: Any, high: Any, said_warm: Any,
    members: Any, total: Any, smallest: Any, largest: Any, clean: Any, previous: Any, learned: Any, since: Any,
    warm: Any, centre: Any, ranges: Any, mean_range: Any, side: Any, trend: Any, swing: Any, above_two: Any,
    below_two: Any, above_one: Any, below_one: Any, within: Any, beyond: Any, fired: Any,
    size: Any, d2: Any, d4: Any, root: Any, chosen: Any, adapt: Any, resolution: Any, readings: Any, span: Any,
) -> None:  # fmt: skip
    """As `Nelson.step`, reading by reading."""
    for i in range(len(rows)):
        r = rows[i]
        v = x[i]
        score[i] = expected[i] = low[i] = high[i] = math.nan
        said_warm[i] = warm[r]
        if not abs(v) < HUGE:
            continue
        first = members[r] <= 0
        total[r] = v if first else total[r] + v
        smallest[r] = v if first or v < smallest[r] else smallest[r]
        largest[r] = v if first or v > largest[r] else largest[r]
        clean[r] = 1 if learn[i] and (first or clean[r] > 0) else 0
        members[r] = 1.0 if first else members[r] + 1.0
        if members[r] < size:
            continue
        members[r] = 0.0
        point = total[r] / size
        was = previous[r]
        ranged = size > 1 or was == was
        spread = largest[r] - smallest[r] if size > 1 else (abs(point - was) if ranged else 0.0)
        change = point - was if was == was else 0.0
        previous[r] = point
        ready = warm[r] >= 1.0
        bits = 0
        if ready:
            place = centre[r]
            sigma = mean_range[r] / d2 / root
            sigma = sigma if sigma > resolution else resolution
            off = point - place
            far = abs(off)
            known = sigma > 0
            sign = 1 if off > 0 else -1 if off < 0 else 0
            turn = 1 if change > 0 else -1 if change < 0 else 0
            side[r] = side[r] + sign if side[r] * sign > 0 else sign
            trend[r] = trend[r] + turn if trend[r] * turn > 0 else turn
            swing[r] = turn * (abs(swing[r]) + 1) if turn * swing[r] < 0 else turn
            above_two[r] = (above_two[r] << 1 | (1 if known and off > 2.0 * sigma else 0)) & 7
            below_two[r] = (below_two[r] << 1 | (1 if known and off < -2.0 * sigma else 0)) & 7
            above_one[r] = (above_one[r] << 1 | (1 if known and off > sigma else 0)) & 31
            below_one[r] = (below_one[r] << 1 | (1 if known and off < -sigma else 0)) & 31
            within[r] = within[r] + 1 if known and far < sigma else 0
            beyond[r] = beyond[r] + 1 if known and far > sigma else 0
            grade = far / (3.0 * sigma) if 3.0 * sigma > 0 else (CAP if far > 0 else 0.0)
            grade = grade if grade < CAP else CAP
            bits = 2 if grade >= 1.0 else 0
            if abs(side[r]) >= SAME_SIDE:
                bits = bits | 4
            if abs(trend[r]) >= TREND:
                bits = bits | 8
            if abs(swing[r]) >= SWINGS:
                bits = bits | 16
            a, b = above_two[r], below_two[r]
            if (a & 1 and (a >> 1 & 1) + (a >> 2) >= 1) or (b & 1 and (b >> 1 & 1) + (b >> 2) >= 1):
                bits = bits | 32
            a, b = above_one[r], below_one[r]
            if (a & 1 and (a >> 1 & 1) + (a >> 2 & 1) + (a >> 3 & 1) + (a >> 4) >= 3) or (
                b & 1 and (b >> 1 & 1) + (b >> 2 & 1) + (b >> 3 & 1) + (b >> 4) >= 3
            ):
                bits = bits | 64
            if within[r] >= WITHIN:
                bits = bits | 128
            if beyond[r] >= BEYOND:
                bits = bits | 256
            wide = 0.0
            if ranged:
                limit = d4 * mean_range[r]
                limit = limit if limit > d4 * d2 * root * resolution else d4 * d2 * root * resolution
                wide = spread / limit if limit > 0 else (CAP if spread > 0 else 0.0)
                wide = wide if wide < CAP else CAP
                if wide >= 1.0:
                    bits = bits | 512
            bits = bits & chosen
            said = grade if chosen & 2 else 0.0
            if chosen & 512 and wide > said:
                said = wide
            if bits > 0 and said < 1.0:
                said = 1.0
            score[i] = said
            expected[i] = place
            low[i] = place - 3.0 * sigma
            high[i] = place + 3.0 * sigma
        fired[r] = bits
        if clean[r] <= 0:
            continue
        if not ready:
            if learned[r] <= 0:
                since[r] = time[i]
            learned[r] = learned[r] + 1.0
            centre[r] = centre[r] + (point - centre[r]) / learned[r]
            if ranged:
                ranges[r] = ranges[r] + 1.0
                mean_range[r] = mean_range[r] + (spread - mean_range[r]) / ranges[r]
            done = learned[r] / readings
            if span > 0:
                passed = time[i] - since[r]
                done = float(passed if passed > 0 else 0) / span if learned[r] >= FEWEST else 0.0
            warm[r] = done if done < 1.0 else 1.0
        elif adapt and bits == 0:
            centre[r] = centre[r] + (point - centre[r]) / learned[r]
            if ranged:
                mean_range[r] = mean_range[r] + (spread - mean_range[r]) / learned[r]
