"""A worker that was stopped for ten minutes: silence is judged by the log's clock, not by the worker's."""

from __future__ import annotations

import json
import time

from schemas.codecs import JSON
from schemas.encode import encode_single
from schemas.partition import key_of, partition_of
from tests.faults.mutant import command
from tests.faults.plant import PARTITIONS, SECOND, assets
from tests.faults.stand import Stand
from tests.faults.traffic import Sending

SHIFT_S = 630
"""How long ago the first worker runs: readings arrive for ten minutes after it was stopped."""
SITE = """
[site]
name = "penang"
store = "all"
languages = ["en"]

[[watch]]
name = "gap"
series = "*/beat"
detector = { kind = "gap", timeout = "60s" }
"""


def stopped_for_ten_minutes(stand: Stand) -> list[str]:
    """Runs a worker ten minutes ago, stops it, lets readings arrive for ten minutes, starts one now.

    The topic keeps the producers' times. Returns the assets for which a gap was opened: the one that fell silent.
    """
    start = time.time_ns() // SECOND * SECOND - SHIFT_S * SECOND
    silent = assets()[5]
    before = stand.worker(command("ten_minutes_ago"))
    before.until_ready()
    _beats(stand, start, range(20), None)
    before.until(lambda: (before.counted() or 0) >= 20 * len(assets()), "the readings of ten minutes ago judged")
    before.stop()
    _beats(stand, start, range(20, SHIFT_S - 25), silent)
    after = stand.worker(command("producers_times"))
    after.until_ready()
    after.until(lambda: stand.ledger.total(stand.begins()) == stand.feed.readings, "everything judged and saved")
    stand.tap.catch_up(stand.topic("anomaly.v1"))
    events = [json.loads(record.value or b"{}") for _, record in stand.tap.all(stand.topic("anomaly.v1"))]
    return sorted(event["asset"] for event in events if event["phase"] == "opened")


def _beats(stand: Stand, start: int, seconds: range, silent: str | None) -> None:
    """A beat a second of each machine, stamped when it was made; one machine falls silent for 100 s."""
    for second in seconds:
        for asset in assets():
            if asset == silent and 100 <= second < 200:
                continue
            at = start + second * SECOND
            value, headers = encode_single(asset, "beat", at, 1.0 + second % 7, content_type=JSON)
            key = key_of(asset)
            home = partition_of(key, PARTITIONS)
            message = Sending(home, home, key, value, headers, "none", 1, [(asset, "beat", at)])
            stand.feed.put(message, at // 1_000_000)
    stand.feed.flush()
