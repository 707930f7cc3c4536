"""Decoded objects to readings: told apart by their fields, singles in columns, the others one by one."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter, itemgetter
from typing import Any

import msgspec

from schemas.codec_arrow import ArrowFrame
from schemas.codecs import Plain
from schemas.decode_frame import Frame, arrow_fields, frame_of, frame_of_arrow
from schemas.decode_single import FIELDS, REQUIRED, Singles, add_singles, reject_single
from schemas.decode_waveform import add_waveform
from schemas.draft import Draft
from schemas.errors import Reject
from schemas.frame_cells import add_frames


def add_objects(draft: Draft, messages: Sequence[int], objects: Sequence[Any]) -> None:
    """Add n decoded objects to the draft; a Reject among them is what its codec said."""
    shapes: dict[Any, Sequence[int]] = {Plain: range(len(objects))}
    if set(map(type, objects)) != {Plain}:
        shapes = _by_shape(objects)
    others: list[int] = []
    for shape, rows in shapes.items():
        if not _is_single(shape):
            others += rows
            continue
        whole = len(rows) == len(objects)
        odd = _add_group(
            draft,
            shape,
            messages if whole else [messages[i] for i in rows],
            objects if whole else [objects[i] for i in rows],
        )
        others += [rows[i] for i in odd]
    frames: list[Frame] = []
    for i in sorted(others):
        item = objects[i]
        fields: Any = item
        try:
            if type(item) is ArrowFrame:
                fields = arrow_fields(item)
                frames.append(frame_of_arrow(draft, messages[i], item))
            else:
                if type(item) is Plain:
                    fields = msgspec.structs.asdict(item)
                _add_other(draft, messages[i], fields, frames)
        except Reject as error:
            draft.reject(messages[i], error, fields)
    add_frames(draft, frames)


def _by_shape(objects: Sequence[Any]) -> dict[Any, Sequence[int]]:
    """Rows of objects with the same fields in the same order, or of the same type."""
    shapes: dict[Any, list[int]] = {}
    for i, item in enumerate(objects):
        shapes.setdefault(tuple(item) if type(item) is dict else type(item), []).append(i)
    return dict(shapes.items())


def _is_single(shape: Any) -> bool:
    if shape is Plain:
        return True
    return type(shape) is tuple and set(REQUIRED).issubset(shape) and not ("rate_hz" in shape and "values" in shape)


def _add_group(draft: Draft, shape: Any, messages: Sequence[int], objects: Sequence[Any]) -> list[int]:
    """Add messages of one shape as singles; returns those that are not used."""
    getter = attrgetter if shape is Plain else itemgetter

    def column(field: str) -> list[Any] | None:
        if shape is not Plain:
            return list(map(getter(field), objects)) if field in shape else None
        sent = list(map(getter(field), objects))
        return None if field not in REQUIRED and set(sent) == {None} else sent

    odd = add_singles(
        draft,
        Singles(
            message=messages,
            asset=column("asset") or [],
            series=column("series") or [],
            time=column("time") or [],
            value=column("value") or [],
            unit=column("unit"),
            quality=column("quality"),
            source=column("source"),
        ),
        typed=shape is Plain,
    )
    if shape is not Plain:
        draft.unknown_fields += (len(objects) - len(odd)) * len(set(shape) - FIELDS)
    return odd


def _add_other(draft: Draft, message: int, item: Any, frames: list[Frame]) -> None:
    """Frames, waveforms, and all that cannot be used. Raises Reject."""
    if isinstance(item, Reject):
        raise item
    if type(item) is not dict:
        raise Reject("wrong_type", "value", f"expected an object, got {type(item).__name__}")
    if type(item.get("series")) is dict:
        frames.append(frame_of(draft, message, item))
    elif "rate_hz" in item and "values" in item:
        add_waveform(draft, message, item)
    else:
        reject_single(draft, message, item)
