"""`make faults`: the whole proof, half an hour; `make test` runs the short one of tests/integration/test_faults.py."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.faults import disk, kill, mutant, outages, owners, saving, silence
from tests.faults.plant import assets
from tests.faults.servers import SESSION_S, Broker, Proxied
from tests.faults.stand import Stand, stand
from tests.servers import InfluxServer

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(3600)]

MINUTE_S = 60.0
OUTAGE_S = 20.0
"""How long an outage lasts at least."""
HEAL_S = 60.0
"""How soon after it the worker is ready."""


def test_thirty_kills_lose_nothing_and_change_nothing(broker: Broker, influx: InfluxServer) -> None:
    with stand(broker.bootstrap, influx, SESSION_S) as s:
        rounds = kill.kill_rounds(s, rounds=30, readings=1_000_000)
        print(f"  {rounds}")
        s.compare()
        over = [life.replayed for life in rounds.lives if life.replayed > rounds.bound]
        assert not over, f"restarts replayed {over} readings, {rounds.bound} are allowed"


def test_a_kill_in_the_middle_of_a_snapshot_changes_nothing(broker: Broker, proxies: Proxied) -> None:
    with stand(broker.bootstrap, proxies.store, SESSION_S, influx_url=proxies.influx_url) as s:
        done = saving.kill_in_a_snapshot(s, proxies.influx)
        print(f"  {done} snapshots begun and never finished")
        assert done >= 2
        s.compare()


def test_a_kill_while_the_store_hangs_and_snapshots_fall_due_changes_nothing(broker: Broker, proxies: Proxied) -> None:
    with stand(broker.bootstrap, proxies.store, SESSION_S, influx_url=proxies.influx_url) as s:
        saving.kill_while_the_store_hangs(s, proxies.influx, 15.0)
        s.compare()


def test_an_owner_that_was_frozen_while_another_took_over_changes_nothing(broker: Broker, influx: InfluxServer) -> None:
    with stand(broker.bootstrap, influx, SESSION_S) as s:
        owners.frozen_owner(s)
        s.compare()


def test_workers_that_come_and_go_change_nothing(broker: Broker, influx: InfluxServer) -> None:
    with stand(broker.bootstrap, influx, SESSION_S) as s:
        owners.come_and_go(s)
        s.compare()


@pytest.mark.parametrize("how", outages.STORE, ids=lambda how: how.name.replace(" ", "_"))
def test_a_store_that_is_away_costs_nothing(broker: Broker, proxies: Proxied, how: outages.Outage) -> None:
    with stand(broker.bootstrap, proxies.store, SESSION_S, influx_url=proxies.influx_url) as s:
        worker = s.worker()
        seconds = MINUTE_S if how is outages.REFUSING else OUTAGE_S
        outages.outage(s, worker, proxies.influx, how, seconds, HEAL_S)
        s.settle()
        s.compare()


def test_a_stop_while_the_store_is_away_loses_nothing(broker: Broker, proxies: Proxied) -> None:
    with stand(broker.bootstrap, proxies.store, SESSION_S, influx_url=proxies.influx_url) as s:
        for begin in (proxies.influx.refuse, proxies.influx.swallow):
            worker = s.worker()
            worker.until_ready()
            outages.flow(s, 3.0)
            begin()
            outages.flow(s, 2.0)
            began = time.monotonic()
            status = worker.stop()
            print(f"  SIGTERM took {time.monotonic() - began:.1f} s, exit status {status}")
            proxies.influx.heal()
        s.worker().until_ready()
        outages.flow(s, 1.0)
        s.settle()
        s.compare()


@pytest.mark.parametrize("how", outages.BROKER, ids=lambda how: how.name.replace(" ", "_"))
def test_a_broker_behind_a_bad_network_costs_nothing(broker: Broker, proxies: Proxied, how: outages.Outage) -> None:
    with stand(broker.bootstrap, proxies.store, SESSION_S, kafka=proxies.kafka_address) as s:
        worker = s.worker()
        outages.outage(s, worker, proxies.kafka, how, 1.5 * OUTAGE_S, 2 * HEAL_S)
        s.settle()
        s.compare()


def test_a_broker_that_is_killed_and_comes_back_costs_nothing(broker: Broker, influx: InfluxServer) -> None:
    with stand(broker.bootstrap, influx, SESSION_S) as s:
        worker = s.worker()
        worker.until_ready()
        for away_s in (0.0, 45.0):
            outages.flow(s, 4.0)
            s.feed.send(3)
            broker.server.kill()
            began = time.monotonic()
            outages.flow(s, away_s)
            broker.server.start()
            back = time.monotonic()
            worker.until(lambda: outages.ready(worker) == 200, "ready again", 2 * HEAL_S)
            print(f"  broker away for {back - began:.1f} s, ready {time.monotonic() - back:.1f} s after its return")
            outages.flow(s, 2.0)
        s.settle()
        s.compare()


def test_a_kill_with_memory_full_pages_nobody_twice(broker: Broker, proxies: Proxied) -> None:
    with stand(broker.bootstrap, proxies.store, SESSION_S, influx_url=proxies.influx_url) as s:
        figures = saving.memory_full(s, proxies.influx, pending=8_000)
        print(f"  {figures}")
        s.compare()


def test_a_full_disk_under_the_embedded_store_costs_nothing(broker: Broker, tmp_path: Path) -> None:
    place = tmp_path / "disk"
    try:
        with disk.small_disk(place, "6m"), stand(broker.bootstrap, None, SESSION_S, sqlite_path=str(place / "s")) as s:
            s.sqlite = place / "s"
            disk.full_and_enlarged(s, place)
            s.compare()
    except disk.NoMount as why:
        pytest.skip(f"needs the right to mount a small file system: {why}")


def test_a_worker_stopped_for_ten_minutes_sees_no_gap_where_readings_had_arrived(broker: Broker) -> None:
    topics = {"reading.v1:message.timestamp.type": "CreateTime"}
    with stand(broker.bootstrap, None, SESSION_S, silence.SITE, topics, tick_interval="0s") as s:
        opened = silence.stopped_for_ten_minutes(s)
        assert opened == [assets()[5]], "just the machine that was silent within the log"
        s.compare()


@pytest.mark.parametrize("name", ["one_too_high", "no_calibration", "no_thinning_memory", "older_manifest"])
def test_a_worker_with_this_fault_is_found_out(broker: Broker, influx: InfluxServer, name: str) -> None:
    with stand(broker.bootstrap, influx, SESSION_S) as s:
        faults = _faults_of(s, name)
        print(f"  {name}: {len(faults)} kinds of difference, such as: {faults[0][:200] if faults else 'none'}")
        assert faults, "the comparison must turn red"


def _faults_of(s: Stand, name: str) -> list[str]:
    """What the comparison finds after some kills of such a mutant; that it does not come to an end is a find too."""
    try:
        kill.kill_rounds(s, rounds=4, readings=80_000, command=mutant.command(name))
    except AssertionError as error:
        return [f"the run came to no end: {error}"]
    for worker in s.workers:
        if worker.alive:
            worker.stop()
    return s.verdict().faults
