"""[[machine]]: which series of a machine say what, so that key figures follow from them."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from detectors.durations import Duration
from detectors.efficiency.machine_state import PROFILES, MachineState, state_words
from streams.kpi.utility_options import AirOptions, ChillerOptions

_MOST = 7 * 86_400_000_000_000
"""Longest silence that may be bridged: a week."""
_HOUR = 3_600_000_000_000

_STATE_NAMES = ", ".join(state.name.lower() for state in MachineState)


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PowerLevels(_Model):
    """Levels of power that tell the state: down below `idle`, idle from there on, producing from `producing` on."""

    idle: float = Field(ge=0, description="kW from which the machine is on; below it is down.")
    producing: float = Field(gt=0, description="kW from which it produces.")
    hysteresis: float = Field(0.1, ge=0, lt=1, description="A level is left when power is this share below it.")
    stay: Duration = Field(
        "10s", validate_default=True, ge=0, le=_HOUR, description="A level that lasts less long changes no state."
    )

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        if self.idle >= self.producing:
            raise ValueError(f"expected idle below producing, got {self.idle:g} and {self.producing:g} kW")
        return self


class CountPace(_Model):
    """How long parts may stay away: the machine produces while they come, else it is idle, and in the end down."""

    factor: float = Field(
        3.0,
        ge=1,
        description="It has stopped if no part comes for so many times its planned run time; then it is idle from one "
        "planned run time after the last part on.",
    )
    within: Duration | None = Field(
        None,
        gt=0,
        description="The same as a time, in place of `factor`; where a counter is polled, more than two polls.",
    )
    down: Duration | None = Field(
        None, gt=0, description="Without a part for so long it is down from then on; default: it stays idle."
    )

    def within_of(self, ideal: int) -> int:
        """How soon the next part has to come, ns, where one is planned to take `ideal` ns."""
        return round(self.factor * ideal) if self.within is None else self.within


class StateOptions(_Model):
    """What the machine does: a text series, numbers that stand for states, levels of its power, or its parts."""

    series: str | None = Field(None, min_length=1, description="Series that says the state.")
    profile: str | None = Field(None, description=f"Words to begin with: {', '.join(PROFILES)}.")
    words: dict[str, str] = Field(
        {}, description=f'Own words, which come before those of the profile, such as RUN = "producing"; {_STATE_NAMES}.'
    )
    power: PowerLevels | None = Field(
        None, description="Of a machine that says no state: the levels of the power in `energy` that tell it, as below."
    )

    count: CountPace | None = Field(
        None, description="Of a machine that says nothing but its count of parts: whether they keep coming, as below."
    )

    @model_validator(mode="after")
    def _known(self) -> Self:
        ways = {"series": self.series, "levels of power": self.power, "a count of parts": self.count}
        if sum(way is not None for way in ways.values()) != 1:
            raise ValueError(
                'a state needs either series = "SERIES" or power = { idle = KW, producing = KW } or count = {}'
            )
        if self.series is None and (self.profile is not None or self.words):
            given = next(name for name, way in ways.items() if way is not None)
            raise ValueError(f"{given} needs no words and no profile")
        if self.series is not None and not state_words(self.profile, self.words):
            raise ValueError('a state needs words, such as words = { RUN = "producing" }, or a profile')
        return self


class PartsOptions(_Model):
    """What the machine makes: counters that go up, and begin again at 0; or cycles that its state says are complete."""

    total: str | None = Field(None, description="Counter of parts made.")
    good: str | None = Field(None, description="Counter of good parts.")
    reject: str | None = Field(None, description="Counter of rejected parts.")
    ideal: Duration | None = Field(None, gt=0, description="Planned run time of a part.")
    ideal_of: dict[str, Duration] = Field({}, description="Planned run time of a part, by product.")

    cycles: list[str] = Field(
        [],
        description="In place of a counter of parts made: words of the state series that say that a cycle is "
        'complete, such as "PROGRAM_COMPLETED". Where neither good nor rejected parts are counted, all are good.',
    )
    shortest: Duration | None = Field(
        None, ge=0, description="A complete cycle with less time producing is no part; default: a quarter of `ideal`."
    )

    @model_validator(mode="after")
    def _enough(self) -> Self:
        if self.total is None and self.good is None and not self.cycles:
            raise ValueError('parts need a counter: total = "SERIES" or good = "SERIES"; or cycles = ["WORD"]')
        if self.total is not None and self.cycles:
            raise ValueError("give total or cycles, not both: parts would be counted twice")
        if self.shortest is not None and not self.cycles:
            raise ValueError('shortest is of cycles: give cycles = ["WORD"] as well')
        return self

    @property
    def slowest(self) -> int:
        """The longest planned run time of a part, ns; 0 where none is given."""
        return max([self.ideal or 0, *self.ideal_of.values()])

    @property
    def shortest_ns(self) -> int:
        """Time producing from which a complete cycle is a part."""
        return self.shortest if self.shortest is not None else (self.ideal or 0) // 4

    @property
    def says_rejects(self) -> bool:
        """Whether it is known how many parts are rejected."""
        return sum((self.total is not None or bool(self.cycles), self.good is not None, self.reject is not None)) > 1

    def says(self, name: str) -> bool:
        """Whether it is known how many parts are `total`, `good` or `reject`."""
        by_cycle = name == "total" or (name == "good" and self.reject is None)
        return getattr(self, name) is not None or (bool(self.cycles) and by_cycle)


class EnergyOptions(_Model):
    """What the machine takes: meters of power, or of energy."""

    power: str | None = Field(None, description="Power; W, kW or MW by its unit, kW where it has none.")
    counter: str | None = Field(None, description="Energy, a counter; W.h, kW.h or MW.h, kW.h where it has none.")
    reactive_power: str | None = Field(None, description="Reactive power; var, kvar or Mvar.")
    reactive_counter: str | None = Field(None, description="Reactive energy, a counter; var.h, kvar.h or Mvar.h.")
    modulus: float = Field(0.0, ge=0, description="Reading at which a counter begins again at 0; 0: a fall is a reset.")
    gap: Duration = Field("5m", validate_default=True, gt=0, description="Energy of longer silences is an estimate.")
    bridge: Duration = Field(
        "1h",
        validate_default=True,
        gt=0,
        le=_MOST,
        description="Power is not known between readings further apart.",
    )

    demand_forecast: bool | None = Field(
        None,
        description="Whether windows of maximum demand are forecast; 1,024 of them are remembered by slots of a minute "
        "or longer, which takes 250 kB a machine. Default: where demand_limit or demand_charge is given.",
    )
    demand_limit: float | None = Field(
        None, gt=0, description="Demand to stay under, kW: what is to be shed for that is told."
    )
    demand_charge: float | None = Field(
        None, ge=0, description="Money for a kW of the month's maximum demand; comes before that of the tariff."
    )

    @property
    def forecasts(self) -> bool:
        """Whether windows of maximum demand are forecast."""
        if self.demand_forecast is None:
            return self.demand_limit is not None or self.demand_charge is not None
        return self.demand_forecast

    @model_validator(mode="after")
    def _one_meter(self) -> Self:
        if (self.power is None) == (self.counter is None):
            raise ValueError('energy needs one meter: either power = "SERIES" or counter = "SERIES"')
        if self.reactive_power is not None and self.reactive_counter is not None:
            raise ValueError("give reactive_power or reactive_counter, not both: they would be counted twice")
        return self


class MachineOptions(_Model):
    """[[machine]]: machines that say the same things in the same words."""

    assets: str | list[str] = Field(description="Globs over asset paths; the first entry that fits counts.")
    state: StateOptions | None = Field(None, description="What the machine does, as below.")
    parts: PartsOptions | None = Field(None, description="What it makes.")
    energy: EnergyOptions | None = Field(None, description="What it takes.")
    air: AirOptions | None = Field(
        None,
        description="Of a compressor: what leaks, as below. Its state tells load (producing) from unload (idle).",
    )
    chiller: ChillerOptions | None = Field(None, description="Of a chiller: what it cools, as below.")
    product: str | None = Field(None, description="Text series that names the product being made.")
    minute_cost: float | None = Field(
        None, ge=0, description="Money that a minute of lost production costs; with it losses are told in money too."
    )
    startup: Duration | None = Field(
        None,
        gt=0,
        le=_MOST,
        description="Rejects made while the machine is down, in set-up or stopped by plan, and so long after, are of "
        "start-up: a loss of their own. Default: all rejects are one loss.",
    )
    hold: Duration = Field(
        "1h",
        validate_default=True,
        gt=0,
        le=_MOST,
        description="A state counts so long without a reading, then it is unknown.",
    )

    @field_validator("assets")
    @classmethod
    def _some(cls, assets: str | list[str]) -> str | list[str]:
        if not assets:
            raise ValueError('expected a glob such as "penang/smt/*"')
        return assets

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if all(part is None for part in (self.state, self.parts, self.energy, self.air, self.chiller)):
            raise ValueError("a machine needs at least one of state, parts, energy, air and chiller")
        if self.air is not None and self.state is None and self.air.flow is None:
            raise ValueError(
                "air needs a state that tells load (producing) from unload (idle), such as state = { series = "
                '"SERIES", words = { LOAD = "producing", UNLOAD = "idle" } }, or the flow that leaks: flow = "SERIES"'
            )
        if self.state is not None and self.state.power is not None and (self.energy is None or not self.energy.power):
            raise ValueError('state.power needs the series of the power: energy = { power = "SERIES" }')
        if self.state is not None and self.state.count is not None:
            _check_count(self.state.count, self.parts)
        if self.parts is not None and self.parts.cycles and (self.state is None or self.state.series is None):
            raise ValueError('parts.cycles are words of the state series: state = { series = "SERIES", ... }')
        if self.startup is not None and (self.state is None or self.parts is None or not self.parts.says_rejects):
            raise ValueError(
                "startup tells rejects by when stops end: it needs a state, and parts of which two of total, good and "
                "reject are counted"
            )
        return self

    @property
    def bridge(self) -> int:
        """A flow, a power or a temperature is not known between readings further apart, ns."""
        return _HOUR if self.energy is None else self.energy.bridge

    @property
    def globs(self) -> list[str]:
        """The globs of `assets`, as a list."""
        return [self.assets] if isinstance(self.assets, str) else list(self.assets)


def _check_count(count: CountPace, parts: PartsOptions | None) -> None:
    """Refuse, with a ValueError, a pace that parts cannot be judged by."""
    if parts is None or (parts.total is None and parts.good is None):
        raise ValueError('state.count needs a counter of parts: parts = { total = "SERIES", ideal = "30s" }')
    if count.within is None and not parts.slowest:
        raise ValueError('state.count needs how often parts come: parts.ideal = "30s", or count = { within = "2m" }')
    within = count.within_of(parts.slowest)
    if within < parts.slowest:
        raise ValueError("expected count.within to be no shorter than the planned run time of a part")
    if count.down is not None and count.down < within:
        raise ValueError("expected count.down to be no shorter than the time within which the next part is to come")
