"""Partitions are those that the Java client, kafka-python and aiokafka choose."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.partition import Level, key_of, level_names, murmur2, partition_of


@given(st.binary(max_size=40))
def test_murmur2_is_kafka_pythons_and_aiokafkas(data: bytes) -> None:
    from aiokafka.partitioner import murmur2 as of_aiokafka
    from kafka.partitioner.default import murmur2 as of_kafka_python

    assert murmur2(data) == of_kafka_python(data) & 0xFFFFFFFF
    assert murmur2(data) == of_aiokafka(data) & 0xFFFFFFFF


@pytest.mark.parametrize(
    ("data", "signed"),
    [
        # Of the Java client's own test; librdkafka's murmur2_random gives the same for non-empty keys.
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_murmur2_gives_the_java_clients_published_values(data: bytes, signed: int) -> None:
    assert murmur2(data) == signed & 0xFFFFFFFF


@given(st.binary(max_size=20), st.integers(1, 64))
def test_partition_is_the_one_that_aiokafkas_default_partitioner_takes(key: bytes, n: int) -> None:
    from aiokafka.partitioner import DefaultPartitioner

    assert partition_of(key, n) == DefaultPartitioner()(key, list(range(n)), list(range(n)))


@pytest.mark.parametrize(
    ("asset", "names"),
    [
        ("m", ("-", "-", "-", "m")),
        ("s/m", ("s", "-", "-", "m")),
        ("s/l/m", ("s", "-", "l", "m")),
        ("s/a/l/m", ("s", "a", "l", "m")),
        ("s/a/l/m/x/y", ("s", "a", "l", "m/x/y")),
    ],
)
def test_levels_are_named_from_both_ends_of_a_path(asset: str, names: tuple[str, ...]) -> None:
    assert level_names(asset) == names


@pytest.mark.parametrize(
    ("asset", "level", "key"),
    [
        ("s/a/l/m/x", "site", b"s"),
        ("s/a/l/m/x", "area", b"s/a"),
        ("s/a/l/m/x", "line", b"s/a/l"),
        ("s/a/l/m/x", "machine", b"s/a/l/m/x"),
        ("s/l/m", "site", b"s"),
        ("s/l/m", "area", b"s/l/m"),
        ("s/l/m", "line", b"s/l"),
        ("s/m", "site", b"s"),
        ("s/m", "line", b"s/m"),
        ("m", "site", b"m"),
    ],
)
def test_a_key_is_the_path_cut_at_its_level_or_the_whole_path(asset: str, level: Level, key: bytes) -> None:
    assert key_of(asset, level) == key


@given(st.lists(st.text("ab", min_size=1, max_size=3), min_size=3, max_size=6))
def test_machines_of_one_line_share_a_key(levels: list[str]) -> None:
    path = "/".join(levels[: 3 if len(levels) > 3 else 2])
    assert key_of(path + "/m1") == key_of(path + "/m2") == path.encode()
