"""Kill tests: a worker is killed at random moments, round after round, while readings and reloads pass."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

from tests.faults.processes import PLAIN, Gone, WorkerProcess
from tests.faults.stand import Stand

RESTART_S = 10.0
"""What a restart may replay beyond one snapshot interval, in seconds of readings."""


@dataclass
class Life:
    """One worker from its start to its kill."""

    begins: dict[int, int]  # offset that each partition goes on from
    below: int  # readings before these
    counted: int = 0  # readings it counted until it was killed
    lag: int = 0  # readings it had not judged then
    ages_s: list[float] = field(default_factory=list)  # of each partition's newest snapshot
    replayed: int = 0  # readings that the life before had judged already
    deleted: int = 0  # records below S that were deleted before it started


@dataclass
class Rounds:
    """What the rounds came to."""

    lives: list[Life]
    readings_per_s: float
    interval_s: float

    @property
    def bound(self) -> int:
        """Readings that one restart may replay."""
        return int((self.interval_s + RESTART_S) * self.readings_per_s)

    def __str__(self) -> str:
        killed = self.lives[:-1]
        ages = [age for life in killed for age in life.ages_s]
        lags, replays = [life.lag for life in killed], [life.replayed for life in self.lives[1:]]
        deleted = [life.deleted for life in self.lives if life.deleted]
        return (
            f"{len(killed)} kills at {self.readings_per_s:,.0f} readings/s; lag at the kill {min(lags):,} to "
            f"{max(lags):,} readings; newest snapshots {min(ages):.1f} to {max(ages):.1f} s old (median "
            f"{median(ages):.1f}); replayed {min(replays):,} to {max(replays):,} readings a restart, {self.bound:,} "
            f"allowed; {len(deleted)} restarts with {sum(deleted):,} records below S deleted"
        )


def kill_rounds(
    stand: Stand, rounds: int, readings: int, command: Sequence[str] = PLAIN, seed: int = 7, whole: bool = True
) -> Rounds:
    """Kill `rounds` workers while `readings` flow, start each anew at once, and let the last one finish.

    Before every second start the log below the newest snapshots is deleted. `whole`: half of the workers live until
    each partition was saved; else all of them only until half of the partitions were.
    """
    chance = random.Random(seed)
    interval_s = float(stand.settings["snapshot_interval"].removesuffix("s"))
    lives: list[Life] = []
    began, sent = time.monotonic(), stand.feed.readings
    for n in range(rounds):
        life, worker = _start(stand, lives, command, n % 2 == 1)
        goal = sent + readings * (n + 1) // (rounds + 1)
        _up(stand, worker, life, goal, chance, whole)
        _flow(stand, worker, goal, chance)
        _kill(stand, worker, life, chance)
        ages = f"{min(life.ages_s):.1f} to {max(life.ages_s):.1f} s"
        print(f"  kill {n + 1}: lag {life.lag:,}, snapshots {ages} old, replayed {life.replayed:,}", flush=True)
    rate = (stand.feed.readings - sent) / (time.monotonic() - began)
    _, worker = _start(stand, lives, command, False)
    worker.until_ready()
    while stand.feed.readings < sent + readings:
        stand.feed.send()
    stand.settle()
    return Rounds(lives, rate, interval_s)


def _start(stand: Stand, lives: list[Life], command: Sequence[str], delete: bool) -> tuple[Life, WorkerProcess]:
    begins = stand.begins()
    stand.tap.catch_up(stand.reading)
    life = Life(begins, stand.ledger.total(begins))
    if lives:
        life.replayed = lives[-1].below + lives[-1].counted - life.below
    if delete:
        life.deleted = stand.delete_below({p: seen.next_offset for p, seen in stand.snapshots().items()})
    lives.append(life)
    return life, stand.worker(command)


def _gust(stand: Stand, chance: random.Random) -> None:
    """Readings that come at once, and sometimes a command or a reload."""
    stand.feed.send(chance.randrange(1, 3))
    if chance.random() < 0.3:
        stand.commands.any()
    if chance.random() < 0.1:
        stand.reload()


def _up(stand: Stand, worker: WorkerProcess, life: Life, goal: int, chance: random.Random, whole: bool) -> None:
    """Wait until it has judged something and saved some of the partitions, or all; readings keep coming."""
    wanted = chance.choice((len(life.begins) // 2, len(life.begins))) if whole else len(life.begins) // 2
    due = 0.0

    def up() -> bool:
        nonlocal due
        if stand.feed.readings < goal and time.monotonic() >= due:
            _gust(stand, chance)
            due = time.monotonic() + chance.uniform(0.2, 1.0)
        saved = [seen for p, seen in stand.snapshots().items() if seen.next_offset > life.begins[p]]
        return (worker.counted() or 0) > 0 and len(saved) >= wanted

    worker.until(up, f"readings judged, and {wanted} partitions saved")


def _flow(stand: Stand, worker: WorkerProcess, goal: int, chance: random.Random) -> None:
    """Let what is left of the round's readings come."""
    while stand.feed.readings < goal:
        _gust(stand, chance)
        time.sleep(chance.uniform(0.05, 0.5))
        if not worker.alive:
            raise Gone(f"the worker ended by itself; its log: {worker.log}")


def _kill(stand: Stand, worker: WorkerProcess, life: Life, chance: random.Random, tries: int = 40) -> None:
    """Kill at a random moment at which there is lag and a snapshot is at least a second old."""
    for _ in range(tries):
        time.sleep(chance.uniform(0.0, 0.3))
        stand.feed.send(chance.randrange(1, 4))
        stand.feed.flush()
        ends = stand.tap.catch_up(stand.reading)
        time.sleep(chance.uniform(0.0, 0.1))
        counted = worker.counted(timeout_s=10)
        if counted is None:
            continue
        lag = stand.ledger.total(ends) - life.below - counted
        now = time.time() * 1000
        ages = [(now - seen.made_ms) / 1000 for seen in stand.snapshots().values()]
        if lag > 0 and (not ages or max(ages) >= 1.0):
            worker.kill()
            life.counted, life.lag, life.ages_s = counted, lag, ages or [time.monotonic() - worker.started]
            return
    raise AssertionError(
        f"in {tries} tries there was never lag at a snapshot of a second's age; the worker is too fast"
    )
