"""One machine's baseline as periods come, and come again: what was said of a period is said anew where it changes."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any, NamedTuple

from detectors.efficiency import baseline_life as lives
from detectors.efficiency.baseline import BaselineState
from detectors.efficiency.baseline_records import STEPS, Frozen, Life, Period, Proposal, Rules, Said, Suspect
from detectors.efficiency.fit import Figures
from detectors.efficiency.savings import SavingsState
from schemas.anomaly import NAMESPACE
from streams.arrays import UNSEEN


class Telling(NamedTuple):
    """What is told of a period."""

    period: Period
    coverage: float
    said: Said
    revision: int  # from 1
    life: Life | None = None  # as all stood behind it


@dataclass
class _Item:
    """A period that may still change, and how all stood behind it."""

    period: Period
    coverage: float
    life: Life
    said: Said | None = None
    revision: int = 0


class Model:
    """The baseline of one machine.

    Periods up to `until` stand for good: they are two days old, or something was decided upon them that people were
    told of. Those behind are lived through again, from the one on that has changed.
    """

    def __init__(self, rules: Rules, terms: list[Any]) -> None:
        self.rules = rules
        self.terms = terms  # what learning depends on; another one starts afresh
        self.until: tuple[int, int] = (UNSEEN, 0)  # end and step
        self.last: Telling | None = None
        self._base = lives.begin(rules)
        self._recent: list[_Item] = []

    @property
    def life(self) -> Life:
        """How all stands."""
        return self._recent[-1].life if self._recent else self._base

    def take(self, period: Period, coverage: float) -> list[Telling]:
        """A period, or another account of one; what there is to tell of it, and of those behind it."""
        key = period.end, period.step
        if key <= self.until:
            return []
        keys = [(item.period.end, item.period.step) for item in self._recent]
        place = next((i for i, other in enumerate(keys) if other >= key), len(keys))
        if place < len(keys) and keys[place] == key:
            self._recent[place].period, self._recent[place].coverage = period, coverage
        else:
            self._recent.insert(place, _Item(period, coverage, self._base))
        return self._live(place)

    def _live(self, place: int) -> list[Telling]:
        told: list[Telling] = []
        life, decided = self._recent[place - 1].life if place else self._base, -1
        for i, item in enumerate(self._recent[place:], place):
            life, said = lives.advance(life, item.period, self.rules)
            item.life = life
            if said is not None and said != item.said:
                item.revision += 1
                told.append(Telling(item.period, item.coverage, said, item.revision, life))
            decided = i if said is not None and said.news else decided
            item.said = said
        self._settle(decided + 1)
        if told:
            self.last = told[-1]._replace(life=None)
        return told

    def _settle(self, n: int) -> None:
        """The first n of the periods that may change do so no more."""
        if n:
            last = self._recent[n - 1]
            self._base, self.until = last.life, (last.period.end, last.period.step)
            del self._recent[:n]

    def forget(self, before: int) -> None:
        """Periods that ended before a time stand for good."""
        self._settle(sum(item.period.end <= before for item in self._recent))

    def decide(self, approved: bool) -> None:
        """A person's word on the proposal that is open. Raises ValueError where there is none."""
        self._settle(len(self._recent))
        at = self.until[0]
        self._base = lives.approve(self._base, at, self.rules) if approved else lives.reject(self._base, self.rules)

    def again(self) -> Telling | None:
        """The last period once more: whether something is proposed is told anew after a decision."""
        if self.last is not None:
            said = Said("judged", proposed=self.life.proposal is not None)
            self.last = self.last._replace(said=said, revision=self.last.revision + 1)
        return self.last

    def carry_on(self, learned: Model) -> None:
        """Go on from what another one has learned; a change that it proposed is to be found anew."""
        self._base, self.until = learned.life, learned.until
        if learned.last is not None:
            self.until = max(self.until, (learned.last.period.end, learned.last.period.step))
        if self._base.frozen is not None:
            self._base = lives.watched_afresh(self._base, self.rules)

    def snapshot(self) -> dict[str, Any]:
        """All that it remembers."""
        last = self.last
        return {
            "terms": self.terms,
            "life": _packed(self._base),
            "until": list(self.until),
            "recent": [[list(item.period), item.coverage, item.revision] for item in self._recent],
            "last": None if last is None else [list(last.period), last.coverage, last.revision],
        }

    def restore(self, saved: dict[str, Any]) -> None:
        """Take up what `snapshot` gave; its terms must be the same."""
        self._base = _unpacked(saved["life"])
        self.until = (saved["until"][0], saved["until"][1])
        self._recent = [_Item(_period(of), cover, self._base, None, n) for of, cover, n in saved["recent"]]
        life = self._base
        for item in self._recent:
            life, item.said = lives.advance(life, item.period, self.rules)
            item.life = life
        self.last = None
        if saved["last"] is not None:
            period, coverage, revision = saved["last"]
            self.last = Telling(_period(period), coverage, Said("judged"), revision)


def proposal_id(asset: str, life: Life) -> str | None:
    """Id of the proposal that is open, None where there is none; a replay repeats it."""
    frozen, proposal = life.frozen, life.proposal
    if frozen is None or proposal is None:
        return None
    return id_of(asset, STEPS[frozen.step], frozen.since, proposal.began, proposal.direction)


def id_of(*parts: object) -> str:
    """Id of a proposal, or of a baseline, by what identifies it."""
    return str(uuid.uuid5(NAMESPACE, "\x1f".join(("baseline", *map(str, parts)))))


# --- lives as plain data and back


def _period(saved: list[Any]) -> Period:
    step, start, end, mode, energy, (production, cdd, hdd) = saved
    return Period(step, start, end, mode, energy, (production, cdd, hdd))


def _packed(life: Life) -> list[Any]:
    def plain(value: Any) -> Any:
        return [plain(part) for part in value] if isinstance(value, tuple) else value

    out: list[Any] = plain(life)
    return out


def _unpacked(saved: list[Any]) -> Life:
    hour, day = (None if state is None else BaselineState(*state) for state in saved[0])
    frozen = None
    if saved[1] is not None:
        step, since, coefficients, modes, fit, refused = saved[1]
        frozen = Frozen(step, since, coefficients, modes, Figures(*fit), refused)
    less, more = (Suspect(BaselineState(*of[0]), *of[1:]) for of in saved[5])
    proposal = None if saved[6] is None else Proposal(*saved[6])
    return Life((hour, day), frozen, SavingsState(*saved[2]), SavingsState(*saved[3]), saved[4], (less, more), proposal)
