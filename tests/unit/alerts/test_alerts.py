"""Alert rules: each fires when it should and is silent when it should be, by promtool; what people are told of it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from detectors.registry import REGISTRY
from docs.generate import ROOT
from grafana.alerts.table import ALERTS
from schemas.anomaly import heading_of
from streams.metrics import TABLE
from streams.trial_page import NAME as TRIAL
from tests.servers.alerting_tools import Tools, prepared
from tests.servers.choose import in_ci
from tests.servers.lend import lend_tools
from tests.unit.alerts.cases import CASES, Series

RULES = ROOT / "deploy" / "prometheus" / "millstream.rules.yml"
RUNBOOK = (ROOT / "grafana" / "runbook.md").read_text(encoding="utf-8")
ALWAYS = "MillstreamWatchdog"


@pytest.fixture(scope="session")
def tools() -> Tools:
    return lend_tools(prepared, in_ci())


def count(alert: str) -> str:
    return f'count(ALERTS{{alertname="{alert}",alertstate="firing"}})'


def group(alert: str, series: Series, at: str, many: int) -> dict[str, object]:
    samples = [{"labels": "{}", "value": many}] if many else []
    return {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [{"expr": count(alert), "eval_time": at, "exp_samples": samples}],
    }


def judged(tools: Tools, tmp_path: Path, groups: list[dict[str, object]]) -> str:
    """What promtool says of tests; empty where all hold."""
    path = tmp_path / "test.yml"
    body = {"rule_files": [str(RULES)], "evaluation_interval": "30s", "tests": groups}
    path.write_text(yaml.safe_dump(body), encoding="utf-8")
    done = subprocess.run([tools.promtool, "test", "rules", str(path)], capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_every_alert_has_a_case() -> None:
    assert set(CASES) == set(ALERTS)


@pytest.mark.parametrize("name", sorted(ALERTS))
def test_it_fires_once_when_it_should_and_is_silent_when_it_should_be(tools: Tools, tmp_path: Path, name: str) -> None:
    case = CASES[name]
    groups = [group(name, case.fires, case.at, case.many)]
    if name != ALWAYS:
        groups.append(group(name, case.silent, case.at, 0))
    assert judged(tools, tmp_path, groups) == ""


def test_an_alert_that_should_not_be_there_is_noticed(tools: Tools, tmp_path: Path) -> None:
    case = CASES["MillstreamLagging"]
    assert "FAILED" in judged(tools, tmp_path, [group("MillstreamLagging", case.fires, case.at, 0)])


@pytest.mark.parametrize("runbook", [None, "https://board/runbook"])
def test_a_person_reads_what_where_and_how_bad_with_a_link_to_the_board(
    tools: Tools, tmp_path: Path, runbook: str | None
) -> None:
    case = CASES["MillstreamAnomalyMajor"]
    expected = {
        "summary": "Major anomaly on oven-1, line1: watch level, severity 601",
        "summary_ms": "Anomali Serius pada oven-1, line1: pemantau level, tahap 601",
        "summary_zh_TW": "重大異常：line1 oven-1，監測 level，嚴重度 601",
        "value": "601",
        "unit": "1",
        "board": "http://g/d/millstream-asset?var-site=penang&var-area=smt&var-line=line1&var-asset=oven-1"
        "&var-watch=level",
        "runbook": f"{runbook or 'grafana/runbook.md'}#millstreamanomalymajor",
        "decide": "https://board/?q=oven-1+level" if runbook else "",
    }
    labels = {
        "severity": "major", "team": "process", "site": "penang", "area": "smt", "line": "line1", "asset": "oven-1",
        "watch": "level", "job": "millstream",
    }  # fmt: skip
    more = {"runbook": runbook, "board": "https://board"} if runbook else {}
    told = {
        "interval": "1m",
        "external_labels": {"grafana": "http://g"} | more,
        "input_series": [{"series": name, "values": values} for name, values in case.fires.items()],
        "alert_rule_test": [
            {"eval_time": "10m", "alertname": "MillstreamAnomalyMajor",
             "exp_alerts": [{"exp_labels": labels, "exp_annotations": expected}]},
        ],
    }  # fmt: skip
    assert judged(tools, tmp_path, [told]) == ""


def test_rules_ask_for_metrics_that_there_are_by_labels_that_they_have() -> None:
    known = {definition.name: set(definition.labels) for definition in TABLE}
    for alert in ALERTS.values():
        for name, matchers in re.findall(r"\b(millstream_\w+)(?:\{([^}]*)\})?", alert.expr):
            assert name in known, f"{alert.name} asks for {name}"
            asked = set(re.findall(r"(\w+)(?==~?\")", matchers))
            assert asked <= known[name], f"{alert.name}: {name} has no {asked - known[name]}"


@pytest.mark.parametrize("name", sorted((*ALERTS, TRIAL)))
def test_each_alert_has_its_place_in_the_runbook(name: str) -> None:
    section = RUNBOOK.split(f"\n## {name}\n")
    assert len(section) == 2, f"expected one heading '## {name}'"
    text = section[1].split("\n## ")[0]
    for part in ("**Means**", "**Costs**", "**Check**", "**Mend**", "**Wake**"):
        assert part in text, f"{name}: the runbook lacks {part}"


def test_each_detector_has_the_heading_in_the_runbook_that_its_events_name() -> None:
    by_detector = RUNBOOK.split("\n## By detector\n")[1]
    headings = [f"#{heading}" for heading in re.findall(r"^### (\S+)$", by_detector, re.M)]
    assert sorted(headings) == sorted(heading_of(kind) for kind in REGISTRY)
    for section in by_detector.split("\n### ")[1:]:
        assert [part in section for part in ("**Means**", "**Check**", "**Mend**")] == [True] * 3, section


def test_the_runbook_has_no_alert_that_is_gone() -> None:
    assert set(re.findall(r"^## (Millstream\w+)$", RUNBOOK, re.M)) == {*ALERTS, TRIAL}


@pytest.mark.parametrize("name", sorted(ALERTS))
def test_every_alert_is_said_in_three_languages_with_the_same_facts(name: str) -> None:
    said = ALERTS[name].summary
    facts = [sorted(set(re.findall(r"\{\{ \$(\S+)", text))) for text in said]
    assert facts[0] == facts[1] == facts[2]
    assert len({*said}) == 3
    assert not re.search(r"[一-鿿]", said.en + said.ms)
    assert re.search(r"[一-鿿]", said.zh)


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        ("alertname=MillstreamWatchdog team=platform severity=none", "heartbeat"),
        ("alertname=MillstreamLagging team=platform severity=major", "platform-page"),
        ("alertname=MillstreamClockOff team=platform severity=minor", "platform"),
        ("alertname=MillstreamAnomalyCritical team=process severity=critical", "process-page"),
        ("alertname=MillstreamAnomalyMinor team=process severity=minor", "shift"),
        ("alertname=MillstreamSensorFault team=maintenance severity=minor", "maintenance"),
        ("alertname=MillstreamGatewaySilent team=maintenance severity=major", "maintenance-page"),
    ],
)
def test_alerts_go_to_those_whom_they_concern(tools: Tools, labels: str, receiver: str) -> None:
    config = str(ROOT / "deploy" / "alertmanager" / "alertmanager.yml")
    argv = [tools.amtool, "config", "routes", "test", f"--config.file={config}", *labels.split()]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == receiver


def test_the_servers_take_their_files(tools: Tools) -> None:
    deploy = ROOT / "deploy"
    subprocess.run([tools.amtool, "check-config", str(deploy / "alertmanager" / "alertmanager.yml")], check=True)
    subprocess.run([tools.promtool, "check", "config", str(deploy / "prometheus" / "prometheus.yml")], check=True)


def managed_rules() -> dict[str, dict[str, object]]:
    text = (ROOT / "deploy" / "grafana" / "managed-alerts" / "millstream.yml").read_text(encoding="utf-8")
    return {rule["title"]: rule for group in yaml.safe_load(text)["groups"] for rule in group["rules"]}


def test_grafana_has_the_same_rules_from_the_same_table() -> None:
    rules = managed_rules()
    assert set(rules) == set(ALERTS)
    assert len({rule["uid"] for rule in rules.values()}) == len(rules)
    for name, alert in ALERTS.items():
        rule = rules[name]
        assert rule["data"][0]["model"]["expr"] == alert.expr
        assert (rule["for"], rule["labels"]["severity"]) == (alert.hold, alert.severity)
        assert len(rule["uid"]) <= 40, "Grafana takes no longer uid"


def test_annotations_of_grafana_know_its_variables_alone_and_links_begin_with_its_own_address() -> None:
    """Grafana fills in neither annotations nor queries from its environment: `$$` and `${` would stay as they are."""
    for rule in managed_rules().values():
        for text in (*rule["annotations"].values(), *(query["model"].get("expr", "") for query in rule["data"])):
            assert "$$" not in text
            assert "${" not in text
        for text in rule["annotations"].values():
            used = {name for action in re.findall(r"\{\{(.*?)\}\}", text) for name in re.findall(r"\$(\w+)", action)}
            assert used <= {"labels", "values"}, text
        assert rule["annotations"]["board"].startswith('{{ externalURL | reReplaceAll "/+$" "" }}/d/millstream-')


def test_the_managed_rules_stand_outside_the_provisioning_path() -> None:
    assert not list((ROOT / "deploy").rglob("provisioning/alerting/*.yml"))


def test_receivers_for_mail_and_messengers_fit_the_routes(tools: Tools, tmp_path: Path) -> None:
    deploy = ROOT / "deploy" / "alertmanager"
    config = yaml.safe_load((deploy / "alertmanager.yml").read_text("utf-8"))
    example = yaml.safe_load((deploy / "receivers.example.yml").read_text("utf-8"))["receivers"]
    assert {each["name"] for each in example} == {each["name"] for each in config["receivers"]}
    config |= {"receivers": example, "templates": [str(deploy / "millstream.tmpl")]}
    whole = tmp_path / "alertmanager.yml"
    whole.write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
    done = subprocess.run([tools.amtool, "check-config", str(whole)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    secrets = re.findall(
        r"(\w+_(?:file|password|key|token|url)): (\S+)", (deploy / "receivers.example.yml").read_text()
    )
    assert len(secrets) == 6
    assert all(name.endswith("_file") and path.startswith("/run/secrets/") for name, path in secrets)
