"""[[machine]]: which series of a machine say what, so that key figures follow from them."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from detectors.durations import Duration
from detectors.efficiency.machine_state import PROFILES, MachineState, state_words

_MOST = 7 * 86_400_000_000_000
"""Longest silence that may be bridged: a week."""

_STATE_NAMES = ", ".join(state.name.lower() for state in MachineState)


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StateOptions(_Model):
    """What the machine does: a text series, or numbers that stand for states."""

    series: str = Field(min_length=1, description="Series that says the state.")
    profile: str | None = Field(None, description=f"Words to begin with: {', '.join(PROFILES)}.")
    words: dict[str, str] = Field(
        {}, description=f'Own words, which come before those of the profile, such as RUN = "producing"; {_STATE_NAMES}.'
    )

    @model_validator(mode="after")
    def _known(self) -> Self:
        if not state_words(self.profile, self.words):
            raise ValueError('a state needs words, such as words = { RUN = "producing" }, or a profile')
        return self


class PartsOptions(_Model):
    """What the machine makes: counters that go up, and begin again at 0."""

    total: str | None = Field(None, description="Counter of parts made.")
    good: str | None = Field(None, description="Counter of good parts.")
    reject: str | None = Field(None, description="Counter of rejected parts.")
    ideal: Duration | None = Field(None, gt=0, description="Planned run time of a part.")
    ideal_of: dict[str, Duration] = Field({}, description="Planned run time of a part, by product.")

    @model_validator(mode="after")
    def _enough(self) -> Self:
        if self.total is None and self.good is None:
            raise ValueError('parts need a counter: total = "SERIES" or good = "SERIES"')
        return self


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

    demand_forecast: bool = Field(
        True,
        description="Whether windows of maximum demand are forecast; 1,024 of them are remembered by slots of a minute "
        "or longer, which takes 250 kB a machine.",
    )
    demand_limit: float | None = Field(
        None, gt=0, description="Demand to stay under, kW: what is to be shed for that is told."
    )
    demand_charge: float | None = Field(
        None, ge=0, description="Money for a kW of the month's maximum demand; comes before that of the tariff."
    )

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
        return self

    @property
    def globs(self) -> list[str]:
        """The globs of `assets`, as a list."""
        return [self.assets] if isinstance(self.assets, str) else list(self.assets)
