"""A stretch of instants of a joint row at once, where all of them are normal: the same bits as one by one."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from detectors.anomaly.joint_model import LAMBDAS, T2SpeState, standardized
from detectors.base import Floats, Ints

_SMOOTHING = np.array(LAMBDAS[1:])[:, None]


class Stretch(NamedTuple):
    """What t instants of k rows come to, row by row, before anything is known to be normal."""

    z: Floats  # (t, k, p) standardized
    smooth: Floats  # (t, k, L - 1, p) after each instant
    offset: Floats  # (k, p) after the last
    away: Floats  # (k, t, L, p)
    pull: Any  # (k, t, L, p) float32
    squares: Floats  # (k, t, p)


def stretch(state: T2SpeState, rows: Ints, inverse: Any, x: Floats, pace: Ints, adapt: bool) -> Stretch:
    """Inputs (t, k, p), all there and all to be learned if `adapt`; the mean follows at 1 / `pace` (t, k).

    What follows from the instant before goes step by step and costs little; the products go together.
    """
    z = standardized(x, state.location[rows], state.scale[rows])
    t, k, p = z.shape
    mean, offset, smooth = state.mean[rows], state.offset[rows], state.smooth[rows]
    smoothed, members = np.empty((t, *smooth.shape)), np.empty((k, t, len(LAMBDAS), p))
    for i in range(t):
        smooth += _SMOOTHING * (z[i][:, None] - smooth)
        smoothed[i] = smooth
        members[:, i, 0], members[:, i, 1:] = z[i], smooth
        members[:, i] -= mean
        members[:, i] -= offset[:, None]
        if adapt:
            offset += members[:, i, 0] / pace[i][:, None]
    first = members[:, :, 0]
    single = members.astype(np.float32)
    pull = np.matmul(inverse[:, None], single[..., None])[..., 0]
    return Stretch(z, smoothed, offset, members, pull, first * first * state.weight[rows][:, None])


def keep(state: T2SpeState, rows: Ints, chosen: Ints, found: Stretch, most: int) -> None:
    """Take in what the rows `chosen` of a stretch have taught: mean, instants for the next fit, up to `most` of all."""
    mine, t = rows[chosen], len(found.z)
    state.offset[mine] = found.offset[chosen]
    n = state.learned[mine] + np.arange(t)[:, None]
    stride = state.stride[mine]
    when, which = np.nonzero((n < most) & (n % stride == 0))
    place = n[when, which] // stride[which]
    state.kept[mine[which], place, 0] = found.z[when, chosen[which]]
    state.kept[mine[which], place, 1:] = found.smooth[when, chosen[which]]
    state.learned[mine] = np.minimum(state.learned[mine] + t, np.maximum(most, state.learned[mine]))
    state.alarmed[mine] = np.maximum(state.alarmed[mine] - t, 0)
