"""[energy]: what a site's electricity costs and emits, as a person writes it in the site file."""

from __future__ import annotations

from datetime import date
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Certificate(_Model):
    """[[energy.certificates]]: electricity that is bought with certificates, for market-based carbon."""

    name: str = Field(min_length=1, description="Name of the contract or certificates.")
    share: float = Field(gt=0, le=1, description="Share of all electricity drawn that they cover.")
    kg_per_kwh: float = Field(0.0, ge=0, description="kg CO2e per kWh of what they cover; 0 for renewables.")
    valid_from: date = Field(description="First local day that they cover.")
    valid_to: date = Field(description="First local day that they no longer cover.")
    source: str = Field(min_length=1, description="Contract or registry, with date.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.valid_to <= self.valid_from:
            raise ValueError(f"expected valid_to after valid_from {self.valid_from}")
        return self


class EnergySupply(_Model):
    """[energy]: the tariff and the grid of a site's electricity; key figures in money and in CO2e follow from them."""

    tariff: str | None = Field(
        None,
        min_length=1,
        description="Name of a shipped tariff, such as tnb_medium_voltage (check it against your own bill), or path of "
        "a TOML file of [[tariff]] tables, relative to the site file.",
    )
    price: float | None = Field(
        None, ge=0, description="Money for a kWh at any time, in place of a tariff; then `currency` is needed."
    )
    currency: str | None = Field(
        None, pattern=r"^[A-Z]{3}$", description="ISO 4217 code of all money; default: the tariff's."
    )
    contract_kw: float | None = Field(
        None, gt=0, description="Contracted capacity, kW: the demand charge of tariffs that charge a contract needs it."
    )
    grid: str | None = Field(
        None, min_length=1, description="Grid of the emission factors, such as peninsular_malaysia; default: no carbon."
    )
    factors: str | None = Field(
        None,
        min_length=1,
        description="Path of a TOML file of [[factor]] tables, relative to the site file; default: the shipped one.",
    )
    edition: int | None = Field(
        None, ge=1, description="Factors as they were up to this edition; default: the newest, as restated."
    )
    residual: str | None = Field(
        None,
        min_length=1,
        description="Grid whose factors are of the residual mix, for what no certificate covers; default: `grid`.",
    )
    certificates: list[Certificate] = Field(
        [], description="Electricity bought with certificates, as below; with them there is market-based carbon."
    )

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.price is not None and self.tariff is not None:
            raise ValueError("expected either a tariff or one price for all hours, not both")
        if self.price is not None and self.currency is None:
            raise ValueError('price is money: say of which currency, such as currency = "MYR"')
        if self.contract_kw is not None and self.tariff is None:
            raise ValueError(
                "contract_kw is for the demand charge of a tariff: name one, such as taipower_high_voltage"
            )
        asked = [name for name in ("factors", "edition", "residual", "certificates") if getattr(self, name)]
        if self.grid is None and asked:
            raise ValueError(f'{asked[0]} needs the grid that electricity comes from, such as grid = "taiwan"')
        if self.residual is not None and not self.certificates:
            raise ValueError("residual is for what certificates do not cover: it needs [[energy.certificates]]")
        for one in self.certificates:
            share = sum(c.share for c in self.certificates if c.valid_from <= one.valid_from < c.valid_to)
            if share > 1 + 1e-9:
                raise ValueError(f"certificates cover {share:g} of all electricity from {one.valid_from}; at most 1")
        return self
