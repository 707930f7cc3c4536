"""The KPI row: one key figure of one machine, line, area or site over one window, as other services read it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Status = Literal["provisional", "final", "restated"]


class KpiRow(BaseModel):
    """A key figure over [start, end). A row of the same asset, kpi, product, shift, start and end replaces it if its
    revision is higher; rows never add."""

    model_config = ConfigDict(extra="allow", frozen=True)

    schema_version: Literal[1] = 1
    asset: str = Field(description="Path of the machine, line, area or site.")
    level: Literal["machine", "line", "area", "site"] = Field("machine", description="What `asset` is the path of.")
    kpi: str = Field(description="Name of the figure, such as oee.")
    product: str = Field("", description="Product that it is of; empty: all.")
    shift: str = Field("", description="Shift that the window is; empty: an hour, or a window of maximum demand.")
    start: int = Field(description="Begin of the window (ns).")
    end: int = Field(description="End of the window (ns).")
    value: float | None = Field(description="Null where it cannot be formed: `reason` says why.")
    low: float | None = Field(None, description="Lower end of its interval, where it has one.")
    high: float | None = None
    unit: str = Field(description="UCUM unit; 1 is a share. Of money its ISO 4217 code.")
    coverage: float = Field(ge=0, le=1, description="Share of the window so far for which its inputs were there.")
    status: Status
    revision: int = Field(ge=1, description="Counts the rows of one figure and window from 1.")
    reason: str = Field(
        "",
        description="Why there is no value, or why it stays provisional; of baseline_step, why a shorter one was not "
        "taken.",
    )
    config: str = Field(description="Hash of the configuration in force.")
