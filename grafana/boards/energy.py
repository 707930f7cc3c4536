"""Efficiency and energy: where the planned time went, what parts take, demand, carbon, savings and cost."""

from __future__ import annotations

from grafana.boards.board import Board, Row
from grafana.boards.colours import BLUE, GREEN, GREY, LOSS, ORANGE, STEPS, VERMILLION
from grafana.boards.panel import COLOURED, DASHED, MINUTES, fixed, lines, ranking, stat, table, waterfall
from grafana.boards.query import HOURS, MACHINE, figures, influx, kpi, of_site, prom
from grafana.boards.shared import COVERAGE_STEPS, RATIO_STEPS, running_demand
from grafana.boards.variables import places

_OF_SITE = 'millstream_kpi{SITE,area="-",line="-",asset="-",'
_MACHINES = "\"asset\" != '-'"
_NAMED = "$tag_line $tag_asset"
_LOSSES = LOSS

ENERGY = Board(
    "millstream-energy",
    "Millstream: efficiency and energy",
    "Where the planned time went, what a part takes, demand against its limit, carbon, savings and cost.",
    places("kpi"),
    (
        Row(
            "Effectiveness (ISO 22400-2)",
            (
                ranking(
                    "Which factor holds OEE down?",
                    "Means over the machines and hours shown. OEE is availability x effectiveness x quality.",
                    *(figures('mean("value")', name, legend=name, where=(_MACHINES,))
                      for name in ("availability", "effectiveness", "quality", "oee")),
                    unit="percentunit", high=1.0, decimals=1, steps=RATIO_STEPS, width=8, height=8,
                    empty="No machine with states and parts in the time shown",
                ),
                waterfall(
                    "Where did the planned time go?",
                    "OEE as a waterfall, in minutes of the time shown: from the planned run time of the good parts, "
                    "over what each of the six big losses took, up to planned busy time. Rejects are split where the "
                    "site file has a `startup`; a gain on planned speed hangs below zero.",
                    *(influx('sum("value") AS "value"', "kpi", kpi(name), *HOURS, _MACHINES, by='"kpi"', table=True)
                      for name in STEPS),
                    unit=MINUTES, bars=STEPS, label="kpi", decimals=0, width=8, height=8,
                    empty="No machine with states in the time shown",
                ),
                lines(
                    "When was it lost?",
                    "Minutes lost in each hour by kind of loss, all machines shown together.",
                    *(figures('sum("value")', name, by="time(1h) fill(none)", legend=name, where=(_MACHINES,))
                      for name in _LOSSES),
                    unit=MINUTES, stacked=True, bars=True, colours=_LOSSES, low=0, decimals=0, width=8, height=8,
                    interval="1h", empty="No machine with states in the time shown",
                ),
                lines(
                    "How did OEE go, hour by hour?",
                    "OEE of each machine in each hour; dashed: 85 %.",
                    figures('"value"', "oee", by=MACHINE, legend=_NAMED, where=(_MACHINES,)),
                    unit="percentunit", low=0, decimals=0, width=12, lines_at=((None, BLUE), (0.85, GREEN)),
                    steps=True, empty="No machine with states and parts in the time shown",
                ),
                table(
                    "What do single products take and how well are they made?",
                    "Means over the hours shown of each machine and product.",
                    *(influx(f'mean("value") AS "{name}"', "kpi", kpi(name), "\"shift\" = '-'", "\"product\" != '-'",
                             by=f'{MACHINE}, "product"', table=True)
                      for name in ("effectiveness", "quality", "energy_per_good")),
                    unit="percentunit", width=12,
                    names={"area": "area", "line": "line", "asset": "asset", "product": "product",
                           "effectiveness": "effectiveness", "quality": "quality",
                           "energy_per_good": "energy of a good part"},
                    fields={"energy of a good part": {"unit": "kwatth", "decimals": 2},
                            "effectiveness": {"decimals": 1}, "quality": {"decimals": 1}},
                    empty="No machine names its product",
                ),
            ),
        ),
        Row(
            "Demand",
            (
                running_demand(width=12),
                lines(
                    "What did each demand window come to?",
                    "Demand of the site in each window, beside the limit and the last forecast, with its 90 % "
                    "interval, of meters that have them. Where they part, load changed late in the window.",
                    of_site('"value"', "demand", by='"site"', legend="demand $tag_site"),
                    figures('"value" AS "forecast", "low" AS "low", "high" AS "high"', "demand_forecast", by=MACHINE,
                            legend="$col $tag_asset"),
                    figures('"value"', "demand_limit", by=MACHINE, legend="limit $tag_asset"),
                    unit="kwatt", low=0, width=12,
                    styles={f"/^{name} /": style for name, style in DASHED.items()}
                    | {"/^demand /": {"color": fixed(BLUE), "custom.lineWidth": 2},
                       "/^limit /": {"color": fixed(VERMILLION)}},
                    empty="No demand window in the time shown",
                ),
                stat(
                    "What must be shed now?",
                    "kW to shed for the rest of the running window to stay under the limit; 0 where nothing must be.",
                    prom('max(millstream_kpi{PLACE,kpi="demand_shed"}) * 1000', now=True),
                    unit="watt", steps=((None, GREEN), (1.0, VERMILLION)), width=8,
                    empty="No forecast of the running window",
                ),
                stat(
                    "What would this window cost?",
                    "What the month's bill rises by if the window ends as forecast, in the tariff's currency.",
                    prom('max(millstream_kpi{PLACE,kpi="demand_risk"})', now=True),
                    unit="locale", steps=((None, GREEN), (1.0, VERMILLION)), decimals=0, width=8,
                    empty="No forecast, or the tariff has no charge for demand",
                ),
                stat(
                    "What is the month's highest demand?",
                    "Highest final window of the site's month so far.",
                    prom('max by (site) (millstream_kpi{SITE,line="-",asset="-",kpi="demand_max"}) * 1000',
                         "{{site}}", now=True),
                    unit="watt", width=8, empty="No window of this month is final yet",
                ),
            ),
        ),
        Row(
            "Energy",
            (
                lines(
                    "How much energy does each machine take?",
                    "kWh of each hour, by machine; the running hour still grows. Linear up to 1, logarithmic above, so "
                    "that small machines are seen beside the incomer.",
                    figures('"value"', "energy", by=MACHINE, legend=_NAMED, where=(_MACHINES,)),
                    unit="kwatth", low=0, width=12, steps=True,
                    custom={"scaleDistribution": {"type": "symlog", "log": 10, "linearThreshold": 1}},
                    empty="No meter in the time shown",
                ),
                lines(
                    "What does a good part take?",
                    "kWh for each good part, hour by hour: rises when a machine runs empty or makes rejects.",
                    figures('"value"', "energy_per_good", by=MACHINE, legend=_NAMED, where=(_MACHINES,)),
                    unit="kwatth", low=0, width=12, steps=True, empty="No machine with meter and parts",
                ),
                ranking(
                    "What runs for nothing?",
                    "kWh taken in the time shown while a machine did not produce.",
                    figures('sum("value")', "idle_energy", by=MACHINE, legend=_NAMED, where=(_MACHINES,)),
                    unit="kwatth", decimals=1, width=12, empty="No machine with meter and states",
                ),
                ranking(
                    "How even is the load?",
                    "Load factor of the newest shift: mean over highest demand. Low: a peak that costs.",
                    influx('last("value")', "kpi", kpi("load_factor"), "\"shift\" != '-'", by=MACHINE, legend=_NAMED),
                    unit="percentunit", high=1.0, decimals=0, width=12, empty="No shift with whole demand windows",
                ),
                lines(
                    "Is the power factor good enough?",
                    "Of each hour; below 0.85 or 0.9 most tariffs add a surcharge.",
                    figures('"value"', "power_factor", by=MACHINE, legend=_NAMED),
                    unit="none", decimals=2, high=1.0, width=12, steps=True,
                    lines_at=((None, VERMILLION), (0.85, ORANGE), (0.9, GREEN)),
                    empty="No meter of reactive energy",
                ),
                lines(
                    "How much carbon is emitted?",
                    "Scope 2 of the site in each hour, by the grid's factor and by contracts (GHG Protocol).",
                    of_site('"value"', "carbon_location", legend="by location"),
                    of_site('"value"', "carbon_market", legend="by contracts"),
                    unit="masskg", low=0, width=12, steps=True, colours={"by location": BLUE, "by contracts": GREEN},
                    empty="The site file names no grid",
                ),
            ),
        ),
        Row(
            "Savings and cost",
            (
                lines(
                    "Is energy saved against the baseline?",
                    "Cumulative sum of savings since the baseline was frozen, with its 90 % interval: rising saves, "
                    "a kink tells when something changed.",
                    figures('last("value") AS "saved", last("low") AS "low", last("high") AS "high"', "savings_total",
                            by=f"time($__interval), {MACHINE} fill(none)", legend="$col $tag_asset"),
                    unit="kwatth", width=12,
                    styles={"/^low/": {"color": fixed(GREY)}, "/^high/": {"color": fixed(GREY)},
                            "/^saved/": {"color": fixed(BLUE), "custom.lineWidth": 2}},
                    interval="1h", empty="No [[baseline]] is frozen yet: see figure baseline_warm",
                ),
                lines(
                    "What was expected, and what was saved?",
                    "What the baseline expects of each hour or day, by production and weather, and how much "
                    "less was taken.",
                    figures('"value"', "expected_energy", by=MACHINE, legend="expected $tag_asset"),
                    figures('"value"', "savings", by=MACHINE, legend="saved $tag_asset"),
                    unit="kwatth", width=12, steps=True, colours={"/^expected/": GREEN, "/^saved/": BLUE},
                    empty="No [[baseline]] is frozen yet: see figure baseline_warm",
                ),
                lines(
                    "What does energy cost each hour?",
                    "Energy of the site by the tariff, and of it what ran for nothing; in the tariff's currency.",
                    of_site('"value"', "energy_cost", legend="energy"),
                    of_site('"value"', "idle_cost", legend="for nothing"),
                    unit="locale", low=0, decimals=0, width=12, bars=True, interval="1h",
                    colours={"energy": BLUE, "for nothing": ORANGE}, empty="The site file names no tariff",
                ),
                ranking(
                    "What did losses cost?",
                    "Money lost in the time shown by kind of loss, of machines whose minute has a price.",
                    *(figures('sum("value")', f"{name}_cost", legend=name, where=(_MACHINES,)) for name in _LOSSES),
                    unit="locale", decimals=0, colours=_LOSSES, width=12, empty="No machine has minute_cost",
                ),
            ),
        ),
        Row(
            "Bill and utilities",
            (
                stat(
                    "What does the month's bill come to so far?",
                    "Of the site by its tariff, if no more is drawn this month; without taxes. Compare it with the "
                    "bill that comes.",
                    prom(f'max by (site) ({_OF_SITE}kpi="bill_total"}})', "{{site}}", now=True),
                    unit="locale", decimals=0, width=6, empty="No tariff, or no demand window of this month is final",
                ),
                ranking(
                    "What is the bill made of?",
                    "Energy, demand, fuel adjustment and fixed charges, what is added to the minimum charge, and the "
                    "surcharge for the power factor.",
                    prom(f'max by (kpi) ({_OF_SITE}kpi=~"bill_(energy|demand|fuel|fixed|to_minimum|power_factor)"}})',
                         "{{kpi}}", now=True),
                    unit="locale", decimals=0, width=9, empty="No tariff, or no demand window of this month is final",
                ),
                ranking(
                    "How much compressed air leaks?",
                    "Share of the delivery while nobody is planned to use air, of the newest hour that had such time; "
                    "below 10 % with care, often 20 to 30 % without (US Department of Energy, Compressed Air "
                    "Sourcebook).",
                    figures('last("value")', "leak_share", by=MACHINE, legend=_NAMED, where=(_MACHINES,)),
                    unit="percentunit", high=1.0, decimals=0, width=9,
                    steps=((None, GREEN), (0.1, ORANGE), (0.2, VERMILLION)),
                    empty="No compressor with `air` in its entry, or no time that is not planned",
                ),
                lines(
                    "How much power does a ton of cooling take?",
                    "kW for each refrigeration ton (3.517 kW of cooling), hour by hour; less is better. A rise is a "
                    "fouled condenser, low charge or flow.",
                    figures('"value"', "kw_per_rt", by=MACHINE, legend=_NAMED, where=(_MACHINES,)),
                    unit="none", decimals=2, low=0, width=24, steps=True,
                    empty="No machine with `chiller` in its entry",
                ),
            ),
        ),
        Row(
            "How far to trust this",
            (
                table(
                    "On how much of their inputs do figures rest?",
                    "Lowest coverage of each machine's newest figures; below a half, look for silent meters and "
                    "counters.",
                    prom("min by (site,area,line,asset) (millstream_kpi_coverage{PLACE})", table=True),
                    unit="percentunit", steps=COVERAGE_STEPS, width=24,
                    names={"site": "site", "area": "area", "line": "line", "asset": "asset", "Value": "coverage"},
                    sort="coverage", rising=True, fields={"coverage": COLOURED}, empty="No key figure in the metrics",
                ),
            ),
        ),
    ),
    since="now-24h",
    refresh="30s",
)  # fmt: skip
