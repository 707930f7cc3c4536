"""Validation errors as lines a plant engineer can act on: which key, what is wrong, what would be right."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from detectors.registry import REGISTRY


def explain(error: ValidationError, model: type[BaseModel], table: Any) -> Iterator[str]:
    """One line for each fault of `table`, read as `model`."""
    for fault in error.errors(include_url=False):
        cause = fault.get("ctx", {}).get("error")
        where = _place(fault["loc"], table)
        if fault["type"] == "extra_forbidden":
            yield f"{where}: unknown key{_hint(fault['loc'], model, table)}"
        elif fault["type"] == "missing":
            yield f"{where}: missing; it is required"
        else:
            text = str(cause) if cause is not None else fault["msg"]
            given = "" if isinstance(fault.get("input"), dict | list) or "got" in text else f", got {fault['input']!r}"
            yield f"{where}: {text[:1].lower()}{text[1:]}{given}" if where else text


def _place(loc: Sequence[str | int], table: Any) -> str:
    """A path such as watch[2] ("spindle").detector."""
    out = ""
    here = table
    for step in loc:
        if isinstance(step, int):
            out += f"[{step}]"
        else:
            out += f".{step}" if out else step
        try:
            here = here[step]
        except (KeyError, IndexError, TypeError):
            here = None
        if isinstance(step, int) and isinstance(here, dict):
            name = here.get("name") or here.get("path")
            out += f' ("{name}")' if isinstance(name, str) else ""
    return out


def _hint(loc: Sequence[str | int], model: type[BaseModel], table: Any) -> str:
    """The valid names at a place, the likeliest first."""
    here: Any = model
    for step in loc[:-1]:
        table = table[step]
        if isinstance(step, str) and isinstance(here, type) and issubclass(here, BaseModel):
            field = here.model_fields.get(step)
            here = _model_in(field.annotation) if field else None
            if here is None and isinstance(table, dict):  # a detector's own options, which its kind decides
                here = REGISTRY.get(table.get("kind", ""))
    if not (isinstance(here, type) and issubclass(here, BaseModel)):
        return ""
    names = sorted(here.model_fields)
    near = difflib.get_close_matches(str(loc[-1]), names, n=1)
    valid = f"valid here: {', '.join(names)}"
    return f"; did you mean {near[0]!r}? {valid}" if near else f"; {valid}"


def _model_in(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part)) is not None), None)
