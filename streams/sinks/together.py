"""Consecutive results of one engine as one: their series are looked up once for all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

import numpy as np

from streams.results import Points, Results, Verdicts


def together(batch: Sequence[Results]) -> Iterator[Results]:
    """The results, those with the same tables of series and watches made one, in their order.

    What a store has no use for (rejections, forwards, contributions) is left out where several are made one.
    """
    for _, same in groupby(batch, key=lambda results: (id(results.series), id(results.watches))):
        few = list(same)
        yield few[0] if len(few) == 1 else _one(few)


def _one(few: list[Results]) -> Results:
    points = [results.points for results in few]
    starts = np.cumsum([0, *(len(p.time) for p in points)]).tolist()
    text = {start + i: word for p, start in zip(points, starts, strict=False) for i, word in p.text.items()}
    shifts = [list(results.event_shift) or [0] * len(results.events) for results in few]
    return few[-1]._replace(
        points=Points(
            np.concatenate([p.series for p in points]),
            np.concatenate([p.time for p in points]),
            np.concatenate([p.value for p in points]),
            text,
            np.concatenate([p.quality for p in points]),
            np.concatenate([p.late for p in points]),
        ),
        verdicts=_verdicts([results.verdicts for results in few]),
        events=[event for results in few for event in results.events],
        kpis=[row for results in few for row in results.kpis],
        event_shift=[shift for each in shifts for shift in each],
        rejections=(),
        forwards=(),
    )


def _verdicts(parts: list[Verdicts]) -> Verdicts:
    columns = zip(*(part[:-1] for part in parts), strict=True)
    return Verdicts._make([*(np.concatenate(column) for column in columns), {}])
