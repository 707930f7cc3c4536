"""Nothing lost, nothing told twice: the short version of `make faults` (tests/faults), a kill, a freeze, an outage."""

from __future__ import annotations

import time

from tests.faults import kill, outages, owners
from tests.faults.servers import SESSION_S, Broker, Proxied, broker, proxies
from tests.faults.stand import stand
from tests.servers import InfluxServer

__all__ = ["broker", "proxies"]


def test_three_kills_lose_nothing_and_change_nothing(broker: Broker, influx: InfluxServer) -> None:
    with stand(broker.bootstrap, influx, SESSION_S) as s:
        rounds = kill.kill_rounds(s, rounds=3, readings=60_000)
        print(f"  {rounds}")
        s.compare()
        assert max(life.replayed for life in rounds.lives) <= rounds.bound


def test_an_owner_that_was_frozen_while_another_took_over_changes_nothing(broker: Broker, influx: InfluxServer) -> None:
    with stand(broker.bootstrap, influx, SESSION_S) as s:
        owners.frozen_owner(s)
        s.compare()


def test_a_store_that_is_away_and_a_stop_meanwhile_lose_nothing(broker: Broker, proxies: Proxied) -> None:
    influx = proxies.store
    with stand(broker.bootstrap, influx, SESSION_S, influx_url=proxies.influx_url) as s:
        worker = s.worker()
        worker.until_ready()
        for how in (outages.STORE[0], outages.STORE[2], outages.STORE[3]):
            outages.outage(s, worker, proxies.influx, how, 3.0, heal_s=30.0)
        proxies.influx.refuse()
        outages.flow(s, 1.0)
        began = time.monotonic()
        worker.stop()
        print(f"  SIGTERM during an outage took {time.monotonic() - began:.1f} s")
        proxies.influx.heal()
        s.worker().until_ready()
        outages.flow(s, 1.0)
        s.settle()
        s.compare()
