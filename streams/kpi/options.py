"""[[machine]]: which series of a machine say what, so that key figures follow from them."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from detectors.durations import Duration
from detectors.efficiency.machine_state import PROFILES, MachineState, state_words

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


class StateOptions(_Model):
    """What the machine does: a text series, numbers that stand for states, or levels of its power."""

    series: str | None = Field(None, min_length=1, description="Series that says the state.")
    profile: str | None = Field(None, description=f"Words to begin with: {', '.join(PROFILES)}.")
    words: dict[str, str] = Field(
        {}, description=f'Own words, which come before those of the profile, such as RUN = "producing"; {_STATE_NAMES}.'
    )
    power: PowerLevels | None = Field(
        None, description="Of a machine that says no state: the levels of the power in `energy` that tell it, as below."
    )

    @model_validator(mode="after")
    def _known(self) -> Self:
        if (self.series is None) == (self.power is None):
            raise ValueError('a state needs either series = "SERIES" or power = { idle = KW, producing = KW }')
        if self.power is not None and (self.profile is not None or self.words):
            raise ValueError("levels of power need no words and no profile")
        if self.power is None and not state_words(self.profile, self.words):
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
    def shortest_ns(self) -> int:
        """Time producing from which a complete cycle is a part."""
        return self.shortest if self.shortest is not None else (self.ideal or 0) // 4

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
    product: str | None = Field(None, description="Text series that names the product being made.")
    minute_cost: float | None = Field(
        None, ge=0, description="Money that a minute of lost production costs; with it losses are told in money too."
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
        if self.state is None and self.parts is None and self.energy is None:
            raise ValueError("a machine needs at least one of state, parts and energy")
        if self.state is not None and self.state.power is not None and (self.energy is None or not self.energy.power):
            raise ValueError('state.power needs the series of the power: energy = { power = "SERIES" }')
        if self.parts is not None and self.parts.cycles and (self.state is None or self.state.series is None):
            raise ValueError('parts.cycles are words of the state series: state = { series = "SERIES", ... }')
        return self

    @property
    def globs(self) -> list[str]:
        """The globs of `assets`, as a list."""
        return [self.assets] if isinstance(self.assets, str) else list(self.assets)
