"""compose.yaml: docker compose takes it, nothing is open to others, and it agrees with settings and shipped files."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from docs.generate import ROOT
from streams.cli.main import app
from streams.settings import Settings
from tests.servers.alerting_tools import Tools, alertmanager_version, prometheus_version
from tests.servers.containers import INFLUX_IMAGE, KAFKA_IMAGE
from tests.servers.deploy_tools import DeployTools
from tests.unit.deploy.settings_given import loaded, unknown

DEPLOY = ROOT / "deploy"
STACK = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = STACK["services"]
OURS = sorted(name for name, service in SERVICES.items() if service["image"].startswith("millstream:"))


def environment(name: str) -> dict[str, str]:
    return dict(SERVICES[name].get("environment", {}))


def test_docker_compose_takes_it(checkers: DeployTools, tmp_path: Path) -> None:
    subprocess.run([str(DEPLOY / "compose" / "secrets.sh")], cwd=tmp_path, check=True)
    argv = [checkers.compose, "-f", str(DEPLOY / "compose.yaml"), "--project-directory", str(DEPLOY)]
    done = subprocess.run(
        [*argv, "--profile", "*", "config", "--format", "json"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["services"].keys() == SERVICES.keys()


def test_docker_compose_takes_the_way_in_for_gateways_which_kafka_tells_them_of(checkers: DeployTools) -> None:
    argv = [checkers.compose, "-f", str(DEPLOY / "compose.yaml"), "-f", str(DEPLOY / "compose" / "gateways.yaml")]
    config = [*argv, "--project-directory", str(DEPLOY), "config", "--format", "json"]
    told = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "MILLSTREAM_GATEWAYS": "192.168.1.10"}
    done = subprocess.run(config, env=told, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    kafka = json.loads(done.stdout)["services"]["kafka"]
    assert kafka["ports"] == [
        {"mode": "ingress", "host_ip": "192.168.1.10", "target": 19092, "published": "19092", "protocol": "tcp"}
    ]
    plain, given = SERVICES["kafka"]["environment"], kafka["environment"]
    for name, more in (
        ("KAFKA_LISTENERS", "GATEWAYS://:19092"),
        ("KAFKA_ADVERTISED_LISTENERS", "GATEWAYS://192.168.1.10:19092"),
        ("KAFKA_LISTENER_SECURITY_PROTOCOL_MAP", "GATEWAYS:PLAINTEXT"),
    ):
        assert given[name] == f"{plain[name]},{more}"
    del told["MILLSTREAM_GATEWAYS"]
    refused = subprocess.run(config, env=told, capture_output=True, text=True, check=False)
    assert "the address of this machine that gateways reach" in refused.stderr


def test_docker_compose_would_refuse_what_is_wrong(checkers: DeployTools, tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text("services: {a: {image: 'a:1', prots: ['1:1']}}")
    done = subprocess.run([checkers.compose, "config", "-q"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "'prots' not allowed" in done.stderr


def test_nothing_but_grafana_and_the_board_is_published_and_that_on_loopback_alone() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {"grafana": ["127.0.0.1:3000:3000"], "board": ["127.0.0.1:8091:8091"]}
    assert not [name for name, service in SERVICES.items() if "network_mode" in service or "privileged" in service]


def test_every_image_is_pinned_and_the_tested_ones_are_those_that_are_shipped() -> None:
    images = {name: service["image"] for name, service in SERVICES.items()}
    for image in images.values():
        assert re.search(r":v?\d+\.\d+\.\d+$", image), image
    assert (images["kafka"], images["influxdb"]) == (KAFKA_IMAGE, INFLUX_IMAGE)
    assert images["prometheus"] == f"prom/prometheus:v{prometheus_version()}"
    assert images["alertmanager"] == f"prom/alertmanager:v{alertmanager_version()}"


@pytest.mark.parametrize("name", OURS)
def test_our_containers_are_given_settings_that_there_are(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = environment(name)
    assert unknown(given) == []
    loaded(given, tmp_path, monkeypatch)
    wanted = {Path(value).name for variable, value in given.items() if variable.endswith("_FILE")}
    assert wanted == set(SERVICES[name].get("secrets", []))


def test_one_service_builds_the_image_and_no_other_asks_a_registry_for_it() -> None:
    """Several that build one tag at once fail with "already exists" on engines that store images in containerd."""
    building = {name for name in OURS if "build" in SERVICES[name]}
    assert len(building) == 1
    assert {SERVICES[name]["pull_policy"] for name in OURS if name not in building} == {"never"}
    waiting = {name for name in OURS if building & SERVICES[name].get("depends_on", {}).keys()}
    assert waiting | building == set(OURS)


@pytest.mark.parametrize("name", OURS)
def test_our_containers_run_commands_that_there_are(name: str) -> None:
    command = SERVICES[name].get("command", ["worker"])
    assert CliRunner().invoke(app, [*command, "--help"]).exit_code == 0


@pytest.mark.parametrize("name", OURS)
def test_our_containers_may_change_nothing_of_theirs(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["tmpfs"] == ["/tmp"]


def test_addresses_are_those_of_services_of_the_stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = loaded(environment("worker"), tmp_path, monkeypatch)
    assert settings.kafka == "kafka:9092"
    assert SERVICES["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"] == f"PLAINTEXT://{settings.kafka}"
    assert settings.influx_url == "http://influxdb:8086" == SERVICES["grafana"]["environment"]["INFLUXDB_URL"]
    assert settings.influx_org == SERVICES["influxdb"]["environment"]["DOCKER_INFLUXDB_INIT_ORG"]
    assert settings.influx_prefix == SERVICES["grafana"]["environment"]["INFLUXDB_PREFIX"]
    assert settings.alertmanager_url == "http://alertmanager:9093"
    board = loaded(environment("board"), tmp_path, monkeypatch)
    assert f"127.0.0.1:{board.board_port}:{board.board_port}" in SERVICES["board"]["ports"]
    assert board.board_port == Settings.model_fields["board_port"].default
    assert board.board_password is not None, "its container listens on more than loopback"
    assert board.grafana_url == "http://" + SERVICES["grafana"]["ports"][0].rpartition(":")[0]
    sharing = ("worker", "plant", "topics", "board")
    partitions = {name: environment(name).get("MILLSTREAM_PARTITIONS") for name in sharing}
    assert set(partitions.values()) == {str(Settings.model_fields["partitions"].default)}


def test_secrets_are_files_and_the_script_makes_each_once_and_keeps_it(tmp_path: Path) -> None:
    script = [str(DEPLOY / "compose" / "secrets.sh")]
    for _ in range(2):
        subprocess.run(script, cwd=tmp_path, check=True, capture_output=True)
    made = {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}
    assert {name: f"./secrets/{name}" for name in made} == {name: s["file"] for name, s in STACK["secrets"].items()}
    assert len(set(made.values())) == len(made)
    assert all(re.fullmatch(r"[0-9a-f]{64}", secret) for secret in made.values())
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700
    subprocess.run(script, cwd=tmp_path, check=True, capture_output=True)
    assert {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()} == made
    used = {secret for service in SERVICES.values() for secret in service.get("secrets", [])}
    assert used == made.keys()


def mounts() -> list[str]:
    return [volume for service in SERVICES.values() for volume in service.get("volumes", [])]


def source_of(volume: str) -> str:
    return re.sub(r"^\$\{\w+:-([^}]*)\}", r"\1", volume).split(":")[0]


def test_volumes_are_declared_and_used() -> None:
    named = {source_of(volume) for volume in mounts() if not source_of(volume).startswith(".")}
    assert named == STACK["volumes"].keys()


@pytest.mark.parametrize("volume", [volume for volume in mounts() if source_of(volume).startswith(".")])
def test_files_that_are_mounted_are_there_and_cannot_be_written(volume: str) -> None:
    assert volume.endswith(":ro")
    source = DEPLOY / source_of(volume)
    if not source.exists() and not (ROOT / "grafana" / "boards").exists() and "grafana" in source.parts:
        pytest.skip("no boards in this checkout yet")
    assert source.exists()


def test_prometheus_finds_workers_with_their_token_and_has_the_shipped_rules(alerting: Tools, tmp_path: Path) -> None:
    config = yaml.safe_load((DEPLOY / "compose" / "prometheus.yml").read_text("utf-8"))
    [job] = config["scrape_configs"]
    shipped = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text("utf-8"))
    assert job["job_name"] == shipped["scrape_configs"][0]["job_name"]
    labels = config["global"]["external_labels"]
    board = "http://" + SERVICES["board"]["ports"][0].rpartition(":")[0]
    assert (labels.pop("board"), labels.pop("runbook")) == (board, f"{board}/runbook")
    assert config["global"] == shipped["global"]
    assert config["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"] == ["alertmanager:9093"]
    [found] = job["dns_sd_configs"]
    port = int(environment("worker")["MILLSTREAM_PORT"])
    assert (found["names"], found["port"]) == (["worker"], port)
    assert port == Settings.model_fields["port"].default
    assert job["authorization"]["credentials_file"] == environment("worker")["MILLSTREAM_METRICS_TOKEN_FILE"]
    # the rest is promtool's to judge; ours is built without discoveries, and the secret is not here
    (tmp_path / "token").write_text("x")
    job["authorization"]["credentials_file"] = "token"
    job["static_configs"] = [{"targets": ["worker:8090"]}]
    del job["dns_sd_configs"]
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(config))
    (tmp_path / "millstream.rules.yml").write_bytes((DEPLOY / "prometheus" / "millstream.rules.yml").read_bytes())
    subprocess.run([alerting.promtool, "check", "config", "prometheus.yml"], cwd=tmp_path, check=True)
