"""The plan of topics: what would be made, what differs, what is refused."""

from __future__ import annotations

import pytest

from schemas.errors import Misconfigured
from streams.topic_table import SAME_N, TOPICS, Layout, plan, wanted


def all_there(partitions: int = 12) -> dict[str, Layout]:
    return dict(wanted("m.", partitions))


def test_every_missing_topic_is_made() -> None:
    changes = plan(wanted("m.", 12), {})
    assert [(change.topic, change.kind, change.wanted) for change in changes] == [
        ("m.reading.v1", "create", "12"),
        ("m.command.v1", "create", "12"),
        ("m.anomaly.v1", "create", "12"),
        ("m.kpi.v1", "create", "12"),
        ("m.kpi.site.v1", "create", "1"),
        ("m.audit.v1", "create", "12"),
        ("m.state.v1", "create", "12"),
        ("m.rejected.v1", "create", "1"),
    ]


def test_nothing_is_to_do_where_all_is_as_wanted() -> None:
    assert plan(wanted("m.", 12), all_there()) == []


def test_topics_of_other_prefixes_are_not_looked_at() -> None:
    assert plan(wanted("m.", 12), {**all_there(), "reading.v1": Layout(3, 1, {}), "other": Layout(1, 1, {})}) == []


def test_configuration_that_differs_is_shown() -> None:
    there = all_there()
    there["m.state.v1"] = there["m.state.v1"]._replace(
        config={**there["m.state.v1"].config, "cleanup.policy": "delete"}
    )
    (change,) = plan(wanted("m.", 12), there)
    assert str(change) == "topic m.state.v1: cleanup.policy is delete, expected compact"


def test_configuration_that_the_broker_does_not_report_is_no_difference() -> None:
    there = {name: layout._replace(config={}) for name, layout in all_there().items()}
    assert plan(wanted("m.", 12), there) == []


def test_another_number_of_partitions_is_shown_where_all_agree() -> None:
    changes = plan(wanted("m.", 12), all_there(6))
    assert {change.kind for change in changes} == {"partitions"}
    assert {change.topic[2:] for change in changes} == {*SAME_N, "kpi.v1", "audit.v1"}


@pytest.mark.parametrize("odd", SAME_N)
def test_partitions_that_differ_among_topics_that_belong_together_are_refused(odd: str) -> None:
    there = all_there()
    there["m." + odd] = there["m." + odd]._replace(partitions=6)
    with pytest.raises(Misconfigured, match=rf"same number of partitions.*m\.{odd} 6"):
        plan(wanted("m.", 12), there)


def test_a_topic_is_not_made_with_other_partitions_than_those_it_belongs_to() -> None:
    there = {"m.reading.v1": all_there(6)["m.reading.v1"]}
    with pytest.raises(Misconfigured, match=r"m\.reading\.v1 6, m\.command\.v1 12 \(to be made\)"):
        plan(wanted("m.", 12), there)


def test_partitions_of_audit_may_differ() -> None:
    there = all_there()
    there["m.audit.v1"] = there["m.audit.v1"]._replace(partitions=3)
    (change,) = plan(wanted("m.", 12), there)
    assert (change.topic, change.kind) == ("m.audit.v1", "partitions")


def test_time_stamps_are_the_brokers_where_the_log_is_an_input() -> None:
    stamped = {topic.name for topic in TOPICS if topic.config.get("message.timestamp.type") == "LogAppendTime"}
    assert stamped == {"reading.v1", "command.v1", "kpi.v1"}


def test_how_long_topics_keep() -> None:
    days = {topic.name: int(topic.config.get("retention.ms", 0)) // 86_400_000 for topic in TOPICS}
    assert days == {
        "reading.v1": 7,
        "command.v1": 30,
        "anomaly.v1": 365,
        "kpi.v1": 365,
        "kpi.site.v1": 365,
        "audit.v1": -1,
        "state.v1": 0,
        "rejected.v1": 30,
    }
    assert wanted("m.", 12)["m.audit.v1"].config["retention.ms"] == "-1"


@pytest.mark.parametrize(("replication", "insync"), [(1, "1"), (2, "2"), (3, "2")])
def test_writes_need_two_replicas_where_there_are_two(replication: int, insync: str) -> None:
    layouts = wanted("m.", 12, replication)
    assert {layout.config["min.insync.replicas"] for layout in layouts.values()} == {insync}


def test_an_override_of_one_topic_wins_over_one_of_all() -> None:
    layouts = wanted("m.", 12, overrides={"reading.v1:segment.ms": "1", "segment.ms": "2"})
    assert layouts["m.reading.v1"].config["segment.ms"] == "1"
    assert layouts["m.audit.v1"].config["segment.ms"] == "2"


def test_an_override_of_a_topic_there_is_not_is_refused() -> None:
    with pytest.raises(Misconfigured, match=r"readings\.v1:segment\.ms.*reading\.v1"):
        wanted("m.", 12, overrides={"readings.v1:segment.ms": "1"})


@pytest.mark.parametrize("numbers", [(0, 1), (12, 0)])
def test_numbers_below_one_are_refused(numbers: tuple[int, int]) -> None:
    with pytest.raises(Misconfigured, match="at least 1"):
        wanted("m.", *numbers)
