"""The plant's messages have the shape of a frame on reading.v1, and its site file fits its machines."""

from __future__ import annotations

import fnmatch
import tomllib

import numpy as np
import orjson

from schemas.chunk import Record
from schemas.decode import Decoder
from schemas.names import asset_fault, name_fault
from streams.plant import Fault, Plant, default_faults, history, message_of, messages
from streams.plant.kinds import KINDS
from streams.plant.site import MARK, SITE, assets_toml
from streams.site import load_site

NOW = 1_767_571_200 * 10**9
OVEN = "penang/smt/line1/oven-1"


def test_frames_are_read_back_whole_by_the_decoder() -> None:
    plant = Plant(1, NOW, faults=default_faults(180))
    for batch in [plant.step(), *history(plant, 179)]:
        values = [value for _, value in messages(batch)]
        chunk = Decoder().decode([Record(i, 0, None, value) for i, value in enumerate(values)], partition=0)
        assert not chunk.rejects
        assert sum(chunk.notes.values()) == 0
        assert {(k.asset, k.series, k.unit) for k in chunk.keys} == {
            (f.asset, name, f.unit.get(name)) for f in batch for name in f.series
        }
        absent = sum(int(np.isnan(c).sum()) for f in batch for c in f.series.values() if not isinstance(c, list))
        assert chunk.readings == sum(len(f.time) * len(f.series) for f in batch) - absent
        assert set(chunk.time.tolist()) == set(batch[0].time.tolist())
        oven = next(f for f in batch if f.asset == OVEN)
        sent = np.asarray(oven.series["zone1_temp"])
        code = next(i for i, k in enumerate(chunk.keys) if (k.asset, k.series) == (OVEN, "zone1_temp"))
        np.testing.assert_array_equal(chunk.value[chunk.code == code], sent)


def test_messages_are_frames_with_names_and_columns_of_equal_length() -> None:
    for asset, value in messages(Plant(1, NOW).block(3)):
        body = orjson.loads(value)
        assert set(body) == {"asset", "time", "series", "unit", "source"}
        assert body["asset"] == asset
        assert asset_fault(asset) is None
        assert all(name_fault(name) is None and len(column) == 3 for name, column in body["series"].items())


def test_a_partly_dead_series_is_null_where_it_is_absent() -> None:
    plant = Plant(1, NOW, faults=[Fault("dead", OVEN, "oxygen", 2, 2)])
    (oven,) = (f for f in plant.block(5) if f.asset == OVEN)
    assert [v is None for v in orjson.loads(message_of(oven))["series"]["oxygen"]] == [False, False, True, True, False]


def test_sequence_number_and_source_are_carried() -> None:
    frame = Plant(1, NOW).step()[0]
    body = orjson.loads(message_of(frame, source="gw-7", seq=3))
    assert (body["source"], body["seq"]) == ("gw-7", 3)


def test_site_file_is_valid_and_names_every_series_with_the_unit_it_is_sent_in() -> None:
    site = load_site(SITE)
    assert site.site.timezone == "Asia/Kuala_Lumpur"
    declared = {a.path: a.series for a in site.asset}
    frames = Plant(1, NOW).step()
    assert set(declared) == {f.asset for f in frames}
    for frame in frames:
        assert {n: o.unit for n, o in declared[frame.asset].items()} == frame.unit


def test_machines_in_the_site_file_are_as_generated() -> None:
    text = SITE.read_text(encoding="utf-8")
    assert text.split(MARK)[1].strip() == assets_toml().strip(), "run: python -m streams.plant.site"
    assert tomllib.loads(assets_toml())["asset"][0]["path"] == KINDS[0].assets[0]


def test_counters_and_settings_are_not_watched() -> None:
    series = {(a.path, n): o.watch for a in load_site(SITE).asset for n, o in a.series.items()}
    unwatched = {n for (_, n), watch in series.items() if not watch}
    assert unwatched == {"part_count", "board_count", "reject_count", "run_hours", "energy", "feed_override"}


def test_every_watch_takes_some_series() -> None:
    names = [f"{asset}/{s.name}" for k in KINDS for asset in k.assets for s in k.series]
    for watch in load_site(SITE).watch:
        for glob in [*watch.globs, *watch.exclude]:
            assert fnmatch.filter(names, glob), (watch.name, glob)
