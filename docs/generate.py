"""Writes what is generated from facts declared once: `make gen`; `make check-gen` fails on drift."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from detectors.registry import REGISTRY
from grafana.alerts.managed import managed
from grafana.alerts.prometheus import operator_rules, rules
from grafana.boards.table import BOARDS
from grafana.boards.table import text as board_text
from schemas.contract import text as contract_text
from streams.energy_options import Certificate, EnergySupply
from streams.holiday_options import HolidayOptions
from streams.kpi.baseline_options import BaselineOptions
from streams.kpi.line_options import LineOptions
from streams.kpi.options import (
    CountPace,
    EnergyOptions,
    MachineOptions,
    PartsOptions,
    PowerLevels,
    StateOptions,
)
from streams.kpi.utility_options import AirOptions, ChillerOptions
from streams.maintenance import MaintenanceOptions
from streams.metrics import TABLE
from streams.plant.site import MARK, SITE, assets_toml
from streams.settings import PREFIX, Settings
from streams.site import AssetOptions, CalendarOptions, SeriesOptions, SiteOptions, WatchOptions

ROOT = Path(__file__).resolve().parent.parent


def files() -> Iterator[tuple[Path, bytes]]:
    """Every generated file with what it should hold."""
    yield ROOT / "schemas" / "contracts.json", contract_text()
    yield ROOT / "docs" / "detectors.md", _detectors().encode()
    yield ROOT / "docs" / "site.md", _site().encode()
    yield ROOT / "docs" / "settings.md", _settings().encode()
    yield ROOT / "docs" / "metrics.md", _metrics().encode()
    yield ROOT / "deploy" / "prometheus" / "millstream.rules.yml", rules().encode()
    yield ROOT / "deploy" / "kubernetes" / "rules.yaml", operator_rules().encode()
    yield ROOT / "deploy" / "grafana" / "managed-alerts" / "millstream.yml", managed().encode()
    for uid, board in BOARDS.items():
        yield ROOT / "deploy" / "grafana" / "dashboards" / f"{uid}.json", board_text(board).encode()
    # the web board serves it, also from the wheel, which has no folder grafana
    yield ROOT / "streams" / "board" / "runbook.md", (ROOT / "grafana" / "runbook.md").read_bytes()
    by_hand = SITE.read_text(encoding="utf-8").split(MARK)[0]
    yield SITE, (by_hand + MARK + "\n" + assets_toml()).encode()


def _detectors() -> str:
    out = ["# Detectors", "", _NOTE, "", 'Each stands in a watch as `detector = { kind = "...", ... }`.', ""]
    for kind, detector in sorted(REGISTRY.items()):
        doc = (detector.__doc__ or "").split(">>>")[0]
        lines = [line.strip() for line in doc.strip().splitlines()]
        role = "health gate" if detector.health else "process"
        rule = "its own limit" if detector.limit_rule == "own" else "calibrated to the false-alarm budget"
        out += [
            f"## {kind}",
            "",
            *lines,
            "",
            f"Role: {role}. Threshold: {rule}. Shape: {detector.shape}. "
            f"State version: {detector.state_version}. Refractory: {detector.refractory_default}.",
            "",
        ]
        out += [*_table(detector, skip=("kind",), resets=True), ""]
    return "\n".join(out)


def _table(model: Any, skip: tuple[str, ...] = (), resets: bool = False) -> list[str]:
    schema = model.model_json_schema()
    rows = [
        f"| option | default | meaning |{' resets learning |' if resets else ''}",
        f"|---|---|---|{'---|' if resets else ''}",
    ]
    for name, field in model.model_fields.items():
        if name in skip:
            continue
        default = "required" if field.is_required() else _shown(schema["properties"][name].get("default"))
        extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
        last = f" {'yes' if extra.get('resets') else 'no'} |" if resets else ""
        rows.append(f"| `{name}` | {default} | {field.description or ''} |{last}")
    return rows


def _shown(value: Any) -> str:
    return "none" if value is None else f"`{value}`" if value != "" else "empty"


def _site() -> str:
    out = [
        "# The site file",
        "",
        _NOTE,
        "",
        "One TOML file configures a site. Check it with `millstream config check FILE`.",
        "",
    ]
    for head, model in (
        ("[site]", SiteOptions),
        ("[[asset]]", AssetOptions),
        ("[asset.series.NAME]", SeriesOptions),
        ("[[machine]]", MachineOptions),
        ("[machine.state]", StateOptions),
        ("[machine.state.power]", PowerLevels),
        ("[machine.state.count]", CountPace),
        ("[machine.parts]", PartsOptions),
        ("[machine.energy]", EnergyOptions),
        ("[machine.air]", AirOptions),
        ("[machine.chiller]", ChillerOptions),
        ("[[line]]", LineOptions),
        ("[[baseline]]", BaselineOptions),
        ("[[watch]]", WatchOptions),
        ("[calendar]", CalendarOptions),
        ("[calendar.holidays]", HolidayOptions),
        ("[energy]", EnergySupply),
        ("[[energy.certificates]]", Certificate),
        ("[[calendar.maintenance]]", MaintenanceOptions),
    ):
        out += [f"## {head}", "", *_table(model), ""]
    return "\n".join(out)


def _settings() -> str:
    out = ["# Settings", "", _NOTE, ""]
    out += [
        "Addresses and secrets come from the environment; each may stand as `..._FILE`, naming a file that holds it.",
        "",
    ]
    out += ["| variable | default | meaning |", "|---|---|---|"]
    schema = Settings.model_json_schema()["properties"]
    for name, field in Settings.model_fields.items():
        out.append(f"| `{PREFIX}{name.upper()}` | {_shown(schema[name].get('default'))} | {field.description or ''} |")
    return "\n".join(out) + "\n"


def _metrics() -> str:
    out = ["# Metrics", "", _NOTE, "", "| metric | kind | labels | unit | meaning |", "|---|---|---|---|---|"]
    out += [f"| `{d.name}` | {d.kind} | {', '.join(d.labels) or '-'} | {d.unit or '-'} | {d.help} |" for d in TABLE]
    return "\n".join(out) + "\n"


_NOTE = "Generated by `make gen` from the code; do not edit."


def main() -> int:
    """Write, or with --check compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only; exit 1 where a file is out of date")
    check = parser.parse_args().check
    stale = []
    for path, wanted in files():
        have = path.read_bytes() if path.exists() else b""
        if have == wanted:
            continue
        stale.append(str(path.relative_to(ROOT)))
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(wanted)
    for name in stale:
        print(f"{name}: {'out of date; run: make gen' if check else 'written'}")
    return 1 if stale and check else 0


if __name__ == "__main__":
    sys.exit(main())
