"""Warm start: engines learn from history in files, and workers begin with what they have learned."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from schemas.errors import Misconfigured
from streams.broker import Broker
from streams.drained import nobody_works, stand_of
from streams.engine import Engine
from streams.files.block import FileBlock
from streams.grow import write
from streams.kpi.kpis import Kpis
from streams.score import Scorer
from streams.settings import Settings
from streams.state.log import Log
from streams.state.store import StateStore

Say = Callable[[str], None]


def learned(scorer: Scorer, blocks: Iterable[FileBlock], now: int) -> dict[int, Engine]:
    """The engines that have judged the blocks of some files, by partition, ready to go on at `now` (ns).

    What they learned stays. What they told nobody is forgotten: episodes that are open at the end, silences since
    then, key figures. Raises Misconfigured where nothing could be learned, or the history ends in the future.
    """
    for block in blocks:
        scorer.feed(block)
    scorer.finish()
    if not scorer.engines:
        raise Misconfigured("the files hold no reading that can be used: there is nothing to learn from")
    for engine in scorer.engines.values():
        if engine.received > now:
            ahead = (engine.received - now) / 1e9
            raise Misconfigured(
                f"the history ends {ahead:.0f} s in the future: readings that come now would be late; check the files' "
                "time zone (--timezone)"
            )
        _forget_untold(engine, now)
    return scorer.engines


def _forget_untold(engine: Engine, now: int) -> None:
    for watch in engine.watches:
        watch.episodes.open.clear()
        if watch.detector.judges_silence and watch.bank.rows:
            rows = np.arange(watch.bank.rows)
            watch.bank.tick(rows, np.full(len(rows), now))
    learned = engine.kpis.baselines
    engine.kpis = Kpis(engine.site)
    engine.kpis.baselines.carry_on(learned)


async def warm_start(
    settings: Settings, at: Broker, store: StateStore, log: Log, engines: dict[int, Engine], say: Say
) -> None:
    """Save what engines have learned as what the partitions remember.

    Raises Misconfigured where workers run, or a partition has learned something already.
    """
    nobody_works(settings, at)
    stands = {partition: await stand_of(settings, store, log, partition) for partition in range(store.partitions)}
    taken = [str(partition) for partition, stand in stands.items() if stand.manifest is not None]
    if taken:
        raise Misconfigured(
            f"partitions {', '.join(taken)} have learned something already, which history would replace; to start over "
            "from the files: millstream state drop --all --yes"
        )
    for partition, engine in sorted(engines.items()):
        engine.next_offset = stands[partition].start
        state = {"engine": engine.snapshot(), "episodes": []}
        manifest = await write(settings, store, at, partition, store.partitions, state)
        say(f"partition {partition}: {manifest.series} series, {manifest.size:,} bytes")
    say("done; workers begin with what was learned")
