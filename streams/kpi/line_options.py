"""[[line]]: which machines make a line, in the order of the flow, and what a minute of its bottleneck costs."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

from detectors.durations import Duration
from schemas.partition import Level


class LineOptions(BaseModel):
    """[[line]]: lines, of which figures are made out of those of their machines."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str = Field(
        min_length=1, description='Glob over line paths such as "penang/smt/*"; the first entry that fits counts.'
    )
    machines: list[str] | None = Field(
        None,
        description="Machines in the order of the flow, by the last level of their paths; what the last one makes is "
        "what the line makes. Default: all that a [[machine]] entry speaks of, in order of name.",
    )
    minute_cost: float | None = Field(
        None, ge=0, description="What a minute of the bottleneck costs the line, in the site's currency."
    )
    ideal: Duration | None = Field(
        None, gt=0, description="Planned run time of a part at the line's slowest machine: OEE of the line needs it."
    )
    ideal_of: dict[str, Annotated[Duration, Field(gt=0)]] = Field(
        {}, description="The same, by product of the last machine."
    )

    @field_validator("path")
    @classmethod
    def _a_line(cls, path: str) -> str:
        if path.startswith("/") or path.endswith("/"):
            raise ValueError(f'expected the path of a line such as "penang/smt/line1", got {path!r}')
        return path

    @field_validator("machines")
    @classmethod
    def _some_once(cls, machines: list[str] | None) -> list[str] | None:
        if machines is None:
            return None
        if not machines or not all(machines):
            raise ValueError('expected names of machines such as ["printer", "oven"], or leave it out for all')
        if twice := sorted({name for name in machines if machines.count(name) > 1}):
            raise ValueError(f"machine {twice[0]!r} stands twice; each machine of a line has one place in its flow")
        return machines

    @property
    def times(self) -> bool:
        """Whether planned run times are given, so that OEE of the line can be formed."""
        return self.ideal is not None or bool(self.ideal_of)


def check_lines(lines: list[LineOptions], machines: bool, level: Level) -> None:
    """Refuse, with a ValueError, lines that a site with such machines and partitions cannot make figures of."""
    if not lines:
        return
    if not machines:
        raise ValueError("[[line]] needs [[machine]] entries: the figures of a line are made of those of its machines")
    paths = [line.path for line in lines]
    if twice := sorted({path for path in paths if paths.count(path) > 1}):
        raise ValueError(f"line path {twice[0]!r} stands twice; the first entry that fits counts, so leave one out")
    for line in lines:
        if level == "machine" or (level == "area" and line.path.count("/") < 2):
            raise ValueError(
                f'line {line.path!r}: with partition_level = "{level}" the machines of a line may be judged apart; '
                'expected partition_level = "line" or "site"'
                + (', or paths of three levels such as "penang/smt/*"' if level == "area" else "")
            )


def entry_of(lines: list[LineOptions], path: str) -> LineOptions | None:
    """The entry that speaks of a line."""
    return next((line for line in lines if fnmatchcase(path, line.path)), None)
