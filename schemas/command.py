"""Commands: what a person or a board asks of the workers, on `command.v1`."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self, get_args

import orjson
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
    model_validator,
)

from schemas.errors import Reject
from schemas.names import LONGEST_NAME, asset_fault, name_fault
from schemas.times import LEAST_NS, explain, parse_times

MAX_BYTES = 900_000
"""Size of a command at most: the control record made of it must fit the topic as well."""
LONGEST_ID = 80
LONGEST_REASON = 2_000

CommandKind = Literal["rebaseline", "configure", "mute", "approve", "reject"]
COMMAND_KINDS: tuple[str, ...] = get_args(CommandKind)


def _named(name: str) -> str:
    fault = name_fault(name)
    if fault:
        raise ValueError(fault)
    return name


def _asset(name: str) -> str:
    fault = asset_fault(name) if is_exact(name) else name_fault(name)
    if fault:
        raise ValueError(fault)
    return name


def _time(value: Any) -> int:
    ns, bad = parse_times([value])
    if bad[0]:
        raise ValueError(explain(value))
    return int(ns[0])


def _absent_as(default: Any) -> BeforeValidator:
    """Null counts as left out: boards send it for fields that nobody filled in."""
    return BeforeValidator(lambda value: default if value is None else value)


def is_exact(pattern: str) -> bool:
    """Whether a pattern names one thing: it has none of a glob's characters.

    >>> is_exact("penang/smt/line1/oven3"), is_exact("penang/*/oven?")
    (True, False)
    """
    return not set(pattern) & set("*?[")


Pattern = Annotated[str, Field(max_length=LONGEST_NAME), AfterValidator(_named), _absent_as("*")]
CommandTime = Annotated[
    int,
    BeforeValidator(_time),
    WithJsonSchema(
        {
            "description": "RFC 3339, or integer nanoseconds since the epoch; years 1970 to 2261.",
            "anyOf": [
                {"type": "string", "format": "date-time"},
                {"type": "integer", "minimum": LEAST_NS},
                {"const": 0},
            ],
        }
    ),
]


class Target(BaseModel):
    """What a command is about. Patterns are globs (`*`, `?`, `[...]`); a name without these stands for itself."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    asset: Annotated[str, AfterValidator(_asset)] | None = Field(
        None, description="Path of an asset, or a glob over paths.", examples=["penang/smt/line1/oven3"]
    )
    series: Pattern = Field("*", description="Series of these assets.")
    watch: Pattern = Field("*", description="Watches of these series.")
    episode: Annotated[str, AfterValidator(_named)] | None = Field(None, description="Id of an open episode.")

    @property
    def exact_asset(self) -> str | None:
        """The path of the one asset that is meant; None where a glob, or nothing, says which."""
        return self.asset if self.asset is not None and is_exact(self.asset) else None


class Payload(BaseModel):
    """What a command brings with it."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    until: CommandTime | None = Field(
        None, description="mute: its end by the log's clock; at or before now, it ends mutes of the same target."
    )
    site: str | None = Field(None, description="configure: the resolved site, JSON, zlib, base64.")
    proposal: Annotated[str, Field(min_length=1, max_length=LONGEST_ID), AfterValidator(_named)] | None = Field(
        None, description="approve, reject: id of the baseline that is proposed, instead of target.episode."
    )


class Command(BaseModel):
    """One command. `command_id` makes it idempotent: a partition carries it out once, however often it comes."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    schema_version: Literal[1] = 1
    command_id: Annotated[str, Field(min_length=1, max_length=LONGEST_ID), AfterValidator(_named)]
    kind: CommandKind
    target: Annotated[Target, _absent_as({})] = Target()
    by: Annotated[str, Field(min_length=1, max_length=LONGEST_NAME), AfterValidator(_named)] = Field(
        description="Who says so; a claim, not a proof."
    )
    at: CommandTime | None = Field(None, description="When it was given, by the sender's clock.")
    reason: str | None = Field(None, max_length=LONGEST_REASON)
    payload: Annotated[Payload, _absent_as({})] = Payload()

    @model_validator(mode="after")
    def _whole(self) -> Self:
        missing = [name for name, given in _needed(self) if not given]
        if missing:
            raise ValueError(f"{self.kind} needs {' and '.join(missing)}")
        if self.payload.proposal is not None and self.target.episode is not None:
            raise ValueError("give target.episode or payload.proposal, not both: each is decided by itself")
        return self

    def to_bytes(self) -> bytes:
        """The record's value: JSON."""
        return self.model_dump_json(exclude_none=True).encode()


def _needed(command: Command) -> list[tuple[str, bool]]:
    asset = ('target.asset (a path, or a glob such as "*/line1/*")', command.target.asset is not None)
    match command.kind:
        case "rebaseline":
            return [asset]
        case "mute":
            return [asset, ("payload.until (nanoseconds or RFC 3339)", command.payload.until is not None)]
        case "configure":
            return [("payload.site", bool(command.payload.site))]
    named = bool(command.target.episode or command.payload.proposal)
    return [("target.episode (the id of an open episode) or payload.proposal", named)]


def read_command(value: bytes | None) -> Command:
    """Read a command as it came. Raises Reject (empty, too_large, malformed, bad_command), and nothing else.

    >>> read_command(b'{"command_id": "1", "kind": "approve", "by": "ann"}')
    Traceback (most recent call last):
    schemas.errors.Reject: bad_command: approve needs target.episode (the id of an open episode) or payload.proposal
    """
    if not value:
        raise Reject("empty", "value", "expected a command as a JSON object")
    if len(value) > MAX_BYTES:
        raise Reject("too_large", "value", f"expected at most {MAX_BYTES} bytes, got {len(value)}")
    try:
        body = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise Reject("malformed", "value", f"expected a command as a JSON object: {error}") from error
    if not isinstance(body, dict):
        raise Reject("malformed", "value", f"expected a command as a JSON object, got {type(body).__name__}")
    return as_command(body)


def as_command(body: dict[str, Any]) -> Command:
    """A command from its fields. Raises Reject("bad_command")."""
    try:
        return Command.model_validate(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise Reject("bad_command", place, first["msg"].removeprefix("Value error, ")) from error
