"""Of each alert: series with which it fires, and with which it stays silent although something like it goes on.

Series are promtool's: `values` has one value a minute; `at` is when it is looked at. A worker's own labels (instance,
pod) stand where a restart or two workers must not make two alerts of one.
"""

from __future__ import annotations

from typing import NamedTuple

Series = dict[str, str]


class Case(NamedTuple):
    """Both sides of one alert."""

    fires: Series
    silent: Series
    at: str = "10m"
    many: int = 1
    """How many alerts fire."""


_WHERE = 'site="penang",area="smt",line="line1",asset="oven-1",job="millstream"'
_WATCHES = {
    'millstream_watch_info{watch="level",kind="robust_zscore",judges="process",instance="a"}': "1x60",
    'millstream_watch_info{watch="level",kind="robust_zscore",judges="process",instance="b"}': "1x60",
    'millstream_watch_info{watch="flat",kind="stuck",judges="health",instance="a"}': "1x60",
    'millstream_watch_info{watch="silence",kind="gap",judges="health",instance="a"}': "1x60",
    'millstream_watch_info{watch="rare",kind="gap",judges="health",instance="a"}': "1x60",
    'millstream_watch_info{watch="effectiveness",kind="limits",judges="process",instance="a"}': "1x60",
}


def _episode(watch: str, values: str, instance: str = "a", where: str = _WHERE) -> Series:
    return {f'millstream_episode_severity{{{where},watch="{watch}",instance="{instance}"}}': values}


def _band(inside: int, below: int) -> Case:
    # the episode moves from one worker to another in the middle: one alert all the same
    fires = _episode("level", f"{inside}x8 _x20") | _episode("level", f"_x9 {inside}x20", "b")
    return Case(_WATCHES | fires, _WATCHES | _episode("level", f"{below}x60") | _episode("flat", f"{inside}x60"))


def _silent(*areas: str) -> Series:
    """Machines that are silent, each of the first line of an area."""
    out: Series = {}
    for i, area in enumerate(areas):
        where = f'site="penang",area="{area}",line="line1",asset="m{i}",job="millstream"'
        out |= _episode("silence", "201x60", where=where)  # as `gap` tells it: once, and no worse later
    return out


def _demand(forecast: int) -> Series:
    where = 'site="penang",area="utilities",line="power",asset="meter-4",instance="a"'
    return {
        f"millstream_demand_forecast_watts{{{where}}}": f"{forecast}x60",
        f"millstream_demand_limit_watts{{{where}}}": "250000x60",
    }


def _coverage(share: float, kpi: str = "oee") -> Series:
    where = 'site="penang",area="smt",line="line1",asset="m1",instance="a"'
    return {f'millstream_kpi_coverage{{{where},kpi="{kpi}"}}': f"{share}x90"}


def _readings(rejected: str, scored: str) -> Series:
    return {
        'millstream_readings_total{outcome="rejected",instance="a"}': rejected,
        'millstream_readings_total{outcome="scored",instance="a"}': scored,
    }


def _config(config: str, instance: str) -> Series:
    return {f'millstream_config_info{{config="{config}",instance="{instance}"}}': "1x60"}


def _one(name: str, fires: str, silent: str, at: str = "10m") -> Case:
    return Case({name: fires}, {name: silent}, at)


_STEPS, _FLAT = "0x5 3x60", "3x70"
_DAY = 86_400

