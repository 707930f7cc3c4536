"""[[baseline]]: what a machine's energy is expected to follow, so that savings and lasting changes are told of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from detectors.durations import Duration
from schemas.command import is_exact
from schemas.partition import Level, key_of
from streams.kpi.options import MachineOptions

WARMUP, WARMUP_BY_WEATHER = 28, 365


class BaselineOptions(BaseModel):
    """[[baseline]]: machines whose energy is modelled alike."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    asset: str = Field(
        min_length=1,
        description="Path of a machine with an energy entry, or a glob over paths; the first [[baseline]] that fits "
        "counts.",
    )
    production: Literal["good", "produced"] | None = Field(
        None, description="Figure of parts that drives the energy; default: none."
    )
    production_of: str | None = Field(
        None, min_length=1, description="Path of the machine of the same partition that counts them; default: itself."
    )
    weather: str | None = Field(
        None,
        pattern=r"^[^/]+(/[^/]+)+$",
        description="asset/series of outdoor temperature, in the same partition as the machine. A period's degree days "
        "are the mean, over its hours, of the degrees above or below the base.",
    )
    cdd_above: float | None = Field(
        None, description="Base of cooling degree days, in the weather series' unit; default: cooling plays no part."
    )
    hdd_below: float | None = Field(
        None, description="Base of heating degree days, in the weather series' unit; default: heating plays no part."
    )
    step: Literal["hour", "day", "auto"] = Field(
        "auto", description="Period that is modelled. auto: hours if they meet the guideline, else local days."
    )
    warmup: int | None = Field(
        None,
        ge=12,
        description=f"Days to learn before it is judged; default: {WARMUP_BY_WEATHER} with weather, since the "
        f"guideline asks for a year of it, else {WARMUP}.",
    )
    mode: Literal["shift", "weekday", "closed"] | None = Field(
        None,
        description="Each shift (of hours alone), day of the week, or open and closed days have coefficients of their "
        "own, holidays as they count; default: one line for all.",
    )
    wait: Duration = Field(
        "1h",
        validate_default=True,
        ge=0,
        description="So long after a period is over it is held for weather, or for another machine's parts, that have "
        "not come yet.",
    )

    @model_validator(mode="after")
    def _drivers(self) -> Self:
        if self.weather is None and (self.cdd_above is not None or self.hdd_below is not None):
            raise ValueError('cdd_above and hdd_below are bases of a temperature: give weather = "ASSET/SERIES" too')
        if self.weather is not None and self.cdd_above is None and self.hdd_below is None:
            raise ValueError("weather needs a base temperature: cdd_above, such as 18, hdd_below, or both")
        if self.cdd_above is not None and self.hdd_below is not None and self.hdd_below > self.cdd_above:
            raise ValueError(
                f"hdd_below ({self.hdd_below:g}) may not be higher than cdd_above ({self.cdd_above:g}): it would heat "
                "and cool at one time"
            )
        if self.weather is None and self.production is None and self.mode is None:
            raise ValueError(
                'a baseline needs something that energy follows: production = "good" or "produced", weather, or mode'
            )
        if self.production is None and self.production_of is not None:
            raise ValueError('production_of says whose parts: give production = "good" or "produced" too')
        if self.mode == "shift" and self.step != "hour":
            raise ValueError('mode = "shift" is of hours, since a day has several: give step = "hour" too')
        return self

    @property
    def days(self) -> int:
        """Days to learn."""
        if self.warmup is not None:
            return self.warmup
        return WARMUP if self.weather is None else WARMUP_BY_WEATHER

    @property
    def weather_asset(self) -> str | None:
        """Asset of the weather series."""
        return None if self.weather is None else self.weather.rpartition("/")[0]

    @property
    def others(self) -> list[tuple[str, str]]:
        """(option, asset) of other assets that it depends on."""
        found = (("weather", self.weather_asset), ("production_of", self.production_of))
        return [(option, asset) for option, asset in found if asset is not None]


def faults(baselines: Sequence[BaselineOptions], machines: Sequence[MachineOptions], level: Level) -> Iterator[str]:
    """What is wrong with baselines as the rest of the site stands, a line each."""
    for baseline in baselines:
        name = f'[[baseline]] of "{baseline.asset}"'
        exact = is_exact(baseline.asset)
        fits = [m for m in machines if not exact or any(fnmatchcase(baseline.asset, glob) for glob in m.globs)]
        fits = fits[:1] if exact else fits
        if not any(m.energy is not None for m in fits):
            yield f"{name}: no [[machine]] of it has energy, which a baseline is of; add energy = {{ power = ... }}"
        if baseline.production is not None and baseline.production_of is None and all(m.parts is None for m in fits):
            yield f"{name}: production is counted, and no [[machine]] of it has parts; add them, or give production_of"
        yield from _elsewhere(baseline, name, level)


def _elsewhere(baseline: BaselineOptions, name: str, level: Level) -> Iterator[str]:
    """What of a baseline would be in another partition."""
    own = key_of(baseline.asset, level).decode()
    for option, asset in baseline.others:
        other = key_of(asset, level).decode()
        if not is_exact(asset):
            yield f'{name}: {option} = "{asset}" must be one asset, without *, ? or ['
        elif own != other and not is_exact(baseline.asset):
            yield (
                f"{name}: {option} is of one {level}, {other}, and this glob is not of it alone: give one [[baseline]] "
                f'for each {level}, such as asset = "{other}/*"'
            )
        elif own != other:
            yield (
                f"{name}: {option} = {asset!r} is of another {level} ({other}, not {own}), which another worker may "
                f"have; send it as an asset of {own} too, or set [site] partition_level higher"
            )
