"""What an operator reads of charts and trends: value, direction, limit, time to it, the rule and its meaning."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from streams.message_charts import CHARTS
from streams.messages import message
from tests.unit.engine.logs import LINE, Tape, play, site
from tests.unit.engine.test_outcomes import of_json, single

M1 = f"{LINE}/m1"


def run(values: Any, step_s: float, detector: dict[str, Any], cuts: Any = ()) -> Tape:
    watch = {"name": "w", "series": "*", "detector": detector, "off_delay": "0s"}
    records = of_json([single(M1, float(v), i * step_s, "x", unit="mm") for i, v in enumerate(values)])
    return play(records, cuts, of=site(watches=[watch]))


NELSON = {"kind": "nelson", "warmup": 20}


def chart(tail: list[float], **options: Any) -> Any:
    """Twenty points about 10, sigma .177 by their moving range, then a tail."""
    return run([10.0 + 0.1 * (-1) ** i for i in range(20)] + tail, 60.0, {**NELSON, **options}).events[0]


@pytest.mark.parametrize(
    ("tail", "options", "rules", "says"),
    [
        ([10.9], {"rules": [1, 2]}, [1], "beyond the control limits 9.4"),
        ([10.01] * 9, {"rules": [1, 2]}, [2], "nine points in a row on one side"),
        ([9.9 + 0.04 * i for i in range(7)], {"rules": [3]}, [3], "six points in a row rising or falling"),
        ([10.4, 10.01, 10.4], {"rules": [5, 6]}, [5], "two of three points beyond 2 sigmas"),
        ([10.9], {"rules": [1], "ranges": True}, [1, "range"], "rule 1, range: a point beyond"),
    ],
)
def test_a_chart_names_the_rule_that_fires_on_the_point_itself_and_says_what_it_means(
    tail: list[float], options: dict[str, Any], rules: list[int | str], says: str
) -> None:
    event = chart(tail, **options)
    assert event["decision"]["rules"] == rules
    assert says in event["message"]["en"]
    assert f"x is {event['value']:.5g} mm; rule {', '.join(map(str, rules))}: " in event["message"]["en"]


def test_a_chart_of_subgroups_tells_their_mean() -> None:
    rng = np.random.default_rng(1)
    values = [*(10 + 0.1 * rng.normal(size=80)), 11.0, 11.2, 11.1, 11.3]
    event = run(values, 60.0, {**NELSON, "subgroup": 4}).events[0]
    assert "x is 11.15 mm; rule 1: " in event["message"]["en"]


def test_a_cusum_says_which_way_the_level_has_moved_how_far_and_by_which_limit() -> None:
    rng = np.random.default_rng(1)
    for sign, word in ((1, "up"), (-1, "down")):
        values = 20 + rng.normal(0, 0.1, 200) + sign * np.where(np.arange(200) >= 150, 0.15, 0)
        opened = run(values, 3600.0, {"kind": "cusum"}).events[0]
        text = opened["message"]["en"]
        found = re.search(rf"moved {word} from its usual \S+ mm: (\S+) mm in the last 1h; .* (\S+) sigmas, limit", text)
        assert found, text
        assert sign * (float(found[1]) - opened["expected"]) > 0
        limit = float(text.rsplit(" ", 1)[1])
        assert opened["score"] == pytest.approx(float(found[2]) / limit, rel=1e-3)


def test_a_trend_says_how_fast_which_limit_and_when_with_its_interval() -> None:
    hours = np.arange(24 * 14)
    values = 20 + 0.01 * hours + np.random.default_rng(1).normal(0, 0.2, len(hours))
    opened = run(values, 3600.0, {"kind": "trend_rul", "limit": 24.0, "horizon": "5d"}).events[0]
    found = re.search(r"rises by (\S+) mm a day: its limit 24 mm in (\S+) d \((\S+)-(\S+) d\)", opened["message"]["en"])
    assert found, opened["message"]["en"]
    slope, likely, soonest, latest = map(float, found.groups())
    assert slope == pytest.approx(0.24, abs=0.03)
    assert soonest == pytest.approx(5.0, abs=0.3)
    assert soonest < likely < latest
    falling = run(-values, 3600.0, {"kind": "trend_rul", "limit": -24.0, "side": "below", "horizon": "5d"}).events[0]
    assert "falls by " in falling["message"]["en"]
    assert "its limit -24 mm in" in falling["message"]["en"]


@pytest.mark.parametrize("detector", [NELSON, {"kind": "cusum", "every": "5m", "warmup": 20}])
def test_the_message_is_the_same_however_the_log_is_cut(detector: dict[str, Any]) -> None:
    rng = np.random.default_rng(4)
    values = 10 + 0.1 * rng.normal(size=400) + np.where(np.arange(400) > 200, 0.3, 0.0)
    whole = run(values, 60.0, detector)
    assert whole.events
    whole.same(run(values, 60.0, detector, [7, 150, 201, 202, 203, 210, 300]))


def test_every_line_has_all_languages_and_the_same_words_in_each() -> None:
    for key, texts in CHARTS.items():
        assert set(texts) == {"en", "ms", "zh-TW"}, key
        words = [sorted(set(re.findall(r"{(\w+)}", text))) for text in texts.values()]
        assert words[0] == words[1] == words[2], key
        told = message(key, ["en", "ms", "zh-TW"], asset="a", series="x", unit="mm", value=1.0, expected=2.0)
        assert all("{" not in text for text in told.values())
