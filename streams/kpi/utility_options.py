"""[machine.air] and [machine.chiller]: which series of compressors and chillers say what."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AirOptions(_Model):
    """A compressor, for what leaks while nobody is to use air: outside shifts, in breaks, on closed days."""

    flow: str | None = Field(
        None,
        min_length=1,
        description="Flow of compressed air; m3/min, m3/h, m3/s, L/s, L/min or [cft_i]/min, m3/min where it has none.",
    )
    capacity: float | None = Field(
        None,
        gt=0,
        description="Without a flow: what it delivers under load, m3/min; the leak flow is that times the leak share.",
    )

    @model_validator(mode="after")
    def _one_flow(self) -> Self:
        if self.flow is not None and self.capacity is not None:
            raise ValueError("give flow or capacity, not both: a flow that is measured needs no capacity")
        return self


class ChillerOptions(_Model):
    """A chiller: the cooling that it delivers, or the chilled water's flow and temperatures, from which it follows."""

    cooling: str | None = Field(
        None, min_length=1, description="Cooling delivered; W, kW or MW by its unit, kW where it has none."
    )
    flow: str | None = Field(
        None,
        min_length=1,
        description="Flow of chilled water, 1 kg a litre; kg/s, kg/h, t/h, m3/h, m3/s, L/s or L/min, kg/s where it has "
        "none.",
    )
    supply: str | None = Field(
        None,
        min_length=1,
        description="Temperature of the water that leaves it; Cel, K or [degF], Cel where it has none.",
    )
    back: str | None = Field(None, min_length=1, description="Temperature of the water that returns to it, likewise.")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        water = [self.flow, self.supply, self.back]
        if (self.cooling is None) == (water == [None] * 3) or (self.cooling is None and None in water):
            raise ValueError(
                'a chiller needs either cooling = "SERIES", or the chilled water: flow, supply and back = "SERIES" each'
            )
        return self
