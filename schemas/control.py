"""Control records: what workers write into a partition's log beside readings (ticks, configurations, commands).

They are signed with the workers' shared key, so that a gateway with the right to write readings cannot forge one.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from typing import Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from schemas.errors import Reject

CONTENT_TYPE = b"application/vnd.millstream.control+json"
SIGNATURE = "millstream-signature"
ORIGIN = "millstream-origin"

Kind = Literal["tick", "configure", "command"]


class Control(BaseModel):
    """One control record of a partition's log.

    `partition` is part of what is signed: a record copied to another partition is refused.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    kind: Kind
    partition: int
    part: int = Field(0, ge=0, description="Index of this part of a payload above 900 kB.")
    parts: int = Field(1, ge=1)
    payload: dict[str, Any] = Field(
        default_factory=dict,
        description="configure: site, and the command it came with, if any; command: the command, as on command.v1.",
    )


def sign(key: bytes, *fields: bytes) -> bytes:
    """HMAC-SHA256 over length-prefixed fields, in hexadecimal (RFC 2104)."""
    mac = hmac.new(key, digestmod=hashlib.sha256)
    for field in fields:
        mac.update(len(field).to_bytes(8, "big"))
        mac.update(field)
    return mac.hexdigest().encode()


def encode(control: Control, key: bytes) -> tuple[bytes, list[tuple[str, bytes]]]:
    """Value and headers of a control record.

    >>> value, headers = encode(Control(kind="tick", partition=3), b"k")
    >>> decode(value, dict(headers), b"k", 3).kind
    'tick'
    """
    value = orjson.dumps(control.model_dump())
    return value, [("content-type", CONTENT_TYPE), (SIGNATURE, sign(key, b"control", value))]


def decode(value: bytes, headers: dict[str, bytes], key: bytes, partition: int) -> Control:
    """Verify and read a control record.

    Raises Reject("forged_control") where the signature or the partition is wrong, Reject("bad_control") where
    the body is.
    """
    given = headers.get(SIGNATURE) or b""  # a header may be null
    if not key or not hmac.compare_digest(given, sign(key, b"control", value)):
        raise Reject("forged_control", SIGNATURE, "not signed with this site's control key")
    try:
        control = Control.model_validate(orjson.loads(value))
    except (orjson.JSONDecodeError, ValidationError) as error:
        raise Reject("bad_control", "value", str(error).splitlines()[0]) from error
    if control.partition != partition:
        raise Reject("forged_control", "partition", f"signed for partition {control.partition}, found on {partition}")
    return control


def encode_origin(partition: int, offset: int, value: bytes, key: bytes) -> tuple[str, bytes]:
    """The header that a forwarded reading carries: where it was first written, signed together with its value."""
    place = b"%d:%d" % (partition, offset)
    return ORIGIN, place + b":" + sign(key, b"origin", place, value)


def decode_origin(header: bytes, value: bytes, key: bytes) -> tuple[int, int]:
    """Partition and offset of a forwarded reading. Raises Reject("forged_origin").

    >>> decode_origin(encode_origin(2, 77, b"{}", b"k")[1], b"{}", b"k")
    (2, 77)
    """
    parts: Sequence[bytes] = header.split(b":")
    if len(parts) == 3 and key:
        place = parts[0] + b":" + parts[1]
        if (
            hmac.compare_digest(parts[2], sign(key, b"origin", place, value))
            and parts[0].isdigit()
            and parts[1].isdigit()
        ):
            return int(parts[0]), int(parts[1])
    raise Reject("forged_origin", ORIGIN, "not signed with this site's control key")
