"""Episode performance: how many alarms people get, of what kind, and from where (ISA-18.2, EEMUA 191)."""

from __future__ import annotations

from grafana.boards.board import Board, Row
from grafana.boards.colours import BLUE, GREEN, GREY, ORANGE, SEVERITY, VERMILLION
from grafana.boards.panel import lines, ranking, stat, table, to_board
from grafana.boards.query import MACHINE, chosen, influx, over, prom
from grafana.boards.shared import OPEN_OF_WATCH, by_severity, events, opened
from grafana.boards.variables import places, tags
from schemas.anomaly import BANDS

_WATCH = chosen("watch")
_IN_TEN = opened("time(10m) fill(0)", "", _WATCH)
_DAY = 86_400
_RATE_STEPS = ((None, GREEN), (1.0, ORANGE), (10.0, VERMILLION))
_TOPS = (1001, *(least for least, _ in BANDS))

EPISODES = Board(
    "millstream-episodes",
    "Millstream: episode performance",
    "How many alarms people get, of what severity and from where, against ISA-18.2 and EEMUA 191.",
    (*places("anomaly"), tags("watch", "anomaly", "site", "area", "line", "asset")),
    (
        Row(
            "Alarm rate",
            (
                by_severity(OPEN_OF_WATCH, width=10),
                stat(
                    "How many in ten minutes, on average?",
                    "Mean of episodes opened in ten minutes over the time shown. EEMUA 191 for one operator: up to 1 "
                    "is acceptable, up to 2 manageable.",
                    over('mean("opened")', _IN_TEN),
                    unit="none", decimals=1, steps=((None, GREEN), (1.0, ORANGE), (2.0, VERMILLION)), width=5,
                    empty="No episode in the time shown",
                ),
                stat(
                    "How many in the worst ten minutes?",
                    "Most episodes opened in ten minutes of the time shown. From 10 on it is a flood (ISA-18.2).",
                    over('max("opened")', _IN_TEN),
                    unit="none", decimals=0, steps=_RATE_STEPS, width=5, empty="No episode in the time shown",
                ),
                stat(
                    "How many could not be listed?",
                    "Open episodes beyond the 1,000 label sets of the metrics: one common cause is likely.",
                    prom('sum(millstream_episodes_unlisted{SITE}) or vector(0)', now=True),
                    unit="none", steps=((None, GREEN), (1.0, VERMILLION)), width=4, empty="No answer from Prometheus",
                ),
                lines(
                    "How many episodes open in ten minutes?",
                    "Dashed: 1, which EEMUA 191 calls acceptable for one operator, and 10, from which on ISA-18.2 "
                    "calls it a flood.",
                    opened("time(10m) fill(0)", "opened", _WATCH),
                    unit="none", bars=True, low=0, decimals=0, lines_at=_RATE_STEPS, colours={"opened": BLUE},
                    width=16, interval="10m", empty="No episode in the time shown",
                ),
                ranking(
                    "Of which severity are they?",
                    "Episodes opened in the time shown. ISA-18.2 aims at 5 % high, 15 % medium and 80 % low.",
                    *(opened("", name, _WATCH, f'"severity" >= {least}', f'"severity" < {top}')
                      for (least, name), top in zip(BANDS, _TOPS, strict=False)),
                    unit="none", decimals=0, colours=SEVERITY, width=8, empty="No episode in the time shown",
                ),
            ),
        ),
        Row(
            "Against the budget",
            (
                lines(
                    "Does each watch keep to its budget?",
                    "Alarms raised over alarms that false_alarms allows, since the watch learned; true ones are among "
                    "them. Dashed: from 5 on for a day an alert fires.",
                    prom('max by (watch) (millstream_alarm_rate_per_second{WATCH}) / '
                         'max by (watch) (millstream_alarm_budget_per_second{WATCH})', "{{watch}}"),
                    unit="none", low=0, decimals=1, lines_at=((None, GREEN), (1.0, ORANGE), (5.0, VERMILLION)),
                    width=12, custom={"scaleDistribution": {"type": "symlog", "log": 10, "linearThreshold": 1}},
                    empty="No watch has learned yet",
                ),
                table(
                    "What does each watch raise, and what may it?",
                    "Alarms a day and series: raised so far, allowed; and the share of warm-up that is done.",
                    prom(f'max by (watch) (millstream_alarm_rate_per_second{{WATCH}}) * {_DAY}', table=True),
                    prom(f'max by (watch) (millstream_alarm_budget_per_second{{WATCH}}) * {_DAY}',
                         table=True),
                    prom('min by (watch) (millstream_warmup_ratio{WATCH})', table=True),
                    prom('sum by (watch) (millstream_models_unfit{WATCH})', table=True),
                    unit="short", width=12,
                    names={"watch": "watch", "Value #A": "raised a day", "Value #B": "allowed a day",
                           "Value #C": "warm-up", "Value #D": "no longer fit"},
                    fields={"warm-up": {"unit": "percentunit", "decimals": 0}, "raised a day": {"decimals": 2},
                            "allowed a day": {"decimals": 2}},
                    empty="No watch has learned yet",
                ),
            ),
        ),
        Row(
            "Bad actors",
            (
                table(
                    "Who are the top offenders?",
                    "Series and watches that opened most episodes in the time shown. In most plants ten of them make "
                    "more than half of all alarms.",
                    opened(f'{MACHINE}, "series", "watch"', "", _WATCH, table=True),
                    unit="none", sort="opened", most=10, width=12,
                    names={"area": "area", "line": "line", "asset": "asset", "series": "series", "watch": "watch",
                           "opened": "opened"},
                    fields={"asset": to_board("millstream-asset", "area", "line", "asset", also="&${site:queryparam}")},
                    empty="No episode in the time shown",
                ),
                table(
                    "Which chatter?",
                    "Most episodes that one series and watch opened within one minute. Three or more is chattering "
                    "(ISA-18.2): raise the limit, or ask for a longer stay.",
                    over('max("opened") AS "within a minute"',
                         opened(f'time(1m), {MACHINE}, "series", "watch" fill(none)', "", _WATCH),
                         by=f'{MACHINE}, "series", "watch"', table=True),
                    unit="none", sort="within a minute", most=10, width=12,
                    steps=((None, GREEN), (2.0, ORANGE), (3.0, VERMILLION)),
                    names={"area": "area", "line": "line", "asset": "asset", "series": "series", "watch": "watch",
                           "within a minute": "within a minute"},
                    fields={"within a minute": {"custom.cellOptions": {"type": "color-text"}}},
                    empty="No episode in the time shown",
                ),
                table(
                    "Which have been standing longest?",
                    "Open episodes, and for how long of the time shown they were. Longer than a day is stale "
                    "(ISA-18.2): mend it, rebaseline it, or mute it with an end.",
                    prom(f"sum_over_time((({OPEN_OF_WATCH}) > bool 0)[$__range:15s]) * 15 "
                         f"and on (site,area,line,asset,watch) ({OPEN_OF_WATCH})", table=True),
                    unit="s", sort="stands", most=20, width=12,
                    steps=((None, GREEN), (3600.0, ORANGE), (float(_DAY), VERMILLION)),
                    names={"site": "site", "area": "area", "line": "line", "asset": "asset", "watch": "watch",
                           "Value": "stands"},
                    fields={"stands": {"custom.cellOptions": {"type": "color-text"}},
                            "asset": to_board("millstream-asset", "site", "area", "line", "asset")},
                    empty="No episode is open",
                ),
                lines(
                    "Do as many close as open?",
                    "Events of episodes by phase. If fewer close than open, they pile up.",
                    influx('count("severity")', "anomaly", _WATCH, by='time($__interval), "phase" fill(none)',
                           legend="$tag_phase"),
                    unit="none", bars=True, stacked=True, low=0, decimals=0, width=12, interval="10m",
                    colours={"opened": ORANGE, "escalated": VERMILLION, "closed": GREY},
                    empty="No event in the time shown",
                ),
            ),
        ),
        Row("What happened", (events("What was told, newest first?", "Every event of an episode.", _WATCH),)),
    ),
    since="now-24h",
    refresh="1m",
)  # fmt: skip
