"""Mode gates: `when = "state == 'running' and shift != 'night'"`, read once, evaluated on values as of a reading."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping

Value = str | float | None
Gate = Callable[[Mapping[str, Value]], bool]

_HELP = "expected comparisons of series with texts or numbers, such as \"state == 'running'\", joined by and, or, not"


def parse(text: str) -> tuple[Gate, frozenset[str]]:
    """The gate and the series names it reads. A series without a value yet makes its comparison false.

    Raises ValueError.

    >>> gate, names = parse("state == 'running' and not (mode in ['setup', 'test'])")
    >>> gate({"state": "running", "mode": None}), sorted(names)
    (True, ['mode', 'state'])
    """
    try:
        tree = ast.parse(text, mode="eval").body
    except SyntaxError as error:
        raise ValueError(f"{_HELP}, got {text!r}") from error
    names: set[str] = set()
    return _gate(tree, names, text), frozenset(names)


def _gate(node: ast.expr, names: set[str], text: str) -> Gate:
    match node:
        case ast.BoolOp(op=ast.And(), values=values):
            parts = [_gate(v, names, text) for v in values]
            return lambda now: all(part(now) for part in parts)
        case ast.BoolOp(op=ast.Or(), values=values):
            parts = [_gate(v, names, text) for v in values]
            return lambda now: any(part(now) for part in parts)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            inner = _gate(operand, names, text)
            return lambda now: not inner(now)
        case ast.Compare(left=ast.Name(id=name), ops=[op], comparators=[right]):
            names.add(name)
            return _compare(name, op, right, text)
    raise ValueError(f"{_HELP}, got {text!r}")


def _compare(name: str, op: ast.cmpop, right: ast.expr, text: str) -> Gate:
    try:
        wanted = ast.literal_eval(right)
    except ValueError as error:
        raise ValueError(f"{_HELP}, got {text!r}") from error
    match op:
        case ast.Eq():
            return lambda now: now.get(name) == wanted
        case ast.NotEq():
            return lambda now: now.get(name) is not None and now.get(name) != wanted
        case ast.In() if isinstance(wanted, list | tuple | set):
            return lambda now: now.get(name) in wanted
        case ast.NotIn() if isinstance(wanted, list | tuple | set):
            return lambda now: now.get(name) is not None and now.get(name) not in wanted
        case ast.Lt() | ast.LtE() | ast.Gt() | ast.GtE() if isinstance(wanted, int | float):
            return lambda now: _ordered(now.get(name), op, wanted)
    raise ValueError(f"{_HELP}, got {text!r}")


def _ordered(value: Value, op: ast.cmpop, wanted: float) -> bool:
    if not isinstance(value, int | float):
        return False
    match op:
        case ast.Lt():
            return value < wanted
        case ast.LtE():
            return value <= wanted
        case ast.Gt():
            return value > wanted
    return value >= wanted
