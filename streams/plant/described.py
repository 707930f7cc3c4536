"""A plant described in a file: machines, how their series behave, and the faults that are in it.

So a site's profile can be tried, faster than time passes, before any machine is connected:
`millstream demo --config SITE.toml` plays the `plant.toml` beside the site file.
"""

from __future__ import annotations

import tomllib
import zlib
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from detectors.durations import SECOND, Duration
from schemas.errors import Misconfigured
from streams.plant.faults import Fault
from streams.plant.frames import Frame

FILE = "plant.toml"
"""Name of the description, beside the site file."""

Values = NDArray[np.float64]
_DAY_S = 86_400.0


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DescribedSeries(_Strict):
    """A level with noise, a swing over the day, and a cycle of its own; or a counter."""

    unit: str = Field(description="UCUM unit.")
    level: float = Field(description="Mean while the machine runs; of a counter, what it counts an hour.")
    noise: float = Field(0.0, ge=0, description="Standard deviation of each reading about it.")
    daily: float = Field(0.0, description="Swing over the day, highest at 15:00.")
    swing: float = Field(0.0, description="Swing of a cycle, such as a compressor's.")
    period: Duration = Field("30m", validate_default=True, description="Length of that cycle.")
    idle: float | None = Field(None, description="Mean while the machine does not run; default: as if it ran.")
    counter: bool = Field(False, description="Counts up while the machine runs.")
    digits: int = Field(2, ge=0, le=6, description="Decimals that the sensor gives.")


class DescribedMachine(_Strict):
    """Machines that are alike."""

    assets: list[str] = Field(min_length=1, description="Paths, site/area/line/machine.")
    hours: tuple[float, float] | None = Field(
        None, description="Local hours from and to at which it runs; then a text series `state` says running or idle."
    )
    series: dict[str, DescribedSeries] = Field(min_length=1)


class DescribedFault(_Strict):
    """What goes wrong, where and when, and how soon it should be found."""

    asset: str
    series: str
    kind: Literal["step", "drift", "stuck", "dead"]
    start: Duration = Field(description="From the beginning of the plant.")
    lasts: Duration
    size: float = Field(0.0, description="In the series' unit: of a step, or what a drift comes to at its end.")
    found_within: Duration = Field(description="A watch of the profile finds it this soon.")
    story: dict[Literal["en", "ms", "zh-TW"], str] = Field(min_length=3, description="What happens, for people.")


class DescribedPlant(_Strict):
    """A plant of so many days, a reading of every series each interval."""

    days: float = Field(gt=0, le=60)
    interval: Duration
    seed: int = 1
    machine: Annotated[list[DescribedMachine], Field(min_length=1)]
    fault: Annotated[list[DescribedFault], Field(min_length=1)]

    @model_validator(mode="after")
    def _faults_are_somewhere(self) -> DescribedPlant:
        for fault in self.fault:
            if not any(fault.asset in m.assets and fault.series in m.series for m in self.machine):
                raise ValueError(f"fault on {fault.asset} {fault.series}: no machine has this series")
        return self

    def faults(self) -> list[Fault]:
        """The faults as those of the simulated plant are told of; times in seconds from the beginning."""
        return [Fault(f.kind, f.asset, f.series, f.start / SECOND, f.lasts / SECOND, f.size) for f in self.fault]

    def frames(self, start_ns: int) -> list[Frame]:
        """All its readings from `start_ns`, which counts as local midnight: a frame of each machine."""
        step_s = self.interval / SECOND
        since_s: Values = np.arange(round(self.days * _DAY_S / step_s), dtype=np.float64) * step_s
        time = start_ns + np.round(since_s * SECOND).astype(np.int64)
        return [self._frame(m, asset, since_s, time) for m in self.machine for asset in m.assets]

    def _frame(self, machine: DescribedMachine, asset: str, since_s: Values, time: NDArray[np.int64]) -> Frame:
        hour = np.mod(since_s, _DAY_S) / 3600.0
        begin, end = machine.hours or (0.0, 24.0)
        running = (hour >= begin) & (hour < end)
        series: dict[str, Values | list[str]] = {
            name: self._column(asset, name, declared, since_s, hour, running)
            for name, declared in machine.series.items()
        }
        if machine.hours is not None:
            series["state"] = ["running" if each else "idle" for each in running.tolist()]
        return Frame(asset, time, series, {name: declared.unit for name, declared in machine.series.items()})

    def _column(
        self,
        asset: str,
        name: str,
        declared: DescribedSeries,
        since_s: Values,
        hour: Values,
        running: NDArray[np.bool_],
    ) -> Values:
        rng = np.random.default_rng([self.seed, zlib.crc32(f"{asset}/{name}".encode())])
        noise = declared.noise * rng.standard_normal(len(since_s))
        if declared.counter:
            step_h = (since_s[1] - since_s[0]) / 3600.0
            out = np.floor(np.cumsum(running * declared.level * step_h))
        else:
            phase = rng.uniform() + since_s / (declared.period / SECOND)
            at = declared.level + declared.daily * np.cos(2 * np.pi * (hour - 15.0) / 24.0)
            at = at + declared.swing * np.sin(2 * np.pi * phase)
            out = np.where(running, at, at if declared.idle is None else declared.idle) + noise
        for fault in self.fault:
            if (fault.asset, fault.series) == (asset, name):
                out = _faulty(fault, out, since_s)
        return np.asarray(np.round(out, declared.digits))


def _faulty(fault: DescribedFault, clean: Values, since_s: Values) -> Values:
    start, lasts = fault.start / SECOND, fault.lasts / SECOND
    inside = (since_s >= start) & (since_s < start + lasts)
    match fault.kind:
        case "dead":
            changed = np.full(len(clean), np.nan)
        case "stuck":
            changed = np.full(len(clean), clean[int(np.argmax(inside))])
        case "step":
            changed = clean + fault.size
        case _:
            changed = clean + fault.size * (since_s - start) / lasts
    return np.where(inside, changed, clean)


def load_plant(path: Path) -> DescribedPlant:
    """The description in a file. Raises Misconfigured, naming what is wrong."""
    try:
        return DescribedPlant.model_validate(tomllib.loads(path.read_text("utf-8")))
    except OSError as error:
        raise Misconfigured(f"{path}: cannot be read ({error.strerror})") from error
    except tomllib.TOMLDecodeError as error:
        raise Misconfigured(f"{path}: {error}") from error
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
        raise Misconfigured("\n".join(f"{path}: {'.'.join(map(str, f['loc']))}: {f['msg']}" for f in faults)) from error
