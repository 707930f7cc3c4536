"""The event log of a machine shop in the shared data: when each machine worked."""

from __future__ import annotations

import gzip
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path


def job_shop(shared_data: Path) -> tuple[list[str], list[tuple[int, int, int]]]:
    """Machines of the job-shop log, and when each worked on any order (machine, from, to), minutes, merged;
    orders that are only noted, which take no time, are left out."""
    raw: dict[str, list[tuple[int, int]]] = defaultdict(list)
    with gzip.open(shared_data / "oee" / "job_shop_log.csv.gz", "rt", encoding="utf-8") as file:
        next(file)
        for line in file:
            _, _, machine, start, end, *_ = line.split(",")
            raw[machine].append((minute(start), minute(end)))
    machines = sorted(raw)
    merged: list[tuple[int, int, int]] = []
    for number, machine in enumerate(machines):
        for start, end in sorted(raw[machine]):
            if merged and merged[-1][0] == number and start <= merged[-1][2]:
                merged[-1] = (number, merged[-1][1], max(merged[-1][2], end))
            else:
                merged.append((number, start, end))
    return machines, [one for one in merged if one[2] > one[1]]


def minute(text: str) -> int:
    """Minutes since 1970 of a time as the log writes it."""
    return int(datetime.strptime(text, "%Y/%m/%d %H:%M:%S.000").replace(tzinfo=UTC).timestamp()) // 60
