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
from streams.explain_errors import explain

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
    store: Store | None = Field(None, description="Which readings of this series are stored.")
    watch: bool = Field(True, description="False: no watch takes this series (counters, texts as numbers).")


class AssetOptions(_Model):
    """[[asset]]: one machine."""

    path: str = Field(min_length=1, pattern=r"^[^/]+(/[^/]+)*$", description="site/area/line/machine")
    aliases: list[str] = []
    series: dict[str, SeriesOptions] = {}


class WatchOptions(_Model):
    """[[watch]]: joins series to a detector."""

    name: str = Field(min_length=1, max_length=80, description="Appears in every event and on every board.")
    series: str | list[str] | None = Field(None, description="Globs over asset/series, each series on its own.")
    inputs: list[str] | None = Field(
        None, description="Globs over the series of one asset: joint inputs of one detector."
    )
    assets: str = Field("*", description="With inputs: glob over assets.")
    exclude: list[str] = Field([], description="Globs over asset/series that this watch leaves out.")
    when: str | None = Field(None, description="Mode gate, such as \"state == 'running'\".")
    by: str | None = Field(None, description="A text series of the asset; each of its values learns a row of its own.")
    detector: dict[str, Any]
    false_alarms: Budget = Field("1/week", description="Tolerable alarms per series; the threshold calibrates itself.")
    refractory: Duration | None = Field(None, description="Shortest time between alarms; each kind has its default.")
    off_delay: Duration | None = Field(None, description="How long below 0.8 closes an episode; default: refractory.")
    severity: int | None = Field(None, ge=1, le=1000, description="Fixed severity; default: from the score.")
    wait: Duration | None = Field(
        None, description="Joint: longest wait for late inputs; default: the inputs' interval."
    )
    stale: Duration | None = Field(None, description="Joint: a held value counts up to this age; default: 10 x wait.")

    @model_validator(mode="after")
    def _one_target(self) -> Self:
        if (self.series is None) == (self.inputs is None):
            raise ValueError('a watch needs either series = "GLOB" (each on its own) or inputs = ["GLOB"] (joint)')
        shape = build(self.detector).shape
        kind = self.detector["kind"]
        if self.inputs is not None and shape in ("series", "waveform"):
            raise ValueError(f'{kind} judges each series on its own: give series = "GLOB" instead of inputs')
        if self.series is not None and shape in ("joint", "peers"):
            raise ValueError(f'{kind} judges several series together: give inputs = ["GLOB"] instead of series')
        if shape != "series" and (self.when is not None or self.by is not None):
            raise ValueError(f"when and by gate single series; {kind} takes none")
        if self.when is not None:
            from streams.when import parse

            parse(self.when)
        return self

    @field_validator("detector")
    @classmethod
    def _known_detector(cls, options: dict[str, Any]) -> dict[str, Any]:
        build(options)
        return options

    @property
    def globs(self) -> list[str]:
        """The globs of `series`, as a list."""
        return [self.series] if isinstance(self.series, str) else list(self.series or ())


class CalendarOptions(_Model):
    """[calendar]: local days that count as another day of the week."""

    days: dict[str, Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]] = Field(
        {}, description='Local dates and the day they count as, such as "2026-02-17" = "sunday".'
    )


DEFAULT_WATCHES: tuple[dict[str, Any], ...] = (
    {"name": "limits", "series": "*", "detector": {"kind": "limits"}},
    {"name": "stuck", "series": "*", "detector": {"kind": "stuck"}},
    {"name": "gap", "series": "*", "detector": {"kind": "gap"}},
    {"name": "robust_zscore", "series": "*", "detector": {"kind": "robust_zscore"}},
)
"""The default site: the health gate, then what suits a series that nobody described."""


class Site(_Model):
    """A whole site file."""

    site: SiteOptions = SiteOptions.model_validate({})
    asset: list[AssetOptions] = []
    watch: list[WatchOptions] = [WatchOptions.model_validate(w) for w in DEFAULT_WATCHES]
    calendar: CalendarOptions = CalendarOptions.model_validate({})

    @model_validator(mode="after")
    def _unique(self) -> Self:
        for what, names in (
            ("watch name", [w.name for w in self.watch]),
            ("asset path or alias", [n for a in self.asset for n in (a.path, *a.aliases)]),
        ):
            twice = sorted({n for n in names if names.count(n) > 1}) if len(set(names)) < len(names) else []
            if twice:
                raise ValueError(f"{what} {twice[0]!r} stands twice; each must be unique")
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
