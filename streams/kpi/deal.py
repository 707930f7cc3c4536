"""Dealing: what several engines remember of machines, put together for the partition that gets them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from detectors.base import NEVER
from detectors.efficiency import cooling, count_state, cycles, power_state
from detectors.efficiency.account import every_role
from detectors.efficiency.roles import Role
from detectors.efficiency.sums import Sums
from streams.arrays import UNSEEN, Columns
from streams.kpi.baselines import dealt as baselines_dealt
from streams.kpi.held import joined

Saved = dict[str, Any]


def dealt(parts: list[tuple[Saved, Callable[[str], bool]]]) -> Saved:
    """One snapshot of `Kpis` for what goes to one place: of each snapshot, the machines that it is asked for."""
    products: list[str] = [""]
    assets: list[str] = []
    pieces = []
    for saved, takes in parts:
        names = saved["signals"]["products"]
        products += [name for name in names if name not in products]
        goes = np.array([takes(asset) for asset in saved["signals"]["assets"]], dtype=bool)
        at = np.where(goes, len(assets) + np.cumsum(goes) - 1, -1)
        assets += [asset for asset, taken in zip(saved["signals"]["assets"], goes.tolist(), strict=True) if taken]
        pieces.append((saved, np.flatnonzero(goes), at, np.array([products.index(name) for name in names])))
    givers = [saved for saved, rows, _, _ in pieces if len(rows)]
    return {
        "tick": max((saved["tick"] for saved in givers), default=UNSEEN),  # rows of the others come a little later
        "news": any(saved["news"] for saved in givers),
        "signals": {
            "assets": assets,
            "products": products,
            "told": [one for saved, takes in parts for one in saved["signals"]["told"] if takes(one[0])],
        },
        "account": _account([(saved["account"], rows, at, code) for saved, rows, at, code in pieces]),
        "settling": _settling([(saved["settling"], rows, at, code) for saved, rows, at, code in pieces]),
        "lines": _lines([(saved, rows, takes) for (saved, takes), (_, rows, _, _) in zip(parts, pieces, strict=True)]),
        "windows": _windows([(saved["windows"], rows, at) for saved, rows, at, _ in pieces]),
        "demands": _demands([(saved.get("demands", _NO_DEMANDS), rows, at) for saved, rows, at, _ in pieces]),
        "baselines": baselines_dealt([(saved["baselines"], takes) for saved, takes in parts]),
    }


def _account(pieces: list[tuple[Saved, Any, Any, Any]]) -> Saved:
    sums, products = [], []
    value = []
    now = []
    for saved, rows, at, code in pieces:
        kept = np.flatnonzero(at[saved["sums"]["machine"]] >= 0)
        part = {name: column[kept] for name, column in saved["sums"].items()}
        sums.append(part | {"machine": at[part["machine"]], "product": code[part["product"]]})
        products += [
            [int(code[first]), times, [int(code[v]) for v in values]]
            for first, times, values in (saved["products"][row] for row in rows.tolist())
        ]
        mine = every_role(saved["value"][:, rows], 0.0)
        mine[Role.PRODUCT] = code[mine[Role.PRODUCT].astype(np.int64)]
        value.append(mine)
        state, product = saved["now"][:, rows]
        now.append(np.stack((state, code[product])))
    return {
        "sums": Sums.together(sums),
        "states": [saved["states"][row] for saved, rows, _, _ in pieces for row in rows.tolist()],
        "products": products,
        "last": np.concatenate([every_role(saved["last"][:, rows], UNSEEN) for saved, rows, _, _ in pieces], axis=1),
        "value": np.concatenate(value, axis=1),
        "changed": np.concatenate([saved["changed"][rows] for saved, rows, _, _ in pieces]),
        "now": np.concatenate(now, axis=1),
    }


def _settling(pieces: list[tuple[Saved, Any, Any, Any]]) -> Saved:
    newest = [
        np.append(saved["newest"], np.full(len(at) - len(saved["newest"]), UNSEEN))[rows]
        for saved, rows, at, _ in pieces
    ]
    held = Columns.gather([_readings(saved["held"], at, code) for saved, _, at, code in pieces])
    return {"held": held, "newest": np.concatenate(newest), "inferred": _inferred(pieces)}


def _readings(part: Saved, at: Any, code: Any) -> tuple[Saved, Any]:
    """Readings under the numbers that machines and products get, and those of them that go along."""
    value = part["value"].copy()
    products = part["role"] == Role.PRODUCT
    value[products] = code[value[products].astype(np.int64)]
    return part | {"machine": at[part["machine"]], "value": value}, np.flatnonzero(at[part["machine"]] >= 0)


def _inferred(pieces: list[tuple[Saved, Any, Any, Any]]) -> Saved:
    parts = [(saved.get("inferred") or {}, rows, at, code) for saved, rows, at, code in pieces]
    fresh: dict[str, Callable[[int], Any]] = {
        "power": power_state.init, "cycles": cycles.init, "cooling": cooling.init,
    }  # fmt: skip
    out: Saved = {name: _together([(p.get(name, {}), rows, at) for p, rows, at, _ in parts], init)
                  for name, init in fresh.items()}  # fmt: skip
    counted = [(p.get("counted", {}), rows, at, code) for p, rows, at, code in parts]
    states = [(part.get("state", {}), rows, at) for part, rows, at, _ in counted]
    came = [_padded(state.get("came", np.zeros(0, dtype=np.int64)), len(at))[rows] for state, rows, at in states]
    state = _together(states, count_state.init) | {"came": np.concatenate(came)}
    return out | {"waits": _waits(parts), "counted": {"state": state, "waits": _waits(counted)}}


def _together(parts: list[tuple[Saved, Any, Any]], init: Callable[[int], Any]) -> Saved:
    """What is remembered of machines, by column; of those that a snapshot does not know, what `init` says."""
    whole = []
    for known, rows, at in parts:
        none = init(len(at))._asdict()
        whole.append({c: np.append(known.get(c, none[c][:0]), none[c])[: len(at)][rows] for c in none})
    return {column: np.concatenate([one[column] for one in whole]) for column in init(0)._fields}


def _waits(parts: list[tuple[Saved, Any, Any, Any]]) -> Saved:
    waits = [_readings(part["waits"], at, code) for part, _, at, code in parts if part]
    return Columns.gather(waits) if waits else joined([])._asdict()


def _windows(pieces: list[tuple[Saved, Any, Any]]) -> Saved:
    at_of = [_padded(saved["at"], len(at))[rows] for saved, rows, at in pieces]
    return {
        "books": _numbered("books", pieces),
        "gone": _numbered("gone", pieces),
        "at": np.concatenate(at_of),
    }


def _numbered(name: str, pieces: list[tuple[Saved, Any, Any]]) -> list[list[Any]]:
    """Rows that begin with a machine, under the numbers that machines get."""
    given = [(row, at) for saved, _, at in pieces for row in saved.get(name, [])]
    return [[int(at[row[0]]), *row[1:]] for row, at in given if at[row[0]] >= 0]


def _lines(pieces: list[tuple[Saved, Any, Callable[[str], bool]]]) -> Saved:
    books, gone, began = [], [], []
    for saved, rows, takes in pieces:
        # not in what was saved before there were lines
        lines = saved.get("lines", {"books": [], "began": np.full(len(saved["signals"]["assets"]), NEVER)})
        books += [book for book in lines["books"] if takes(f"{book[0]}/-")]  # a line goes where its machines go
        gone += [row for row in lines.get("gone", []) if takes(f"{row[0]}/-")]
        began.append(lines["began"][rows])
    return {"books": books, "gone": gone, "began": np.concatenate(began)}


_NO_DEMANDS: Saved = {
    "window": 0,
    "slots": {"slot": np.zeros(0, dtype=np.int64), "kwh": np.zeros(0), "known": np.zeros(0, dtype=np.int64)},
    "meters": [],
}
"""In what was saved before windows were forecast there are none."""


def _demands(pieces: list[tuple[Saved, Any, Any]]) -> Saved:
    rows = _numbered("meters", pieces)
    before = {"slot": UNSEEN, "kwh": 0.0, "known": 0}  # of machines of which nothing was metered yet
    slots = {
        name: np.concatenate([_padded(saved["slots"][name], len(at), none)[which] for saved, which, at in pieces])
        for name, none in before.items()
    }
    return {"window": pieces[0][0]["window"], "slots": slots, "meters": rows}  # all are under one site


def _padded(values: Any, n: int, fill: float = UNSEEN) -> Any:
    return np.append(values, np.full(n - len(values), fill, dtype=values.dtype))
