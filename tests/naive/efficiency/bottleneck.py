"""The shifting bottleneck of a window, by looking at every elementary slice of time between two events."""

from __future__ import annotations

from itertools import pairwise

Interval = tuple[int, int, int]  # machine, start, end


def naive_shares(intervals: list[Interval], machines: int, first: int, last: int) -> tuple[list[float], list[float]]:
    """(sole, shifting) of each machine. The bottleneck of a slice is the period that runs longest so far; it lasts
    until that period ends, as the one that began first stays first."""
    real = [i for i in intervals if i[2] > i[1]]
    ticks = sorted({t for _, s, e in real for t in (s, e) if first < t < last} | {first, last})
    slices = list(pairwise(ticks))
    holders: list[Interval | None] = []
    for begin, _ in slices:
        running = [i for i in real if i[1] <= begin < i[2]]
        holders.append(min(running, key=lambda i: (i[1], i[0])) if running else None)
    sole, shifting = [0.0] * machines, [0.0] * machines
    for n, (begin, end) in enumerate(slices):
        holder = holders[n]
        if holder is None:
            continue
        if holder[2] >= last:  # as if it ended with the window: the next is the longest of what then runs on
            at_end = [i for i in real if i is not holder and i[1] < last <= i[2]]
            following = min(at_end, key=lambda i: (i[1], i[0])) if at_end else None
        else:
            following = next(h for h, s in zip(holders, slices, strict=True) if s[0] == holder[2])
        if following is not None and following[1] <= begin:
            shifting[holder[0]] += end - begin
            shifting[following[0]] += end - begin
        else:
            sole[holder[0]] += end - begin
    return [s / (last - first) for s in sole], [s / (last - first) for s in shifting]
