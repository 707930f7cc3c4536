"""A picture of every benchmark file, in out/quality/ (git-ignored): `make quality PLOTS=1`.

NAB: value, expected band and score of `auto` at the benchmark's budget, labelled windows shaded, what is told by `auto`
marked on the value and what the rest of the default site tells as ticks below it. SKAB and SMD: the standardized inputs
faintly, the score of `t2_spe`, labels shaded, alarms marked. NAB's files are listed by what they cost the score.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.quality import nab, skab, smd
from tests.quality.joint import DATA, Judged, judge
from tests.quality.product import AUTO, Line, Table, site, told, watches

OUT = Path(__file__).resolve().parents[2] / "out" / "quality"
SIZE = (14, 7)
COLOURS = "tab:purple", "tab:orange", "tab:green", "tab:brown", "tab:cyan", "tab:olive", "tab:pink", "tab:gray"


def figure() -> tuple[Any, Any, Any]:
    """An empty picture: figure, upper and lower axes."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    drawn, (upper, lower) = pyplot.subplots(2, 1, figsize=SIZE, sharex=True, height_ratios=(3, 1))
    lower.set_ylabel("score")
    lower.axhline(1, color="black", linewidth=0.5)
    return drawn, upper, lower


def save(drawn: Any, title: str, *path: str) -> Path:
    """Write and close a picture."""
    from matplotlib import pyplot

    target = OUT.joinpath(*path).with_suffix(".png")
    target.parent.mkdir(parents=True, exist_ok=True)
    drawn.suptitle(title)
    drawn.tight_layout()
    drawn.savefig(target, dpi=80)
    pyplot.close(drawn)
    return target


def shade(axes: Any, x: NDArray[Any], inside: NDArray[np.bool_]) -> None:
    """Runs of labelled rows."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], inside, [False])).astype(int)))
    for first, last in zip(edges[::2].tolist(), (edges[1::2] - 1).tolist(), strict=True):
        axes.axvspan(x[first], x[last], color="tab:red", alpha=0.15)


def one_nab(tool: Any, series: nab.Series) -> tuple[float, str]:
    """Draw a file; what it costs (in points of the standard score at start 0), and a line that says so."""
    table = Table("nab/nab/nab/file", ("value",), series.time, series.x[:, None])
    line = Line(site([{**AUTO, "false_alarms": nab.BUDGET}]), rows="all")
    parts, events = [], []
    for bite in line.results(table):
        parts.append(bite.verdicts)
        events += told(bite.events)
    time, score, low, high = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("time", "score", "low", "high")
    )
    rest = told(Line(site([w for w in watches() if w["detector"]["kind"] != "auto"])).feed(table))
    newest = np.maximum.accumulate(series.time)
    at = np.array([min(int(np.searchsorted(newest, e.time)), len(newest) - 1) for e in events], dtype=int)
    alarmed = np.zeros(len(series.x), dtype=bool)
    alarmed[at] = True
    inside = series.prepared[1] >= 0
    weights = tool.PROFILES["standard"]
    raw = tool.at([(series.name, alarmed * 1.0, *series.prepared)], weights, 0.5)[0]
    cost = series.prepared[-1] * weights[0] - raw
    drawn, upper, lower = figure()
    day = series.time.astype("datetime64[ns]")
    upper.plot(day, series.x, linewidth=0.6, color="tab:blue")
    upper.fill_between(time.astype("datetime64[ns]"), low, high, color="tab:green", alpha=0.25, linewidth=0)
    upper.plot(day[at], series.x[at], "rv", markersize=8)
    for n, name in enumerate(sorted({e.watch for e in rest})):
        ticks = np.array([e.time for e in rest if e.watch == name]).astype("datetime64[ns]")
        height = np.full(len(ticks), -0.02 - 0.03 * n)
        place = upper.get_xaxis_transform()
        upper.plot(ticks, height, "|", color=COLOURS[n], transform=place, clip_on=False, label=f"{name} {len(ticks)}")
    if rest:
        upper.legend(loc="upper left", fontsize=7)
    shade(upper, day, inside)
    lower.plot(time.astype("datetime64[ns]"), np.minimum(score, 10), linewidth=0.6)
    shade(lower, day, inside)
    hit = len({int(w) for w in series.prepared[1][at] if w >= 0})
    words = (
        f"{series.name}: costs {cost:.2f}; {hit} of {series.prepared[-1]} windows, "
        f"{int((alarmed & ~inside).sum())} alarms outside; the rest of the default site tells {len(rest)}"
    )
    save(drawn, words, "nab", series.name)
    return cost, words


def joint(title: str, x: NDArray[np.float64], label: NDArray[Any], judged: Judged, *path: str) -> None:
    """Draw a run of several inputs (n, p)."""
    drawn, upper, lower = figure()
    row = np.arange(len(x))
    spread = np.where(np.std(x, axis=0) > 0, np.std(x, axis=0), 1)
    upper.plot(row, np.clip((x - np.median(x, axis=0)) / spread, -6, 6), linewidth=0.3, alpha=0.6)
    upper.plot(row[judged.alarm], np.full(int(judged.alarm.sum()), 6.5), "rv", markersize=6)
    lower.plot(row, np.minimum(judged.score, 10), linewidth=0.5)
    for axes in (upper, lower):
        shade(axes, row, label > 0)
    save(drawn, title, *path)


def main() -> int:
    """Draw all files; list NAB's by cost."""
    if not DATA.exists():
        print(f"{DATA}: no data there; see ../shared/data/README.md")
        return 1
    tool = nab.rules()
    if not sys.argv[1:] or "nab" in sys.argv[1:]:
        for _, words in sorted((one_nab(tool, series) for series in nab.load(tool)), reverse=True):
            print(words)
    if not sys.argv[1:] or "skab" in sys.argv[1:]:
        for path in sorted((DATA / "skab" / "valve1").glob("*.csv")):
            rows = np.genfromtxt(path, delimiter=";", skip_header=1, usecols=range(1, 11))
            judged = judge(rows[:, :8], skab.INTERVAL_S, warmup=skab.WARMUP)
            joint(f"SKAB valve1/{path.name}", rows[:, :8], rows[:, 8], judged, "skab", path.stem)
    if not sys.argv[1:] or "smd" in sys.argv[1:]:
        for path in sorted((DATA / "smd").glob("machine-*.npz")):
            part = np.load(path)
            x = np.vstack((part["train"], part["test"])).astype(float)
            label = np.concatenate((np.zeros(len(part["train"])), part["label"]))
            joint(f"SMD {path.stem}", x, label, judge(x, smd.INTERVAL_S), "smd", path.stem)
    return 0


if __name__ == "__main__":
    sys.exit(main())
