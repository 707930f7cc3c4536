"""The bound on inflated batches: what it leans on in aiokafka is there, and no batch grows beyond it or stops a log."""

from __future__ import annotations

import gzip as gzip_module
import importlib
import inspect
import subprocess
import sys
import textwrap
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import codec
from aiokafka.consumer import fetcher
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.legacy_records import LegacyRecordBatchBuilder
from aiokafka.structs import TopicPartition
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.chunk import REJECTED
from schemas.decode import Decoder
from schemas.refused import Refused
from streams import batch_limit, inflate

CODECS = {"gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
ENCODE = {name: getattr(codec, f"{name}_encode") for name in CODECS}
INFLATE = {name: inflate.INFLATE[f"{name}_decode"] for name in CODECS}
LIMIT = inflate.MAX_BATCH_BYTES
GOOD = b'{"asset": "a/b/c", "series": "t", "time": "2026-01-05T08:00:00Z", "value": 1.0}'
PLACE = TopicPartition("t", 0)


@pytest.fixture(autouse=True)
def _installed() -> None:
    batch_limit.install()


def batch(kind: str | None, *values: bytes, base: int = 0) -> bytes:
    """A record batch as a broker hands it over."""
    builder = DefaultRecordBatchBuilder(2, CODECS[kind] if kind else 0, 0, -1, -1, 0, 1 << 40)
    for i, value in enumerate(values):
        assert builder.append(i, timestamp=5, key=None, value=value, headers=[]) is not None
    raw = bytearray(builder.build())
    raw[:8] = base.to_bytes(8, "big")  # the base offset is not under the checksum
    return bytes(raw)


def read(raw: bytes, start: int = 0) -> list[Any]:
    """What aiokafka makes of a fetched message set, from an offset on."""
    return list(fetcher.PartitionRecords(PLACE, fetcher.MemoryRecords(raw), [], start, None, None, True, 0))


# --- what is leaned on


def test_the_decoders_are_looked_up_where_they_are_replaced() -> None:
    for name in batch_limit.RECORD_MODULES:
        module = importlib.import_module(name)
        theirs = {decoder for decoder in inflate.INFLATE if hasattr(module, decoder)}
        assert theirs >= set(inflate.INFLATE) - {"zstd_decode"}, name
        assert all(getattr(module, decoder) is inflate.INFLATE[decoder] for decoder in theirs), name


def test_aiokafka_has_no_other_decoder() -> None:
    assert {name for name in vars(codec) if name.endswith("_decode")} == set(inflate.INFLATE)


def test_the_fetcher_makes_its_records_and_results_by_the_names_that_are_replaced() -> None:
    source = inspect.getsource(fetcher.Fetcher)
    assert "MemoryRecords(part_data[-1])" in source
    assert "FetchResult(" in source
    assert "getall(max_records)" in source
    assert fetcher.MemoryRecords is batch_limit.BoundedRecords
    assert fetcher.FetchResult is batch_limit.RationedResult
    assert "PartitionRecords(" in source
    assert fetcher.PartitionRecords is batch_limit.PlainRecords
    assert "self._consumer_record(tp, record)" in inspect.getsource(fetcher.PartitionRecords._unpack_records)


def test_the_method_that_is_replaced_is_the_one_it_was_written_for() -> None:
    expected = """
        def getall(self, max_records=None):
            tp = self._topic_partition
            if not self.check_assignment(tp) or not self.has_more():
                return []

            ret_list = []
            for msg in self._partition_records:
                ret_list.append(msg)
                if max_records is not None and len(ret_list) >= max_records:
                    self._update_position()
                    break
            else:
                self._update_position()
                self._partition_records = None

            return ret_list
    """
    (base,) = batch_limit.RationedResult.__bases__
    assert textwrap.dedent(inspect.getsource(base.getall)).strip() == textwrap.dedent(expected).strip()


# --- inflating


@pytest.mark.parametrize("kind", CODECS)
@settings(max_examples=40, deadline=None)
@given(data=st.binary(min_size=1, max_size=5000), times=st.integers(1, 40))
def test_what_is_within_the_bound_comes_out_as_it_went_in(kind: str, data: bytes, times: int) -> None:
    whole = data * times
    assert INFLATE[kind](memoryview(ENCODE[kind](whole))) == whole


def test_raw_snappy_and_gzip_of_several_members_are_read() -> None:
    assert inflate.snappy(codec.snappy_encode(b"abc" * 100, xerial_compatible=False)) == b"abc" * 100
    assert inflate.gzip(gzip_module.compress(b"one") + gzip_module.compress(b"two")) == b"onetwo"


@pytest.mark.parametrize("kind", CODECS)
def test_the_bound_itself_is_allowed_and_a_byte_more_is_not(kind: str) -> None:
    assert len(INFLATE[kind](ENCODE[kind](bytes(LIMIT)))) == LIMIT
    with pytest.raises(inflate.BadBatch, match=f"more than {LIMIT}") as caught:
        INFLATE[kind](ENCODE[kind](bytes(LIMIT + 1)))
    assert caught.value.reason == "too_large"


def test_a_snappy_block_that_claims_gigabytes_is_refused_before_they_are_taken() -> None:
    claim = b"\xff\xff\xff\xff\x0f" + b"\x00x"
    for payload in (claim, b"\x82SNAPPY\x00" + bytes([0, 0, 0, 1]) * 2 + len(claim).to_bytes(4, "big") + claim):
        with pytest.raises(inflate.BadBatch) as caught:
            inflate.snappy(payload)
        assert caught.value.reason == "too_large"


@pytest.mark.parametrize("size", [-4, 0, 2**31 - 1])
def test_a_snappy_block_of_an_impossible_size_ends_the_reading(size: int) -> None:
    head = b"\x82SNAPPY\x00" + bytes([0, 0, 0, 1]) * 2
    with pytest.raises(inflate.BadBatch) as caught:
        inflate.snappy(head + size.to_bytes(4, "big", signed=True) + b"xyz")
    assert caught.value.reason == "malformed"


@pytest.mark.parametrize("kind", CODECS)
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_whatever_the_bytes_nothing_else_is_raised(kind: str, data: st.DataObject) -> None:
    good = ENCODE[kind](bytes(range(256)) * 20)
    cut = data.draw(st.integers(0, len(good)))
    tail = st.binary(max_size=9).map(good.__add__)
    payload = data.draw(st.one_of(st.binary(max_size=200), st.just(good[:cut]), tail))
    caught = None
    try:
        INFLATE[kind](payload)
    except inflate.BadBatch as error:
        caught = error
    assert caught is None or (caught.reason in ("too_large", "malformed") and caught.head == payload[:1024])


def test_a_bomb_takes_no_more_memory_than_the_bound_allows() -> None:
    """In a process of its own, whose address space would not hold what the batch claims to be."""
    script = f"""
        import resource
        from tests.unit.test_batch_limit import *
        bomb = batch("zstd", bytes(400_000_000))
        assert len(bomb) < 20_000
        batch_limit.install()
        print("start", flush=True)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        spare = int(open("/proc/self/statm").read().split()[0]) * 4096 + 4 * {LIMIT}
        resource.setrlimit(resource.RLIMIT_AS, (spare, spare))
        (record,) = read(bomb)
        assert record.value.reason == "too_large"
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "start\n"), done.stderr


# --- a log that holds a refused batch


@pytest.mark.parametrize("kind", CODECS)
def test_a_batch_that_is_too_large_is_rejected_message_by_message_and_the_log_goes_on(kind: str) -> None:
    raw = batch(None, GOOD) + batch(kind, GOOD, bytes(LIMIT), GOOD, base=1) + batch(kind, GOOD, base=4)
    records = read(raw)
    assert [(r.offset, r.timestamp) for r in records] == [(offset, 5_000_000) for offset in range(5)]
    chunk = Decoder().decode(records, 0)
    assert [place.message for place in chunk.rejects] == [1, 2, 3]
    assert {place.reason for place in chunk.rejects} == {"too_large"}
    assert chunk.rejects[0].place.startswith("batch: a compressed batch of 3 messages and ")
    assert chunk.message.tolist() == [0, 4]
    assert (chunk.kind[1:4] == REJECTED).all()


def test_a_batch_that_cannot_be_inflated_is_rejected_as_malformed() -> None:
    builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, 0, 1 << 20)
    assert builder.append(0, timestamp=5, key=None, value=b"not zstd at all", headers=[]) is not None
    raw = bytearray(builder.build())
    raw[22] |= CODECS["zstd"]  # says that it is compressed
    (record,) = fetcher.PartitionRecords(PLACE, fetcher.MemoryRecords(bytes(raw)), [], 0, None, None, False, 0)
    assert isinstance(record.value, Refused)
    (place,) = Decoder().decode([record], 0).rejects
    assert place.reason == "malformed"
    assert "not zstd" in place.place


@pytest.mark.parametrize("magic", [0, 1])
@pytest.mark.parametrize("kind", [None, "gzip", "lz4"])
def test_batches_of_the_older_formats_are_bounded_too(kind: str | None, magic: int) -> None:
    def old(*values: bytes) -> bytes:
        builder = LegacyRecordBatchBuilder(magic, CODECS[kind] if kind else 0, 1 << 40)
        assert all(builder.append(i, timestamp=5, key=None, value=value) for i, value in enumerate(values))
        return bytes(builder.build())

    if kind != "lz4" or magic:  # lz4 has a framing of its own there, which aiokafka refuses
        assert [record.value for record in read(old(GOOD, GOOD))] == [GOOD, GOOD]
        if kind:
            (record,) = read(old(GOOD, bytes(LIMIT)))
            assert isinstance(record.value, Refused)


def test_messages_before_the_position_are_not_told_again() -> None:
    raw = batch("zstd", GOOD, bytes(LIMIT), GOOD, base=10) + batch("zstd", GOOD, base=13)
    assert [record.offset for record in read(raw, start=12)] == [12, 13]


def test_a_sender_cannot_pass_for_a_refused_batch() -> None:
    raw = batch(None, GOOD)
    record = read(raw)[0]._replace(headers=batch_limit._MARK)
    assert [place.reason for place in Decoder().decode([record], 0).rejects] == ["unknown_content_type"]


def test_a_refused_message_without_a_single_byte_is_still_rejected() -> None:
    value = Refused.of(b"", "malformed", "empty")
    record = read(batch(None, GOOD))[0]._replace(value=value, headers=batch_limit._MARK)
    assert [place.reason for place in Decoder().decode([record], 0).rejects] == ["malformed"]


# --- rations


class _Result(batch_limit.RationedResult):
    def check_assignment(self, tp: Any) -> bool:
        return True


def result(raw: bytes) -> tuple[_Result, list[int]]:
    positions: list[int] = []
    state = SimpleNamespace(consumed_to=positions.append)
    assignment = SimpleNamespace(active=True, state_value=lambda tp: state)
    records = fetcher.PartitionRecords(PLACE, fetcher.MemoryRecords(raw), [], 0, None, None, True, 0)
    return _Result(PLACE, assignment=assignment, partition_records=records, backoff=0), positions


def test_one_fetch_hands_out_messages_by_bytes_as_well_as_by_number() -> None:
    third = bytes(batch_limit.RATION_BYTES // 3 + 1)
    each = batch("zstd", third)
    raw = b"".join((base).to_bytes(8, "big") + each[8:] for base in range(7))
    rationed, positions = result(raw)
    got = []
    while rationed.has_more():
        got.append([record.offset for record in rationed.getall(4000)])
    assert [part for part in got if part] == [[0, 1, 2], [3, 4, 5], [6]]
    assert positions == [3, 6, 7]


def test_the_number_of_messages_still_counts() -> None:
    rationed, positions = result(batch("lz4", *[GOOD] * 5))
    assert [[record.offset for record in rationed.getall(2)] for _ in range(3)] == [[0, 1], [2, 3], [4]]
    assert positions == [2, 4, 5]
    assert rationed.getall(2) == []
    whole, _ = result(batch("lz4", *[GOOD] * 5))
    assert len(whole.getall()) == 5
