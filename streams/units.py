"""Units as people write them: UCUM's codes are for machines."""

from __future__ import annotations

_SHOWN = {
    "1": "", "{count}": "", "Cel": "°C", "[degF]": "°F", "m/s2": "m/s²", "m2": "m²", "m3": "m³", "m3/h": "m³/h",
    "m3/min": "m³/min", "kW.h": "kWh", "W.h": "Wh", "MW.h": "MWh", "V.A": "VA", "kV.A": "kVA", "kvar.h": "kvarh",
    "Ohm": "Ω", "deg": "°", "um": "µm", "us": "µs", "umol/mol": "ppm", "[ppm]": "ppm", "ug/m3": "µg/m³",
    "mg/m3": "mg/m³", "[psi]": "psi",
}  # fmt: skip


def shown(unit: str | None) -> str:
    """A unit as it stands behind a number on a page or in a message; what is not known stands as it is.

    >>> shown("Cel"), shown("mm/s"), shown("1"), shown(None)
    ('°C', 'mm/s', '', '')
    """
    return "" if unit is None else _SHOWN.get(unit, unit)
