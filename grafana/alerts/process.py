"""Alerts on the process and on its sensors: what a detector found, a limit on demand, figures without inputs."""

from __future__ import annotations

from grafana.alerts.alert import Alert, Said, severity_of
from schemas.anomaly import BANDS

_OPEN = "max without (instance, pod) (millstream_episode_severity)"
_KEEP = "5m"
"""A worker's restart, and its partitions' move to another, take less."""
_FAULT = 401
"""Severity of a sensor fault that is worth a look, of the band minor and above."""

_SILENT = f'({_OPEN} > 0) and on (watch) (millstream_watch_info{{kind="gap"}})'
"""Silence is told of once, with the least severity that there is, unless a site says more."""

_WHERE = ("site", "area", "line", "asset", "watch")


def _judges(what: str) -> str:
    return f'and on (watch) (millstream_watch_info{{judges="{what}"}})'


def _band(name: str, low: int, high: int) -> Alert:
    """Episodes of one band of severity. One that grows worse leaves it for the next, which inhibits it."""
    words = {
        "critical": Said("Critical", "Kritikal", "緊急"),
        "major": Said("Major", "Serius", "重大"),
        "minor": Said("Minor", "Ringan", "次要"),
        "warning": Said("Warning", "Amaran", "警告"),
    }[name]
    top = "" if high >= 1000 else f" <= {high}"
    return Alert(
        f"MillstreamAnomaly{name.capitalize()}",
        f"({_OPEN} >= {low}{top}) {_judges('process')}",
        severity_of(name),
        "process",
        Said(
            f"{words.en} anomaly on {{{{ $labels.asset }}}}, {{{{ $labels.line }}}}: watch {{{{ $labels.watch }}}}, "
            "severity {{ $value }}",
            f"Anomali {words.ms} pada {{{{ $labels.asset }}}}, {{{{ $labels.line }}}}: pemantau "
            "{{ $labels.watch }}, tahap {{ $value }}",
            f"{words.zh}異常：{{{{ $labels.line }}}} {{{{ $labels.asset }}}}，監測 {{{{ $labels.watch }}}}，"
            "嚴重度 {{ $value }}",
        ),
        keep=_KEEP,
        board="millstream-asset",
        variables=_WHERE,
    )


def _bands() -> tuple[Alert, ...]:
    tops = (1000, *(least - 1 for least, _ in BANDS))
    return tuple(_band(name, least, top) for (least, name), top in zip(BANDS, tops, strict=False) if name != "info")


PROCESS = (
    *_bands(),
    Alert(
        "MillstreamSensorFault",
        f'({_OPEN} >= {_FAULT}) and on (watch) (millstream_watch_info{{judges="health",kind!="gap"}})',
        "minor",
        "maintenance",
        Said(
            "Sensor fault on {{ $labels.asset }}, {{ $labels.line }}: {{ $labels.watch }}; what it measures is not judged",
            "Kerosakan penderia pada {{ $labels.asset }}, {{ $labels.line }}: {{ $labels.watch }}; ukurannya tidak dinilai",
            "感測器故障：{{ $labels.line }} {{ $labels.asset }}，{{ $labels.watch }}；其量測值暫不判斷",
        ),
        keep=_KEEP,
        board="millstream-health",
        variables=_WHERE,
    ),
    Alert(
        "MillstreamSensorSilent",
        _SILENT,
        "minor",
        "maintenance",
        Said(
            "No data from {{ $labels.asset }}, {{ $labels.line }}, for longer than is usual ({{ $labels.watch }})",
            "Tiada data daripada {{ $labels.asset }}, {{ $labels.line }}, lebih lama daripada biasa ({{ $labels.watch }})",
            "{{ $labels.line }} {{ $labels.asset }} 已異常長時間沒有資料（{{ $labels.watch }}）",
        ),
        hold="2m",  # a gateway that is down is told of before its sensors, and hushes them
        keep=_KEEP,
        board="millstream-health",
        variables=_WHERE,
    ),
    Alert(
        "MillstreamGatewaySilent",
        f"count by (site, area, line) (count by (site, area, line, asset) ({_SILENT})) >= 3",
        "major",
        "maintenance",
        Said(
            "{{ $value }} machines of {{ $labels.line }}, {{ $labels.site }} are silent at once: look at the gateway first",
            "{{ $value }} mesin di {{ $labels.line }}, {{ $labels.site }} senyap serentak: periksa get laluan dahulu",
            "{{ $labels.site }} {{ $labels.line }} 有 {{ $value }} 台機器同時無訊號：請先檢查閘道器",
        ),
        hold="30s",
        keep=_KEEP,
        board="millstream-health",
        variables=("site", "area", "line"),
    ),
    Alert(
        "MillstreamDemandAboveLimit",
        "max without (instance, pod) (millstream_demand_forecast_watts)"
        " > max without (instance, pod) (millstream_demand_limit_watts)",
        "major",
        "process",
        Said(
            "Demand of {{ $labels.asset }}, {{ $labels.site }} will end above its limit, at "
            "{{ $value | humanize }}W: shed load before the window ends",
            "Permintaan {{ $labels.asset }}, {{ $labels.site }} akan melebihi had, {{ $value | humanize }}W: "
            "kurangkan beban sebelum tetingkap tamat",
            "{{ $labels.site }} {{ $labels.asset }} 需量預測將超過上限，達 {{ $value | humanize }}W：請在時段結束前卸載",
        ),
        unit="W",
        hold="30s",
        board="millstream-energy",
        variables=("site", "area", "line", "asset"),
    ),
    Alert(
        "MillstreamFigureWithoutInputs",
        'max without (instance, pod) (millstream_kpi_coverage{kpi=~"oee|energy"}) < 0.5',
        "minor",
        "maintenance",
        Said(
            "{{ $labels.kpi }} of {{ $labels.asset }}, {{ $labels.line }} rests on {{ $value | humanizePercentage }} "
            "of its inputs",
            "{{ $labels.kpi }} bagi {{ $labels.asset }}, {{ $labels.line }} hanya berdasarkan "
            "{{ $value | humanizePercentage }} input",
            "{{ $labels.line }} {{ $labels.asset }} 的 {{ $labels.kpi }} 只有 {{ $value | humanizePercentage }} 的輸入資料",
        ),
        hold="30m",
        keep=_KEEP,
        board="millstream-energy",
        variables=("site", "area", "line", "asset"),
    ),
)
"""Of machines and their sensors."""
