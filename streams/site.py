"""The site file: what a person writes in TOML, as frozen models that refuse what they do not know."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from detectors.durations import Budget, Duration
from detectors.registry import build
from schemas.errors import Misconfigured
from streams.calendar_options import CalendarOptions
from streams.energy_options import EnergySupply
from streams.explain_errors import explain
from streams.figure_watches import check_modes, check_watch, names_figures
from streams.kpi.baseline_options import BaselineOptions
from streams.kpi.baseline_options import faults as baseline_faults
from streams.kpi.line_options import LineOptions, check_lines
from streams.kpi.options import MachineOptions

Store = Literal["all", "1s", "change", "none"]
Level = Literal["site", "area", "line", "machine"]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SiteOptions(_Model):
    """[site]: what holds for the whole site."""

    name: str = "site"
    version: int = Field(1, ge=1, description="Raise it to make workers take this file over the one in the log.")
    timezone: str = Field("UTC", description="IANA name; shifts, weeks and holidays are local.")
    languages: list[Literal["en", "ms", "zh-TW"]] = Field(["en", "ms", "zh-TW"], min_length=1)
    partition_level: Level = Field(
        "line", description="Assets that share the path down to this level share a partition."
    )
    strict: bool = Field(False, description="Reject assets that no [[asset]] names.")
    max_series: int = Field(100_000, ge=1, description="Series taken in for each partition; more are rejected.")
    max_ahead: Duration = Field("5m", validate_default=True, description="Readings further in the future are rejected.")
    reorder: Duration | None = Field(
        None,
        gt=0,
        description="Hold readings so long, at most, to judge those of an asset in the order of their time, however "
        "they arrive; costs that latency. Waveforms are judged as they come. Default: readings are judged as they "
        "come, and those older than their series' newest are late.",
    )
    cost_matters: float | None = Field(
        None, gt=0, description="Cost an hour that makes an event a warning at least; each doubling is a band more."
    )
    grace: Duration = Field(
        "30s",
        validate_default=True,
        gt=0,
        description="So long key figures wait for readings that are older than a machine's newest.",
    )
    kpi_interval: Duration = Field(
        "1m", validate_default=True, ge=1_000_000_000, description="How often key figures are told of, as they stand."
    )
    demand_window: Duration | None = Field(
        None,
        gt=0,
        description='Windows in which maximum demand is measured, such as "30m", a multiple of 15m; default: as the '
        "tariff has.",
    )
    incomer: str | None = Field(
        None,
        min_length=1,
        description='Glob over assets: the main meter of a site, such as "penang/utilities/main". Demand, energy, cost '
        "and carbon of the site are then that meter's, and the sum of the others is told as `submetered_...`; default: "
        "the sum of all machines.",
    )
    page_within: Duration = Field("15m", validate_default=True, description="Events later than this are backfill.")
    store: Store = Field("1s", description="Which readings are stored, unless a series says otherwise.")

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f'expected an IANA time zone such as "Asia/Kuala_Lumpur", got {name!r}') from error
        return name


class SeriesOptions(_Model):
    """[asset.series.NAME]: what is known of one series."""

    unit: str | None = Field(None, description="UCUM unit, used where readings bring none.")
    low: float | None = Field(None, description="Lowest value allowed; a watch of kind limits uses it.")
    high: float | None = Field(None, description="Highest value allowed; a watch of kind limits uses it.")
    rate: float | None = Field(
        None, gt=0, description="Largest change a second allowed; a watch of kind limits uses it."
    )
    limit: float | None = Field(
        None, gt=0, description="Deviation that matters, in the series' unit; comes before that of a watch."
    )
    cost: float | None = Field(None, ge=0, description="Cost of an hour in fault; comes before that of a watch.")
    store: Store | None = Field(None, description="Which readings of this series are stored.")
    interval: Duration | None = Field(
        None, gt=0, description="Time between its readings; default: the median of the first 20 intervals."
    )
    watch: bool = Field(True, description="False: no watch takes this series (counters, texts as numbers).")


class AssetOptions(_Model):
    """[[asset]]: one machine."""

    path: str = Field(min_length=1, pattern=r"^[^/]+(/[^/]+)*$", description="site/area/line/machine")
    aliases: list[str] = []
    series: dict[str, SeriesOptions] = {}


PLAUSIBLE = 0.3


class WatchOptions(_Model):
    """[[watch]]: joins series to a detector."""

    name: str = Field(min_length=1, max_length=80, description="Appears in every event and on every board.")
    series: str | list[str] | None = Field(None, description="Globs over asset/series, each series on its own.")
    inputs: list[str] | None = Field(
        None,
        description="Globs over the series of one asset: joint inputs of one detector. For peers: over the series, "
        "each of which is compared across the assets of one line.",
    )
    assets: str = Field("*", description="With inputs: glob over assets; for peers, those that are alike.")
    exclude: list[str] = Field([], description="Globs over asset/series that this watch leaves out.")
    when: str | None = Field(None, description="Mode gate, such as \"state == 'running'\".")
    by: str | None = Field(None, description="A text series of the asset; each of its values learns a row of its own.")
    dwell: Duration | None = Field(
        None, gt=0, description="With when or by: so long after a change of mode nothing is judged or learned."
    )
    detector: dict[str, Any]
    false_alarms: Budget = Field("1/week", description="Tolerable alarms per series; the threshold calibrates itself.")
    hold: bool = Field(False, description="Keep closer to `false_alarms`, by the tail of past scores.")
    refractory: Duration | None = Field(None, description="Shortest time between alarms; each kind has its default.")
    off_delay: Duration | None = Field(None, description="How long below 0.8 closes an episode; default: refractory.")
    severity: int | None = Field(None, ge=1, le=1000, description="Fixed severity; default: from the score.")
    limit: float | None = Field(
        None,
        gt=0,
        description="Deviation from the expected value, or beyond a limit, that matters, in the series' unit (not of "
        "joint inputs). With it "
        "the severity is from deviation / limit instead of the score: 1 is a warning, each doubling a band more.",
    )
    cost: float | None = Field(
        None,
        ge=0,
        description="Cost of an hour in fault, times deviation / limit where there is a limit; in events, and in the "
        "severity where [site] cost_matters is given.",
    )
    frozen: bool = Field(False, description="True: learns in its warm-up alone, until a rebaseline.")
    plausible: float = Field(
        PLAUSIBLE,
        gt=0,
        le=1,
        description="Share of time that may be anomalous, over about a day. Above it the watch says once that its "
        "model no longer fits the series, and nothing else of it until it does again. 1: never.",
    )
    wait: Duration | None = Field(
        None,
        description="Joint: longest wait for late inputs; default: the inputs' interval. With `every`: how long after "
        "its end a bin is still open for late readings; default: the series' interval, 1m or more, at most `every`.",
    )
    stale: Duration | None = Field(
        None,
        description="Joint and peers: a held value counts up to this age; default: 3 x its own series' usual interval, "
        "and `wait` at least.",
    )

    min_coverage: float | None = Field(
        None,
        ge=0,
        le=1,
        description='Of key figures (series such as "*/kpi:oee"): those with less coverage are withheld; default 0.5.',
    )

    @model_validator(mode="after")
    def _one_target(self) -> Self:
        if (self.series is None) == (self.inputs is None):
            raise ValueError('a watch needs either series = "GLOB" (each on its own) or inputs = ["GLOB"] (joint)')
        detector = build(self.detector)
        shape, kind = detector.shape, self.detector["kind"]
        if self.inputs is not None and shape in ("series", "waveform"):
            raise ValueError(f'{kind} judges each series on its own: give series = "GLOB" instead of inputs')
        if self.series is not None and shape in ("joint", "peers"):
            raise ValueError(f'{kind} judges several series together: give inputs = ["GLOB"] instead of series')
        gated = self.when is not None or self.by is not None
        if gated and (shape not in ("series", "peers") or detector.judges != "value"):
            raise ValueError(f"when and by gate single series; {kind} takes none")
        if self.dwell is not None and self.when is None and self.by is None:
            raise ValueError("dwell is the time after a change of mode: it needs when or by")
        check_watch(self, detector)
        self._matters(shape, kind)
        learns = shape != "waveform" and not detector.judges_silence and detector.judges == "value"
        if self.frozen and (not learns or (shape == "joint" and detector.health)):
            raise ValueError(f"frozen is for detectors that learn from values what is normal; {kind} takes none")
        if self.when is not None:
            from streams.when import parse

            parse(self.when)
        return self

    def _matters(self, shape: str, kind: str) -> None:
        """What is declared to matter must make sense of what the detector judges."""
        if shape == "joint" and self.limit is not None:
            raise ValueError(
                f"limit is a deviation in one series' unit, and {kind} judges several inputs together: leave it out; "
                "cost (with [site] cost_matters) or severity say what such a watch weighs"
            )
        if shape == "waveform" and (self.limit is not None or self.cost is not None):
            raise ValueError(f"limit and cost are of values, and {kind} judges waveforms: give severity instead")
        if shape == "waveform" and self.plausible != PLAUSIBLE:
            raise ValueError(
                f"plausible is the share of time that a learned model may find anomalous; {kind} judges waveforms, of "
                "which damage is found for as long as it lasts: leave it out"
            )

    @field_validator("detector")
    @classmethod
    def _known_detector(cls, options: dict[str, Any]) -> dict[str, Any]:
        build(options)
        return options

    @property
    def globs(self) -> list[str]:
        """The globs of `series`, as a list."""
        return [self.series] if isinstance(self.series, str) else list(self.series or ())

    @property
    def of_figures(self) -> bool:
        """Whether it watches key figures."""
        return names_figures(self.globs)


DEFAULT_WATCHES: tuple[dict[str, Any], ...] = (
    {"name": "limits", "series": "*", "detector": {"kind": "limits"}},
    {"name": "stuck", "series": "*", "detector": {"kind": "stuck"}},
    {"name": "gap", "series": "*", "detector": {"kind": "gap"}},
    {"name": "quality", "series": "*", "detector": {"kind": "quality"}},
    {"name": "clock", "series": "*", "detector": {"kind": "clock"}},
    {"name": "railed", "series": "*", "detector": {"kind": "railed"}},
    {"name": "unit_swap", "series": "*", "detector": {"kind": "unit_swap"}},
    {"name": "robust_zscore", "series": "*", "detector": {"kind": "robust_zscore"}, "hold": True},
    {"name": "auto", "series": "*", "detector": {"kind": "auto"}},
    {"name": "level_shift", "series": "*", "detector": {"kind": "level_shift"}},
)
"""The default site: the health gate, then what suits a series that nobody described. robust_zscore holds its budget by
the tail rule: with the controller alone it tells of each change of shift until its threshold has grown past them."""


class Site(_Model):
    """A whole site file."""

    site: SiteOptions = SiteOptions.model_validate({})
    asset: list[AssetOptions] = []
    machine: list[MachineOptions] = []
    line: list[LineOptions] = []
    baseline: list[BaselineOptions] = []
    watch: list[WatchOptions] = [WatchOptions.model_validate(w) for w in DEFAULT_WATCHES]
    calendar: CalendarOptions = CalendarOptions.model_validate({})
    energy: EnergySupply | None = None

    @model_validator(mode="after")
    def _unique(self) -> Self:
        for what, names in (
            ("watch name", [w.name for w in self.watch]),
            ("asset path or alias", [n for a in self.asset for n in (a.path, *a.aliases)]),
        ):
            twice = sorted({n for n in names if names.count(n) > 1}) if len(set(names)) < len(names) else []
            if twice:
                raise ValueError(f"{what} {twice[0]!r} stands twice; each must be unique")
        check_lines(self.line, bool(self.machine), self.site.partition_level)
        for fault in baseline_faults(self.baseline, self.machine, self.site.partition_level):
            raise ValueError(fault)
        return self

    @model_validator(mode="after")
    def _figures(self) -> Self:
        for watch in (w for w in self.watch if w.of_figures):
            if not self.machine:
                raise ValueError(
                    f"watch {watch.name!r} is over key figures, and no [[machine]] says what they would be made of"
                )
            check_modes(watch, bool(self.calendar.shifts))
        return self


def load_site(path: Path) -> Site:
    """Read and check a site file. Raises Misconfigured with one line a fault: file, key, what would be right."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise Misconfigured(f"{path}: cannot be read ({error.strerror}); expected a TOML site file") from error
    except UnicodeDecodeError as error:
        raise Misconfigured(f"{path}: not UTF-8 at byte {error.start}; save the file as UTF-8") from error
    return parse_site(text, str(path))


def parse_site(text: str, name: str) -> Site:
    """Check the text of a site file; `name` stands for the file in messages."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Misconfigured(f"{name}: not TOML: {error}") from error
    try:
        return Site.model_validate(table)
    except ValidationError as error:
        raise Misconfigured("\n".join(f"{name}: {line}" for line in explain(error, Site, table))) from error
