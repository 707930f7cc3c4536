"""Cells of frames: all frames of one size are brought into the order of readings by one transposition."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from schemas.cells import Cells, Column, column_of, numbers, refuse_infinite, stack
from schemas.chunk import BAD, GOOD
from schemas.decode_frame import Frame
from schemas.draft import MAX_PLACES, Draft
from schemas.quality import NO_QUALITY
from schemas.times import parse_times


def add_frames(draft: Draft, frames: Sequence[Frame]) -> None:
    """Add the readings of frames to the draft.

    Cells that cannot be used are set aside with their places; null cells are no readings.
    """
    sizes: dict[tuple[int, int, bool], list[Frame]] = {}
    for frame in frames:
        size = frame.rows, len(frame.names), isinstance(frame.time, list)
        sizes.setdefault(size, []).append(frame)
    for alike in sizes.values():
        _add_alike(draft, alike)


def _add_alike(draft: Draft, frames: Sequence[Frame]) -> None:
    """Add f frames of n rows and c columns each; arrays are (f, c, n), as the columns come."""
    size = f, c, n = len(frames), len(frames[0].names), frames[0].rows
    cells = _cells_of(frames)
    time, bad_time = _times_of(frames)
    present = np.ones(size, dtype=np.bool_) if cells.null is None else ~cells.null.reshape(size)
    quality = np.full(size, GOOD, dtype=np.uint8)
    for k, frame in enumerate(frames):
        draft.asset[frame.message] = frame.asset
        draft.unknown_fields += frame.unknown_fields
        for j, told in frame.quality.items():
            quality[k, j] = told
    unusable = (quality == NO_QUALITY) | bad_time[:, None, :]
    unusable.reshape(-1)[list(cells.faults)] = True
    unusable &= present
    for k in np.flatnonzero(unusable.any(axis=(1, 2))).tolist():
        faults = {at - k * c * n: fault for at, fault in cells.faults.items() if at // (c * n) == k}
        _reject_cells(draft, frames[k], unusable[k], faults, bad_time[k])
    keep = present & ~unusable
    nan = np.isnan(cells.value)
    if nan.any():
        nan[list(cells.text)] = False
        sent_nan = nan.reshape(size) & keep
        quality[sent_nan] = BAD
        draft.nan_cells += int(sent_nan.sum())
    message = np.array([frame.message for frame in frames], dtype=np.int32)
    codes = np.array([frame.codes for frame in frames], dtype=np.int32)
    if not cells.text and keep.all():  # row by row, nothing left out
        draft.parts.append(
            Cells(
                message=np.repeat(message, c * n),
                code=np.broadcast_to(codes[:, None, :], (f, n, c)).reshape(-1),
                time=np.repeat(time.reshape(-1), c),
                value=cells.value.reshape(size).transpose(0, 2, 1).reshape(-1),
                quality=quality.transpose(0, 2, 1).reshape(-1),
                text={},
            )
        )
        return
    order = np.arange(f * c * n).reshape(size).transpose(0, 2, 1)[keep.transpose(0, 2, 1)]  # row by row
    text = {}
    if cells.text:
        rank = np.full(f * c * n, -1)
        rank[order] = np.arange(len(order))
        ranked = ((int(rank[at]), word) for at, word in cells.text.items())
        text = {i: word for i, word in ranked if i >= 0}
    draft.parts.append(
        Cells(
            message=np.broadcast_to(message[:, None, None], size).reshape(-1)[order],
            code=np.broadcast_to(codes[:, :, None], size).reshape(-1)[order],
            time=np.broadcast_to(time[:, None, :], size).reshape(-1)[order],
            value=cells.value[order],
            quality=quality.reshape(-1)[order],
            text=text,
        )
    )


def _cells_of(frames: Sequence[Frame]) -> Column:
    """The f x c x n cells of frames, one after the other."""
    columns = [column for frame in frames for column in frame.columns]
    if isinstance(columns[0], Column):
        return stack([column for column in columns if isinstance(column, Column)])
    lists = [column for column in columns if not isinstance(column, Column)]
    plain = numbers(lists)
    if plain is not None:
        return Column(plain, None, {}, refuse_infinite(plain))
    return column_of(list(chain.from_iterable(lists)))


def _times_of(frames: Sequence[Frame]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Times of frames and which of them are bad: (f, n) each."""
    sent = [frame.time for frame in frames if isinstance(frame.time, list)]
    if sent:
        time, bad = parse_times(list(chain.from_iterable(sent)))
    else:
        time = np.concatenate([frame.time[0] for frame in frames])
        bad = np.concatenate([frame.time[1] for frame in frames])
    return time.reshape(len(frames), -1), bad.reshape(len(frames), -1)


def _reject_cells(
    draft: Draft, frame: Frame, unusable: NDArray[np.bool_], faults: dict[int, str], bad_time: NDArray[np.bool_]
) -> None:
    """Tell of a frame's unusable cells, (c, n): a bad time before a bad value before a bad quality."""
    reasons: list[str] = []
    places: dict[str, None] = {}
    for i, j in zip(*(axis.tolist() for axis in np.nonzero(unusable.T)), strict=True):
        if bad_time[i]:
            reason, place = "bad_time", f"time[{i}]"
        elif (fault := faults.get(j * frame.rows + i)) is not None:
            reason, place = fault, f"series.{frame.names[j]}[{i}]"
        else:
            reason, place = "bad_quality", f"quality.{frame.names[j]}[{i}]"
        reasons.append(reason)
        places[place] = None
        if len(places) == MAX_PLACES:
            break
    draft.reject_cells(frame.message, reasons[0], list(places), frame.source, int(unusable.sum()))