CASES: dict[str, Case] = {
    "MillstreamAnomalyCritical": _band(900, 800),
    "MillstreamAnomalyMajor": _band(601, 600),
    "MillstreamAnomalyMinor": _band(600, 601),
    "MillstreamAnomalyWarning": _band(201, 200),
    "MillstreamSensorFault": Case(
        _WATCHES | _episode("flat", "500x60"),
        _WATCHES | _episode("flat", "300x60") | _episode("level", "900x60") | _episode("silence", "900x60"),
    ),
    "MillstreamSensorSilent": Case(
        _WATCHES | _silent("smt"),
        _WATCHES | _episode("flat", "500x60") | _episode("level", "201x60"),
    ),
    "MillstreamGatewaySilent": Case(
        _WATCHES | _silent("smt", "smt", "smt"),
        # the first lines of two areas are two lines, and a machine that two watches find silent is one machine
        _WATCHES | _silent("smt", "smt", "machining") | _episode("flat", "500x60")
        | _episode("rare", "201x60", where='site="penang",area="smt",line="line1",asset="m0",job="millstream"'),
    ),
    "MillstreamDemandAboveLimit": Case(_demand(250_001), _demand(250_000)),
    "MillstreamFigureWithoutInputs": Case(_coverage(0.4), _coverage(0.5) | _coverage(0.1, "idle_energy"), "40m"),
    "MillstreamWatchdog": Case({}, {}),
    "MillstreamWorkerDown": _one('up{job="millstream",instance="a"}', "1x3 0x60", "1x3 0 1x60"),
    "MillstreamNobodyWorks": Case({}, {'millstream_partitions_assigned{instance="a"}': "0x3 12x60"}),
    "MillstreamLagging": Case(
        {'millstream_lag_seconds{partition="3",instance="a"}': "61+60x60"},
        {'millstream_lag_seconds{partition="3",instance="a"}': "0x8 90 0x60"},
    ),
    # a burst that is over, and a long quiet ratio of half a per cent, both stay silent
    "MillstreamRejecting": Case(_readings("0+20x90", "0+980x90"), _readings("0+500x10 5000x80", "0+980x90"), "70m"),
    "MillstreamReadingsLost": _one('millstream_records_missing_total{instance="a"}', _STEPS, _FLAT),
    "MillstreamStoreRetrying": _one(
        'millstream_sink_retries_total{sink="influxdb",instance="a"}', "0+1x60", "0 5x60", at="20m"
    ),
    "MillstreamPointsDropped": _one('millstream_sink_dropped_points_total{sink="sink",instance="a"}', _STEPS, _FLAT),
    "MillstreamSnapshotOld": _one(
        'millstream_snapshot_age_seconds{partition="0",instance="a"}', "901+60x60", "900x60", at="20m"
    ),
    "MillstreamSnapshotDamaged": _one('millstream_snapshots_damaged_total{instance="a"}', _STEPS, _FLAT),
    "MillstreamForged": _one('millstream_forged_total{instance="a"}', _STEPS, _FLAT),
    "MillstreamClockOff": _one(
        'millstream_clock_timestamp_seconds{instance="a"}', "10+60x60", "4+60x60", at="20m"
    ),
    "MillstreamCertificateEnds": _one(
        'millstream_certificate_expiry_timestamp_seconds{certificate="kafka_ca",instance="a"}',
        f"{13 * _DAY}x60", f"{15 * _DAY}x60", at="30m",
    ),
    "MillstreamCertificateEndsSoon": _one(
        'millstream_certificate_expiry_timestamp_seconds{certificate="kafka_ca",instance="a"}',
        f"{_DAY}x60", f"{13 * _DAY}x60", at="30m",
    ),
    "MillstreamConfigurationsDiffer": Case(
        _config("a1", "a") | _config("b2", "b"),
        _config("a1", "a") | _config("a1", "b"),
        "20m",
    ),
    "MillstreamModelsUnfit": _one(
        'millstream_models_unfit{watch="level",instance="a"}', "2x120", "0x50 2x5 0x60", "90m"
    ),
    "MillstreamAboveBudget": Case(
        {
            'millstream_alarm_rate_per_second{watch="level",instance="a"}': "0.0006x1600",
            'millstream_alarm_budget_per_second{watch="level",instance="a"}': "0.0001x1600",
            'millstream_warmup_ratio{watch="level",instance="a"}': "1x1600",
        },
        {
            'millstream_alarm_rate_per_second{watch="level",instance="a"}': "0.0006x1600",
            'millstream_alarm_budget_per_second{watch="level",instance="a"}': "0.0001x1600",
            'millstream_warmup_ratio{watch="level",instance="a"}': "0.5x1600",
        },
        "1500m",
    ),
    "MillstreamEpisodesUnlisted": _one('millstream_episodes_unlisted{site="penang",instance="a"}', "40x60", "0x60"),
}  # fmt: skip
