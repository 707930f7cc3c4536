"""The slow, obvious twin of detectors.anomaly.duplicate: one row, one instant and one pair at a time."""

from __future__ import annotations

import math
from itertools import combinations

from detectors.anomaly.duplicate import Duplicate


class Tag:
    """One input."""

    def __init__(self) -> None:
        self.value = math.nan
        self.move = 0.0
        self.before: list[float] = []  # values that it has moved to
        self.moved = self.news = self.there = False

    def take(self, x: float) -> None:
        """Take in the value of an instant, NaN where there is none."""
        self.there, self.moved, self.news = abs(x) < 1e100, False, False
        if not self.there:
            return
        if not math.isnan(self.value) and x != self.value:
            move = x - self.value
            turned = self.move != 0 and (move > 0) != (self.move > 0)
            self.moved, self.news = True, turned and x not in self.before[-8:]
            self.move = move
            self.before.append(x)
        self.value = x


class Pair:
    """Two inputs, compared whenever both have moved since the last time."""

    def __init__(self, a: Tag, b: Tag):
        self.a, self.b = a, b
        self.moves = {id(a): 0, id(b): 0}  # of each alone, since they were last compared
        self.evidence = 0.0

    def judge(self, share: float, most: float) -> None:
        """`share` of the inputs have moved at this instant."""
        a, b = self.a, self.b
        if not (a.there and b.there):
            return
        if not (a.moved or b.moved):
            self.evidence -= share / 8
        for tag in (a, b):
            self.moves[id(tag)] += tag.moved
        if self.moves[id(a)] and self.moves[id(b)]:
            same = abs(a.value - b.value) <= max(0.01 * min(abs(a.move), abs(b.move)), abs(a.value) / 2**23)
            if not same:
                self.evidence -= 115
            elif all(tag.news for tag in (a, b) if tag.moved):
                self.evidence += 1
            self.moves = {id(tag): int(not same and tag.moved and not (a.moved and b.moved)) for tag in (a, b)}
        elif (a.moved or b.moved) and max(self.moves.values()) >= 3:
            self.evidence -= 115
        self.evidence = min(max(self.evidence, 0.0), most)


class NaiveDuplicate:
    """One row of p inputs."""

    def __init__(self, options: Duplicate, inputs: int):
        self.options = options
        self.tags = [Tag() for _ in range(inputs)]
        self.pairs = [Pair(a, b) for a, b in combinations(self.tags, 2)]
        self.seen = 0

    def judge(self, x: list[float], learn: bool) -> float:
        """The score, NaN where there is no opinion."""
        n = self.options.agreements
        two = sum(abs(v) < 1e100 for v in x) >= 2
        speaks = two and self.seen >= n
        if learn:
            for tag, value in zip(self.tags, x, strict=True):
                tag.take(value)
            share = sum(tag.moved for tag in self.tags) / len(self.tags)
            for pair in self.pairs:
                pair.judge(share, 2.0 * n)
            self.seen += two
        return max(pair.evidence for pair in self.pairs) / n if speaks else math.nan
