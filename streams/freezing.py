"""Freezing: a watch that learns in its warm-up alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from detectors.base import Batch, pick
from detectors.groups import Groups

if TYPE_CHECKING:
    from streams.watch import Watch


def freeze(watch: Watch, batch: Batch, groups: Groups) -> Batch:
    """A batch (n,) in which a row learns from no reading at or behind the first that finds its warm-up done.

    `groups` are those of the readings' bank rows. Remembers which rows are warm.
    """
    warm = watch.owner["warm"]
    done = warm[groups.rows][groups.local]
    if not done.all():
        cold = np.flatnonzero(~done)
        # what they would learn, on a copy: where the warm-up ends is not known before
        trial = watch.bank.trial(groups.rows)
        full = np.zeros(len(done), dtype=bool)
        full[cold] = trial.run(groups.local[cold], pick(batch, cold)).verdict.warm >= 1.0
        first = np.full(len(groups.rows), len(done))
        np.minimum.at(first, groups.local[full], np.flatnonzero(full))
        done |= np.arange(len(done)) >= first[groups.local]
        warm[groups.rows] |= first < len(done)
    return batch._replace(learn=batch.learn & ~done)
