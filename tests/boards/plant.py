"""What the boards' plant is and sends: two weeks of one machine, and the last hours of all, a row a minute."""

from __future__ import annotations

from collections.abc import Iterator

from streams.plant import Fault, Frame, Plant
from streams.plant.site import SITE

MINUTE = 60_000_000_000
DAYS, SHIFT, ALL = 14 * 1440, 26 * 60, 3 * 60
"""Minutes back from now: of the machine with a baseline, of the site's meter, of all machines."""
LIVE = 60
"""The last minutes, in which the faults are."""
_BLOCK = 120
LEARNED, METER = "penang/machining/line1/cnc-01", "penang/utilities/power/meter-4"
_NEEDED = ("state", "part_count", "reject_count", "active_power", "product")
OVEN = "penang/smt/line1/oven-1"

# the three on utilities open as critical, major and minor, whatever machines do at the hour of the test
FAULTS = (
    Fault("overheat", OVEN, "zone6_temp", 1800.0, 1800.0, 9.0),
    Fault("stuck", "penang/smt/line1/oven-3", "oxygen", 600.0, 3000.0),
    Fault("dead", "penang/utilities/power/meter-3", "frequency", 600.0, 900.0),
    Fault("spike", "penang/machining/line1/cnc-01", "spindle_current", 1200.0, 120.0, 25.0),
    Fault("spike", "penang/utilities/cooling/chiller-1", "water_temp_out", 2000.0, 300.0, 90.0),
    Fault("spike", "penang/utilities/cooling/chiller-2", "water_temp_out", 2400.0, 300.0, 50.0),
    Fault("spike", "penang/utilities/power/meter-2", "frequency", 2700.0, 300.0, 25.0),
    Fault("drift", "penang/smt/line1/oven-2", "exhaust_flow", 600.0, 3000.0, 30.0),
)

_MORE = """
[[baseline]]
asset = "*/cnc-01"
production = "produced"
warmup = 12

[[energy.certificates]]
name = "an example"
share = 0.3
valid_from = 2020-01-01
valid_to = 2100-01-01
source = "made up for this test"

[[watch]]
name = "rules"
series = "*/oven-*/zone?_temp"
when = "state == 'running'"
detector = { kind = "nelson" }

[[watch]]
name = "together"
assets = "*/chiller-*"
inputs = ["*"]
detector = { kind = "t2_spe", warmup = 60 }

[[watch]]
name = "clock"
series = "*/oven-*/zone1_temp"
detector = { kind = "clock", ahead = "5s" }

[[watch]]
name = "quality"
series = "*"
detector = { kind = "quality" }
"""


def site() -> str:
    """The plant's own site file, for readings a minute apart, with a watch of each kind that boards ask for."""
    text = SITE.read_text(encoding="utf-8")
    for old, new in (
        ('timeout = "4s"', 'timeout = "150s"'),
        ('after = "3s"', 'after = "10m"'),
        ('half_life = "10m", warmup = "5m"', 'half_life = "2h", warmup = "1h"'),
        ('kpi_interval = "5s"', 'kpi_interval = "2s"\npage_within = "2h"\ngrace = "5s"'),
    ):
        assert old in text, f"the plant's site file no longer has {old}"
        text = text.replace(old, new)
    return text + _MORE


def frames(now: int) -> Iterator[list[Frame]]:
    """Frames of the plant up to now, in order of time; the last `LIVE` minutes one by one."""
    start = now // MINUTE * MINUTE - DAYS * MINUTE
    plant = Plant(20260105, start, 60.0, FAULTS, live_ns=start + (DAYS - LIVE) * MINUTE)
    left = DAYS
    while left > 0:
        rows = min(_BLOCK, left - LIVE) if left > LIVE else 1
        yield [_cut(frame) if left > ALL else frame for frame in plant.block(rows) if _sent(frame.asset, left)]
        left -= rows


def _sent(asset: str, left: int) -> bool:
    return left <= ALL or asset == LEARNED or (asset == METER and left <= SHIFT)


def _cut(frame: Frame) -> Frame:
    """What key figures need of it."""
    if frame.asset == METER:
        kept = {name: frame.series[name] for name in ("energy", "reactive_power", "active_power")}
    else:
        kept = {name: frame.series[name] for name in _NEEDED}
    return frame._replace(series=kept, unit={name: unit for name, unit in frame.unit.items() if name in kept})
