"""What the command agent lets through, where it sends it, and how it turns away what is no command."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.audit import Audit, audit_id_of
from schemas.chunk import Record
from schemas.command import COMMAND_KINDS, MAX_BYTES, read_command
from schemas.control import Control, decode, encode
from schemas.errors import Reject
from schemas.partition import key_of, partition_of
from streams import command_agent
from streams.command_agent import verify
from streams.command_client import configure_command
from streams.configure import Assembly
from streams.resolve import resolve, to_payload
from streams.site import Site, parse_site

OVEN = "penang/smt/line1/oven3"
TARGETS: dict[str, dict[str, Any]] = {
    "rebaseline": {"target": {"asset": OVEN}},
    "mute": {"target": {"asset": OVEN}, "payload": {"until": 1_767_600_000_000_000_000}},
    "approve": {"target": {"episode": "e"}},
    "reject": {"target": {"episode": "e"}},
    "configure": {"payload": configure_command(resolve(Site()), "ann").payload.model_dump()},
}


def body(kind: str = "mute", **more: Any) -> dict[str, Any]:
    return {"command_id": "c-1", "kind": kind, "by": "ann", **TARGETS[kind], **more}


def asked(value: Any, partition: int = 3, level: Any = "line") -> Any:
    raw = value if isinstance(value, bytes | None) else json.dumps(value).encode()
    return verify(Record(41, 7, b"key", raw), partition, 12, level)


def why(value: Any) -> str:
    found = asked(value)
    assert isinstance(found, Audit), found
    assert (found.outcome, found.log, found.partition, found.offset, found.received) == (
        "refused",
        "command.v1",
        3,
        41,
        7,
    )
    assert found.audit_id == audit_id_of(found.command_id, "command.v1", 3, 41)
    assert found.why
    return found.why


@pytest.mark.parametrize("kind", COMMAND_KINDS)
def test_a_command_of_every_kind_goes_on_as_one_control_record_that_workers_can_read(kind: str) -> None:
    [control] = asked(body(kind, at="2026-01-05T08:00:00Z", reason="why", unknown={"to": "us"}))
    value, headers = encode(control, b"k" * 16)
    again = decode(value, dict(headers), b"k" * 16, control.partition)
    assert again == control
    carried = again.payload["command"]
    assert {name: carried[name] for name in ("command_id", "kind", "by", "at", "reason")} == {
        "command_id": "c-1", "kind": kind, "by": "ann", "at": 1_767_600_000_000_000_000, "reason": "why",
    }  # fmt: skip
    assert len(value) < 1_000_000


@pytest.mark.parametrize("level", ["site", "area", "line", "machine"])
def test_a_command_about_one_asset_goes_to_the_assets_partition_wherever_it_was_written(level: Any) -> None:
    home = partition_of(key_of(OVEN, level), 12)
    for partition in (home, (home + 1) % 12):
        assert [c.partition for c in asked(body(), partition, level)] == [home]


@pytest.mark.parametrize(
    "value",
    [body(target={"asset": "penang/*"}), body("approve"), body("configure"), body(target={"asset": "oven[3]"})],
)
def test_a_command_with_a_glob_or_without_an_asset_stays_on_the_partition_it_was_written_to(value: Any) -> None:
    assert [[c.partition for c in asked(value, p)] for p in (0, 3, 11)] == [[0], [3], [11]]


@pytest.mark.parametrize(
    ("value", "right"),
    [
        (None, "empty at value: expected a command as a JSON object"),
        (b"", "expected a command as a JSON object"),
        (b"{", "malformed"),
        (b"[]", "got list"),
        (b"\xff\xfe", "malformed"),
        (b"[" * 100_000, "malformed"),
        ({**body(), "command_id": None}, "command_id: Input should be a valid string"),
        ({**body(), "command_id": ""}, "at least 1 character"),
        ({**body(), "command_id": "x" * 81}, "at most 80 characters"),
        ({**body(), "command_id": "a\nb"}, "expected no control characters"),
        ({**body(), "command_id": 5}, "valid string"),
        ({**body(), "kind": "shelve"}, "'rebaseline', 'configure', 'mute', 'approve' or 'reject'"),
        ({**body(), "by": ""}, "by: String should have at least 1 character"),
        ({k: v for k, v in body().items() if k != "by"}, "by: Field required"),
        (body(at=1_767_600_000), "seconds? multiply by 10**9"),
        (body(reason="x" * 2001), "at most 2000 characters"),
        (body(target=None), "mute needs target.asset (a path, or a glob"),
        (body(target={"asset": "a//b"}), "target.asset: expected a path site/area/line/machine"),
        (body(target={"asset": "a", "series": "x" * 256}), "target.series"),
        (body(target=[1]), "target"),
        (body(payload={}), "payload.until (nanoseconds or RFC 3339)"),
        (body(payload={"until": "tomorrow"}), "expected RFC 3339"),
        (body(payload={"until": True}), "expected RFC 3339"),
        (body("approve", target={"asset": OVEN}), "target.episode (the id of an open episode)"),
        (body("configure", payload={}), "payload.site"),
    ],
)
def test_what_is_no_command_is_refused_with_what_would_be_right(value: Any, right: str) -> None:
    assert right in why(value)


def test_null_is_as_good_as_left_out() -> None:
    found = asked(
        body(reason=None, at=None, payload={"until": 0}, target={"asset": OVEN, "series": None, "watch": None})
    )
    assert found[0].payload["command"]["target"] == {"asset": OVEN, "series": "*", "watch": "*"}
    assert isinstance(asked(body("approve", payload=None)), list)


def test_a_refusal_carries_what_its_sender_is_to_be_found_by() -> None:
    found = asked({**body(), "kind": "shelve", "reason": "r"})
    assert (found.command_id, found.kind, found.by, found.reason) == ("c-1", "shelve", "ann", "r")
    assert asked({**body(), "command_id": "x" * 81}).command_id is None
    assert asked({"command_id": "c", "by": 5, "kind": ["x"]}).kind is None


def test_a_command_of_more_than_900_kb_is_refused() -> None:
    room = MAX_BYTES - len(orjson.dumps(body(padding="")))
    assert isinstance(asked(orjson.dumps(body(padding="x" * room))), list)
    assert "expected at most 900000 bytes, got 900001" in why(orjson.dumps(body(padding="x" * (room + 1))))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)
FIELDS = ("schema_version", "command_id", "kind", "target", "by", "at", "reason", "payload")


@given(st.binary(max_size=60) | st.none())
def test_any_bytes_are_refused_and_raise_nothing_but_reject(value: bytes | None) -> None:
    assert why(value)
    with pytest.raises(Reject):
        read_command(value)


@given(
    kind=st.sampled_from(COMMAND_KINDS),
    swap=st.dictionaries(st.sampled_from(FIELDS), JSON, min_size=1, max_size=3),
    inner=st.dictionaries(st.sampled_from(["asset", "series", "watch", "episode", "until", "site"]), JSON, max_size=3),
)
def test_whatever_stands_in_the_fields_a_record_follows_or_a_refusal(kind: str, swap: Any, inner: Any) -> None:
    for value in (body(kind) | swap, body(kind, target=inner, payload=inner)):
        found = asked(json.dumps(value).encode())
        if isinstance(found, list):
            encode(found[0], b"k" * 16)
        else:
            assert found.outcome == "refused"
            found.to_bytes()


# --- the site that a configure brings


def packed(payload: Any) -> str:
    return base64.b64encode(zlib.compress(json.dumps(payload).encode())).decode()


def changed(**more: Any) -> dict[str, Any]:
    return to_payload(resolve(Site())) | more


def with_site(**more: Any) -> dict[str, Any]:
    payload = changed()
    payload["site"] = payload["site"] | more
    return payload


def test_a_site_comes_out_as_it_went_in() -> None:
    site = resolve(parse_site('[site]\nversion = 4\ntimezone = "America/New_York"\n', "s"))
    [control] = asked(configure_command(site, "ann").to_bytes(), 5)
    assert (control.kind, control.partition, control.part, control.parts) == ("configure", 5, 0, 1)
    assert Assembly().add(control) == json.loads(site.model_dump_json())


@pytest.mark.parametrize(
    ("site", "fault"),
    [
        ("no base64!", "expected a resolved site as JSON, zlib, base64"),
        (base64.b64encode(b"no zlib").decode(), "expected a resolved site"),
        (base64.b64encode(zlib.compress(b"no json")).decode(), "expected a resolved site"),
        (packed([1, 2]), "expected a resolved site"),
        (packed({}), "Field required"),
        (packed(with_site(watch=[{"name": "w", "series": "*", "detector": {"kind": "nonesuch"}}])), "nonesuch"),
        (
            packed(with_site(watch=[{"name": "w", "series": "*", "detector": {"kind": "gap", "at_least": "x"}}])),
            "at_least",
        ),
        (packed(with_site(watch=[{"name": "w", "detector": {"kind": "gap"}}])), "a watch needs either series"),
        (packed(with_site(misspelt=1)), "misspelt"),
        (packed(changed(hash="<script>")), "hash: expected 12 hexadecimal digits"),
        (packed(changed(offsets=[])), "offsets"),
        (packed(changed(offsets=[[0, 0], [-5, 0]])), "offsets"),
        (packed(changed(offsets=[[5, 0]])), "offsets"),
        (packed(changed(offsets=[[-(2**70), 0]])), "offsets"),
        (packed(changed(offsets=[[0, 10**6]])), "offsets"),
        (packed(changed(days={"1": 9})), "days"),
        (packed(with_site(site={"version": 1e20})), "site.site.version"),
    ],
)
def test_a_site_that_no_engine_could_take_is_refused_whole(site: str, fault: str) -> None:
    said = why(body("configure", payload={"site": site}))
    assert said.startswith("bad_site at payload.site: ")
    assert fault in said


def test_what_stops_an_engine_stops_at_the_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object) -> None:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(command_agent, "Engine", broken)
    site = packed(with_site(site={"version": 77}))
    assert "no engine can start with it: ZeroDivisionError('by zero')" in why(body("configure", payload={"site": site}))


def test_a_site_that_unpacks_without_end_is_refused_in_bounded_memory() -> None:
    bomb = zlib.compressobj(9)
    head = bomb.compress(b'{"site": "')
    pieces = [bomb.compress(b"a" * 1_000_000) for _ in range(300)]  # 300 MB in 300 kB
    site = base64.b64encode(head + b"".join(pieces) + bomb.flush()).decode()
    assert len(site) < MAX_BYTES
    assert "expected a resolved site" in why(body("configure", payload={"site": site}))
    assert Assembly.MAX_BYTES < 100_000_000


def test_a_control_record_is_what_workers_call_a_command() -> None:
    [control] = asked(body())
    assert isinstance(control, Control)
    assert control.kind == "command"
