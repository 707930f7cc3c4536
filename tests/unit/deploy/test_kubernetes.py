"""The manifests: kustomize builds them, Kubernetes' schemas take them, and they agree with settings and metrics."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from docs.generate import ROOT
from streams.metrics import TABLE
from streams.settings import Settings
from streams.site import load_site
from tests.servers.deploy_kinds import Schema
from tests.servers.deploy_tools import DeployTools
from tests.unit.deploy.settings_given import loaded, unknown

FOLDER = ROOT / "deploy" / "kubernetes"
KUBERNETES = "1.32"
"""The oldest release that these manifests are checked against; the newest is checked as well."""
CUSTOM = {"ScaledObject", "ServiceMonitor", "PrometheusRule"}
"""Kinds of KEDA and of Prometheus' operator, whose schemas are not among Kubernetes' own."""


@pytest.fixture(scope="module")
def built(checkers: DeployTools) -> dict[str, dict[str, Any]]:
    """kind/name -> manifest; generated ConfigMaps without their hashes."""
    done = subprocess.run([checkers.kustomize, "build", str(FOLDER)], capture_output=True, text=True, check=True)
    found = list(yaml.safe_load_all(done.stdout))
    return {f"{m['kind']}/{re.sub(r'-[a-z0-9]{10}$', '', m['metadata']['name'])}": m for m in found}


def settings_env() -> dict[str, str]:
    lines = (FOLDER / "settings.env").read_text("utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines)


def env_of(built: dict[str, dict[str, Any]], name: str) -> dict[str, str]:
    """What the containers of a pod are given beside settings.env; all of them the same."""
    spec = built[name]["spec"]["template"]["spec"]
    each = [{one["name"]: one["value"] for one in c.get("env", ())}
            for c in (*spec.get("initContainers", ()), *spec["containers"])]  # fmt: skip
    assert all(given == each[0] for given in each)
    return each[0]


def board_env(built: dict[str, dict[str, Any]]) -> dict[str, str]:
    return env_of(built, "Deployment/board")


@pytest.mark.parametrize("release", [KUBERNETES, "1.37"])
def test_kubernetes_schemas_take_them(
    built: dict[str, dict[str, Any]], checkers: DeployTools, tmp_path: Path, release: str
) -> None:
    path = tmp_path / "all.yaml"
    path.write_text(yaml.safe_dump_all(m for m in built.values() if m["kind"] not in CUSTOM))
    assert validated(checkers, path, release) == (0, "")


def test_kubernetes_schemas_would_refuse_what_is_wrong(checkers: DeployTools, tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text("apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {prots: []}\n")
    status, told = validated(checkers, path, KUBERNETES)
    assert status
    assert "prots" in told


def test_schemas_of_custom_kinds_take_them(
    built: dict[str, dict[str, Any]], kinds: dict[tuple[str, str], Schema]
) -> None:
    ours = [manifest for manifest in built.values() if manifest["kind"] in CUSTOM]
    assert {manifest["kind"] for manifest in ours} == CUSTOM
    for manifest in ours:
        jsonschema.validate(manifest, kinds[manifest["apiVersion"], manifest["kind"]])


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("ScaledObject/worker", {"maxReplicas": 3}),
        ("ServiceMonitor/worker", {"endpoints": [{"prot": "http"}]}),
        ("PrometheusRule/millstream", {"groups": [{"rules": []}]}),
    ],
)
def test_schemas_of_custom_kinds_would_refuse_what_is_wrong(
    built: dict[str, dict[str, Any]], kinds: dict[tuple[str, str], Schema], name: str, wrong: dict[str, Any]
) -> None:
    manifest = built[name] | {"spec": built[name]["spec"] | wrong}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(manifest, kinds[manifest["apiVersion"], manifest["kind"]])


def validated(checkers: DeployTools, path: Path, release: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "kubernetes_validate", "--strict", "-k", release, "--quiet", str(path)],
        env={**os.environ, "PYTHONPATH": checkers.python_path}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def test_what_is_there(built: dict[str, dict[str, Any]]) -> None:
    assert built.keys() == {
        "Namespace/millstream", "ServiceAccount/millstream", "ConfigMap/site", "ConfigMap/settings", "Job/setup",
        "Deployment/worker", "Service/worker", "PodDisruptionBudget/worker", "NetworkPolicy/worker",
        "ScaledObject/worker", "ServiceMonitor/worker", "PrometheusRule/millstream",
        "Deployment/board", "Service/board",
    }  # fmt: skip


def test_secrets_are_referenced_and_never_stored(built: dict[str, dict[str, Any]]) -> None:
    assert not [name for name in built if name.startswith("Secret/")]
    pods = ("Deployment/worker", "Deployment/board", "Job/setup")
    given = (settings_env() | env_of(built, name) for name in pods)
    named = [v for each in given for k, v in each.items() if k.endswith("_FILE") and v]
    files = {Path(v).name for v in named}
    mounted = {v.rsplit("/", 1)[0] for v in named}
    assert mounted == {"/run/secrets/millstream"}
    told = (FOLDER / "kustomization.yaml").read_text("utf-8")
    secret = told.split("create secret generic")[1].split("\n#\n")[0].split("kubectl")[0]
    assert files == set(re.findall(r"--from-(?:literal|file)=(\w+)", secret))


def test_settings_are_those_that_there_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = settings_env()
    assert unknown(given) == []
    ca = tmp_path / "ca.crt"
    ca.write_text("")
    monkeypatch.setattr("streams.security_check.kafka_context", lambda settings: None)  # reads certificates
    settings = loaded(given | {"MILLSTREAM_KAFKA_CA": str(ca)}, tmp_path, monkeypatch)
    assert settings.kafka_security == "SASL_SSL"


def test_the_site_file_is_right() -> None:
    assert load_site(FOLDER / "site.toml").site.name == "penang"


def test_probes_and_ports_are_the_workers_own(built: dict[str, dict[str, Any]]) -> None:
    [container] = built["Deployment/worker"]["spec"]["template"]["spec"]["containers"]
    [port] = container["ports"]
    assert port["containerPort"] == int(settings_env()["MILLSTREAM_PORT"]) == Settings.model_fields["port"].default
    probes = {name: container[name]["httpGet"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert {p["port"] for p in probes.values()} == {port["name"]}
    served = set(re.findall(r'add_get\("(/\w+)"', (ROOT / "streams" / "web.py").read_text("utf-8")))
    assert {p["path"] for p in probes.values()} | {"/metrics"} <= served
    assert probes["livenessProbe"]["path"] == "/healthz"
    assert probes["readinessProbe"]["path"] == "/readyz"


def test_the_board_has_settings_that_there_are_and_its_probes_and_service_lead_to_it(
    built: dict[str, dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert unknown(board_env(built)) == []
    given = settings_env() | board_env(built)
    ca = tmp_path / "ca.crt"
    ca.write_text("")
    monkeypatch.setattr("streams.security_check.kafka_context", lambda settings: None)  # reads certificates
    settings = loaded(given | {"MILLSTREAM_KAFKA_CA": str(ca)}, tmp_path, monkeypatch)
    assert settings.board_password is not None, "the network reaches it"
    assert (settings.control_key, settings.influx_token, settings.metrics_token) == (None, None, None)
    assert settings.kafka_user != settings_env()["MILLSTREAM_KAFKA_USER"]
    template = built["Deployment/board"]["spec"]["template"]
    [container] = template["spec"]["containers"]
    assert container["ports"] == [{"name": "board", "containerPort": settings.board_port}]
    probes = [container[name]["httpGet"] for name in ("startupProbe", "livenessProbe", "readinessProbe")]
    assert probes == [{"path": "/healthz", "port": "board"}] * 3
    service = built["Service/board"]["spec"]
    assert service["ports"][0]["targetPort"] == "board"
    assert service["selector"].items() <= template["metadata"]["labels"].items()
    open_to = [port["port"] for rule in built["NetworkPolicy/worker"]["spec"]["ingress"] for port in rule["ports"]]
    assert open_to == ["http", "board"]


@pytest.mark.parametrize("name", ["Deployment/worker", "Deployment/board", "Job/setup"])
def test_a_pod_holds_the_secrets_that_its_settings_name_and_no_others(
    built: dict[str, dict[str, Any]], name: str
) -> None:
    spec = built[name]["spec"]["template"]["spec"]
    [secrets] = [v["secret"]["items"] for v in spec["volumes"] if v["name"] == "secrets"]
    named = {Path(v).name for k, v in (settings_env() | env_of(built, name)).items() if k.endswith("_FILE") and v}
    assert {item["key"] for item in secrets} == {item["path"] for item in secrets} == named


@pytest.mark.parametrize("name", ["Deployment/worker", "Deployment/board", "Job/setup"])
def test_pods_are_held_to_the_restricted_standard(built: dict[str, dict[str, Any]], name: str) -> None:
    spec = built[name]["spec"]["template"]["spec"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in (*spec["containers"], *spec.get("initContainers", [])):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
        }  # fmt: skip
        assert container["resources"]["limits"]["memory"]
        assert {v["name"] for v in container["volumeMounts"]} <= {v["name"] for v in spec["volumes"]}


def test_workers_are_scaled_by_a_metric_that_there_is_up_to_the_partitions(built: dict[str, dict[str, Any]]) -> None:
    spec = built["ScaledObject/worker"]["spec"]
    assert f"Deployment/{spec['scaleTargetRef']['name']}" in built
    assert spec["minReplicaCount"] >= 2
    assert spec["maxReplicaCount"] <= int(settings_env()["MILLSTREAM_PARTITIONS"])
    [trigger] = spec["triggers"]
    assert trigger["type"] == "prometheus"
    assert set(re.findall(r"millstream_\w+", trigger["metadata"]["query"])) <= {d.name for d in TABLE}
    assert all(isinstance(value, str) for value in trigger["metadata"].values()), "KEDA takes strings alone"
    assert "replicas" not in built["Deployment/worker"]["spec"]


def test_prometheus_finds_the_workers_under_the_job_that_the_rules_ask_for(built: dict[str, dict[str, Any]]) -> None:
    spec, service = built["ServiceMonitor/worker"]["spec"], built["Service/worker"]
    labels = service["metadata"]["labels"]
    assert spec["selector"]["matchLabels"].items() <= labels.items()
    assert labels[spec["jobLabel"]].startswith("millstream")
    [endpoint] = spec["endpoints"]
    assert endpoint["port"] == service["spec"]["ports"][0]["name"]
    asked = endpoint["authorization"]["credentials"]
    assert Path(settings_env()["MILLSTREAM_METRICS_TOKEN_FILE"]).name == asked["key"]
    pods = built["Deployment/worker"]["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["selector"].items() <= pods.items()
    assert built["PodDisruptionBudget/worker"]["spec"]["selector"]["matchLabels"].items() <= pods.items()


def test_the_rules_are_the_shipped_ones(built: dict[str, dict[str, Any]]) -> None:
    shipped = yaml.safe_load((ROOT / "deploy" / "prometheus" / "millstream.rules.yml").read_text("utf-8"))
    assert built["PrometheusRule/millstream"]["spec"] == shipped


def test_the_network_is_open_to_the_addresses_of_the_settings_and_no_others(built: dict[str, dict[str, Any]]) -> None:
    spec = built["NetworkPolicy/worker"]["spec"]
    assert set(spec["policyTypes"]) == {"Ingress", "Egress"}
    let_out = {
        (to["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"], port["port"])
        for rule in spec["egress"] for to in rule["to"] for port in rule["ports"]
    }  # fmt: skip
    given = settings_env()
    wanted = set()
    for name in ("MILLSTREAM_KAFKA", "MILLSTREAM_INFLUX_URL", "MILLSTREAM_ALERTMANAGER_URL"):
        host, port = given[name].removeprefix("http://").rsplit(":", 1)
        wanted.add((host.split(".")[1], int(port)))
    assert let_out == wanted | {("kube-system", 53)}
