"""The lines of charts and trends: the rule that fired and its meaning, how far a level moved, how long to a limit."""

from __future__ import annotations

_RULES: dict[str, tuple[str, str, str]] = {
    "1": (
        "a point beyond the control limits {low} to {high}{unit}",
        "satu titik di luar had kawalan {low} hingga {high}{unit}",
        "一點超出管制界限 {low} 至 {high}{unit}",
    ),
    "2": (
        "nine points in a row on one side of the centre {expected}{unit}: the level has shifted",
        "sembilan titik berturut-turut di satu sisi garis tengah {expected}{unit}: aras telah beralih",
        "連續九點在中心線 {expected}{unit} 的同一側：水準已偏移",
    ),
    "3": (
        "six points in a row rising or falling: a trend, such as tool wear",
        "enam titik berturut-turut menaik atau menurun: satu trend, misalnya kehausan mata alat",
        "連續六點上升或下降：出現趨勢，例如刀具磨損",
    ),
    "4": (
        "fourteen points in a row up and down in turn: over-adjustment, or two sources in turn",
        "empat belas titik naik turun silih berganti: terlebih laras, atau dua sumber bergilir",
        "連續十四點上下交替：過度調整，或兩個來源輪流",
    ),
    "5": (
        "two of three points beyond 2 sigmas on one side of {expected}{unit}",
        "dua daripada tiga titik melebihi 2 sigma di satu sisi {expected}{unit}",
        "三點中有兩點在 {expected}{unit} 同一側超出 2 個標準差",
    ),
    "6": (
        "four of five points beyond 1 sigma on one side of {expected}{unit}",
        "empat daripada lima titik melebihi 1 sigma di satu sisi {expected}{unit}",
        "五點中有四點在 {expected}{unit} 同一側超出 1 個標準差",
    ),
    "7": (
        "fifteen points in a row within 1 sigma of {expected}{unit}: too even; check gauge and limits",
        "lima belas titik berturut-turut dalam 1 sigma dari {expected}{unit}: terlalu sekata; periksa tolok dan had",
        "連續十五點在 {expected}{unit} 的 1 個標準差內：過於集中；請檢查量具與界限",
    ),
    "8": (
        "eight points in a row beyond 1 sigma of {expected}{unit} on either side: a mixture",
        "lapan titik berturut-turut melebihi 1 sigma dari {expected}{unit} di kedua-dua sisi: satu campuran",
        "連續八點在 {expected}{unit} 兩側超出 1 個標準差：混合母體",
    ),
    "range": (
        "the range within a subgroup, or from point to point, beyond its control limit",
        "julat dalam subkumpulan, atau antara titik, melebihi had kawalannya",
        "子組內或點間的全距超出其管制界限",
    ),
}
"""Of each rule of the control chart, what it says: English, Malay, Traditional Chinese."""

CHARTS: dict[str, dict[str, str]] = {
    **{
        f"nelson_{rule}": {
            "en": "{asset} {series} is {point}{unit}; rule {rules}: " + en,
            "ms": "{asset} {series} ialah {point}{unit}; peraturan {rules}: " + ms,
            "zh-TW": "{asset} 的 {series} 為 {point}{unit}；規則 {rules}：" + zh,
        }
        for rule, (en, ms, zh) in _RULES.items()
    },
    "nelson": {
        "en": "{asset} {series} is {value}{unit}, out of control: centre {expected}, limits {low} to {high}{unit}",
        "ms": "{asset} {series} ialah {value}{unit}, luar kawalan: tengah {expected}, had {low} hingga {high}{unit}",
        "zh-TW": "{asset} 的 {series} 為 {value}{unit}，失去管制：中心 {expected}，界限 {low} 至 {high}{unit}",
    },
    "cusum": {
        "en": "{asset} {series} has moved a little from its usual level {expected}{unit}: {value}{unit} now",
        "ms": "{asset} {series} beralih sedikit demi sedikit dari aras biasa {expected}{unit}: kini {value}{unit}",
        "zh-TW": "{asset} 的 {series} 已緩慢或小幅偏離平常水準 {expected}{unit}：目前 {value}{unit}",
    },
    "cusum_up": {
        "en": "{asset} {series} has moved up from its usual {expected}{unit}: {mean}{unit} in the last {every}; "
        "the deviations add up to {sum} sigmas, limit {limit}",
        "ms": "{asset} {series} beralih naik dari aras biasa {expected}{unit}: {mean}{unit} dalam {every} terakhir; "
        "jumlah sisihan {sum} sigma, had {limit}",
        "zh-TW": "{asset} 的 {series} 自平常水準 {expected}{unit} 上移：最近 {every} 為 {mean}{unit}；"
        "偏差累計 {sum} 個標準差，門檻 {limit}",
    },
    "cusum_down": {
        "en": "{asset} {series} has moved down from its usual {expected}{unit}: {mean}{unit} in the last {every}; "
        "the deviations add up to {sum} sigmas, limit {limit}",
        "ms": "{asset} {series} beralih turun dari aras biasa {expected}{unit}: {mean}{unit} dalam {every} terakhir; "
        "jumlah sisihan {sum} sigma, had {limit}",
        "zh-TW": "{asset} 的 {series} 自平常水準 {expected}{unit} 下移：最近 {every} 為 {mean}{unit}；"
        "偏差累計 {sum} 個標準差，門檻 {limit}",
    },
    "trend_rul": {
        "en": "{asset} {series} is {value}{unit} and drifts towards its limit {limit}{unit}",
        "ms": "{asset} {series} ialah {value}{unit} dan menghampiri hadnya {limit}{unit}",
        "zh-TW": "{asset} 的 {series} 為 {value}{unit}，正朝界限 {limit}{unit} 移動",
    },
    "trend_rul_up": {
        "en": "{asset} {series} is {value}{unit} and rises by {slope}{unit} a day: its limit {limit}{unit} in {left}",
        "ms": "{asset} {series} ialah {value}{unit}, naik {slope}{unit} sehari: had {limit}{unit} dalam {left}",
        "zh-TW": "{asset} 的 {series} 為 {value}{unit}，每日上升 {slope}{unit}：約 {left} 後達到界限 {limit}{unit}",
    },
    "trend_rul_down": {
        "en": "{asset} {series} is {value}{unit} and falls by {slope}{unit} a day: its limit {limit}{unit} in {left}",
        "ms": "{asset} {series} ialah {value}{unit}, turun {slope}{unit} sehari: had {limit}{unit} dalam {left}",
        "zh-TW": "{asset} 的 {series} 為 {value}{unit}，每日下降 {slope}{unit}：約 {left} 後達到界限 {limit}{unit}",
    },
    "trend_rul_reached": {
        "en": "{asset} {series} is {value}{unit}: the trend has reached its limit {limit}{unit}",
        "ms": "{asset} {series} ialah {value}{unit}: trend telah mencapai had {limit}{unit}",
        "zh-TW": "{asset} 的 {series} 為 {value}{unit}：趨勢已達到界限 {limit}{unit}",
    },
}
"""Lines by key, as in `streams/messages.py`."""
