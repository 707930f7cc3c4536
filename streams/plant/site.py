"""The plant's machines as [[asset]] tables of a site file, written from the declarations of its kinds."""

from __future__ import annotations

from pathlib import Path

from streams.plant.kinds import KINDS
from streams.plant.spec import Series

SITE = Path(__file__).with_name("site.toml")
"""The plant's site file: watches written by hand, then the tables of `assets_toml`."""

MARK = "# ---- machines: written by `python -m streams.plant.site`, not by hand ----\n"


def assets_toml() -> str:
    """[[asset]] tables of every machine: series with unit and limits; counters and settings are not watched.

    >>> 'zone8_temp = { unit = "Cel", high = 257.0 }' in assets_toml()
    True
    """
    tables = []
    for kind in KINDS:
        lines = [f"{declared.name} = {{ {_options(declared)} }}" for declared in kind.series]
        heads = [f'[[asset]]\npath = "{asset}"\n[asset.series]' for asset in kind.assets]
        tables += ["\n".join([head, *lines, ""]) for head in heads]
    return "\n".join(tables)


def _options(declared: Series) -> str:
    options = [f'unit = "{declared.unit}"']
    if declared.low is not None:
        options.append(f"low = {declared.low}")
    if declared.high is not None:
        options.append(f"high = {declared.high}")
    if declared.sigma == 0:
        options.append("watch = false")
    return ", ".join(options)


if __name__ == "__main__":
    by_hand = SITE.read_text(encoding="utf-8").split(MARK)[0]
    SITE.write_text(by_hand + MARK + "\n" + assets_toml(), encoding="utf-8")
