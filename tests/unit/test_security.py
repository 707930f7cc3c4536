"""Settings of security: what each client is given, what is refused at start, and that no secret is ever shown."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import faust
import pytest
from aiokafka import AIOKafkaConsumer
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from faust.transport.drivers.aiokafka import credentials_to_aiokafka_auth
from kafka.net.sasl.oauth import SaslMechanismOAuth

from schemas.errors import Misconfigured
from streams.acl import INFLUX, ROLES, TABLE, acl_lines, grants
from streams.app import Calls, Judged, make_app
from streams.security import PREFIX, aiokafka_options, faust_credentials, kafka_python_options, web_context
from streams.security_check import risks
from streams.settings import Settings, load_settings
from streams.topic_table import TOPICS
from tests.servers.authority import Authority

SECRET = "a-secret-that-must-not-be-shown"
LOGIN = {"kafka_user": "ann", "kafka_password": SECRET}


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        for suffix in ("", "_FILE"):
            monkeypatch.delenv(f"{PREFIX}{name.upper()}{suffix}", raising=False)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def client(authority: Authority) -> tuple[Path, Path]:
    return authority.issue("ann")


def refused(**given: Any) -> str:
    """The one line that says why; it holds no secret."""
    with pytest.raises(Misconfigured) as caught:
        load_settings(**given)
    said = str(caught.value)
    assert SECRET not in said
    assert "\n" not in said
    assert PREFIX in said
    return said


# --- what clients are given


def test_without_security_clients_connect_in_the_clear() -> None:
    settings = load_settings()
    assert aiokafka_options(settings) == {"security_protocol": "PLAINTEXT", "ssl_context": None}
    assert faust_credentials(settings) is None
    assert kafka_python_options(settings)["security_protocol"] == "PLAINTEXT"


@pytest.mark.parametrize("security", ["SASL_PLAINTEXT", "SASL_SSL"])
@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_a_password_reaches_every_client_in_the_same_way(security: str, mechanism: str, authority: Authority) -> None:
    ca = authority.file if security == "SASL_SSL" else None
    settings = load_settings(kafka_security=security, kafka_mechanism=mechanism, kafka_ca=ca, **LOGIN)
    wanted = {
        "security_protocol": security,
        "sasl_mechanism": mechanism,
        "sasl_plain_username": "ann",
        "sasl_plain_password": SECRET,
    }
    for options in (
        aiokafka_options(settings),
        kafka_python_options(settings),
        dict(credentials_to_aiokafka_auth(faust_credentials(settings))),
    ):
        assert options.items() >= wanted.items()
        assert isinstance(options["ssl_context"], ssl.SSLContext) == (security == "SASL_SSL")


def test_the_app_of_the_worker_has_them(authority: Authority) -> None:
    settings = load_settings(kafka_security="SASL_SSL", kafka_ca=authority.file, control_key="k" * 32, **LOGIN)
    calls = Calls(*[Judged(*[lambda *args: None] * 3)] * 2, *[lambda *args: None] * 3)  # type: ignore[arg-type]
    credentials = make_app(settings, calls).conf.broker_credentials
    assert isinstance(credentials, faust.SASLCredentials)
    assert (credentials.username, credentials.password) == ("ann", SECRET)
    assert SECRET not in repr(credentials)


def test_certificates_are_verified_for_the_host_unless_told(authority: Authority, client: tuple[Path, Path]) -> None:
    cert, key = client
    settings = load_settings(kafka_security="SSL", kafka_ca=authority.file, kafka_cert=cert, kafka_key=key)
    context = aiokafka_options(settings)["ssl_context"]
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert [ca["subject"] for ca in context.get_ca_certs()] == [ca["issuer"] for ca in context.get_ca_certs()], (
        "that authority alone, and not the system's"
    )
    assert isinstance(faust_credentials(settings), faust.SSLCredentials)
    loose = load_settings(kafka_security="SSL", kafka_ca=authority.file, kafka_check_hostname=False)
    context = kafka_python_options(loose)["ssl_context"]
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, False)


def test_without_an_authority_the_systems_are_trusted() -> None:
    settings = load_settings(kafka_security="SSL")
    assert (
        aiokafka_options(settings)["ssl_context"].cert_store_stats() == ssl.create_default_context().cert_store_stats()
    )


def test_aiokafka_takes_the_options_by_these_names(authority: Authority) -> None:
    settings = load_settings(kafka_security="SASL_SSL", kafka_ca=authority.file, **LOGIN)

    async def made() -> None:
        AIOKafkaConsumer(**aiokafka_options(settings))

    asyncio.run(made())


# --- tokens


def test_a_token_file_is_read_anew_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "token"
    file.write_text("first\n")
    monkeypatch.setenv(f"{PREFIX}KAFKA_TOKEN_FILE", str(file))
    settings = load_settings(kafka_security="SASL_PLAINTEXT", kafka_mechanism="OAUTHBEARER")
    own = aiokafka_options(settings)["sasl_oauth_token_provider"]
    fausts = credentials_to_aiokafka_auth(faust_credentials(settings))["sasl_oauth_token_provider"]
    other = SaslMechanismOAuth(**kafka_python_options(settings))
    for token in ("first", "second"):
        file.write_text(f"{token}\n")
        assert asyncio.run(own.token()) == asyncio.run(fausts.token()) == token
        assert f"Bearer {token}\x01".encode() in other.auth_bytes()
    file.write_text("")
    with pytest.raises(OSError, match="expected a token") as caught:  # as of a server that is away: tried again
        asyncio.run(own.token())
    assert "second" not in str(caught.value)


def test_a_token_may_stand_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{PREFIX}KAFKA_TOKEN", SECRET)
    settings = load_settings(kafka_security="SASL_SSL", kafka_mechanism="OAUTHBEARER")
    assert asyncio.run(aiokafka_options(settings)["sasl_oauth_token_provider"].token()) == SECRET


# --- what is refused at start


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"kafka_security": "SASL_SSL"}, ("KAFKA_USER", "KAFKA_PASSWORD", "SCRAM-SHA-512")),
        ({"kafka_security": "SASL_SSL", "kafka_user": "ann"}, ("KAFKA_PASSWORD",)),
        ({"kafka_security": "SASL_SSL", "kafka_user": "", "kafka_password": SECRET}, ("KAFKA_USER",)),
        ({"kafka_security": "SASL_SSL", "kafka_mechanism": "OAUTHBEARER"}, ("KAFKA_TOKEN", "KAFKA_TOKEN_FILE")),
        (
            {"kafka_security": "SASL_SSL", "kafka_mechanism": "OAUTHBEARER", "kafka_token": "two\nlines"},
            ("KAFKA_TOKEN", "one line"),
        ),
        (
            {
                "kafka_security": "SASL_SSL",
                "kafka_mechanism": "OAUTHBEARER",
                "kafka_token": SECRET,
                "kafka_token_file": "/nowhere/token",
            },
            ("KAFKA_TOKEN", "KAFKA_TOKEN_FILE", "both"),
        ),
        (
            {"kafka_security": "SASL_SSL", "kafka_mechanism": "OAUTHBEARER", "kafka_token_file": "/nowhere/token"},
            ("KAFKA_TOKEN_FILE=/nowhere/token", "No such file"),
        ),
        ({**LOGIN}, ("KAFKA_SECURITY=PLAINTEXT", "KAFKA_USER", "KAFKA_PASSWORD", "SASL_SSL")),
        ({"kafka_security": "SSL", **LOGIN}, ("KAFKA_SECURITY=SSL", "KAFKA_PASSWORD")),
        ({"kafka_security": "SASL_PLAINTEXT", "kafka_ca": "/ca.pem", **LOGIN}, ("SASL_PLAINTEXT", "KAFKA_CA")),
        ({"kafka_security": "SSL", "kafka_cert": "/cert.pem"}, ("KAFKA_CERT needs", "KAFKA_KEY")),
        ({"kafka_security": "SSL", "kafka_key": "/key.pem"}, ("KAFKA_KEY needs", "KAFKA_CERT")),
        ({"kafka_security": "SSL", "kafka_ca": "/nowhere/ca.pem"}, ("KAFKA_CA=/nowhere/ca.pem", "No such file")),
        ({"kafka_security": "TLS"}, ("KAFKA_SECURITY", "SASL_SSL")),
        ({"metrics_cert": "/cert.pem"}, ("METRICS_CERT needs", "METRICS_CERT_KEY")),
        ({"metrics_token": "short"}, ("METRICS_TOKEN", "16 characters")),
        ({"metrics_token": "with a blank in the middle"}, ("METRICS_TOKEN", "no blanks")),
    ],
)
def test_contradictions_are_named(given: dict[str, str], named: tuple[str, ...]) -> None:
    said = refused(**given)
    assert all(word in said for word in named), said


def test_files_that_hold_something_else_are_named(
    authority: Authority, client: tuple[Path, Path], tmp_path: Path
) -> None:
    cert, key = client
    other = authority.issue("ben")[1]
    text = tmp_path / "text.pem"
    text.write_text(SECRET)
    sealed = tmp_path / "sealed.pem"
    parsed = load_pem_private_key(key.read_bytes(), None)
    sealed.write_bytes(parsed.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"pass")))
    tls = {"kafka_security": "SSL", "kafka_ca": authority.file}
    assert f"KAFKA_CA={text}: expected certificates in PEM" in refused(kafka_security="SSL", kafka_ca=text)
    assert f"KAFKA_CA={key}: expected certificates" in refused(kafka_security="SSL", kafka_ca=key)
    assert "is not the key of the certificate" in refused(**tls, kafka_cert=cert, kafka_key=other)
    assert "expected a certificate and its private key" in refused(**tls, kafka_cert=cert, kafka_key=text)
    assert "has a passphrase" in refused(**tls, kafka_cert=cert, kafka_key=sealed)
    assert "METRICS_CERT_KEY" in refused(metrics_cert=cert, metrics_cert_key=other)


def test_a_key_in_the_place_of_its_path_is_not_shown(
    authority: Authority, client: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    cert, key = client
    # ..._FILE holds the value, which here is a path: an easy thing to get wrong
    monkeypatch.setenv(f"{PREFIX}KAFKA_KEY_FILE", str(key))
    said = refused(kafka_security="SSL", kafka_ca=authority.file, kafka_cert=cert)
    assert f"{PREFIX}KAFKA_KEY: expected the path of a PEM file" in said
    assert "PRIVATE KEY" not in said
    assert key.read_text().splitlines()[1] not in said


def test_plaintext_on_purpose_leaves_other_settings_unused() -> None:
    assert aiokafka_options(load_settings(kafka_security="PLAINTEXT", **LOGIN)).keys() == {
        "security_protocol",
        "ssl_context",
    }


def test_settings_show_no_secret() -> None:
    settings = load_settings(
        kafka_security="SASL_SSL", metrics_token=SECRET, control_key=SECRET, influx_token=SECRET, **LOGIN
    )
    assert SECRET not in repr(settings) + str(settings)
    assert SECRET not in settings.model_dump_json()


# --- what is allowed and said


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({}, []),
        ({"kafka_security": "SASL_PLAINTEXT", "kafka": "127.0.0.1:1,localhost:2,[::1]:3", **LOGIN}, []),
        ({"kafka_security": "SASL_PLAINTEXT", "kafka": "localhost:2,kafka.plant:9092", **LOGIN}, ["KAFKA_SECURITY"]),
        ({"kafka_security": "SASL_SSL", "kafka": "kafka.plant:9092", **LOGIN}, []),
        ({"kafka_security": "SSL", "kafka_check_hostname": False}, ["KAFKA_CHECK_HOSTNAME"]),
        ({"host": "192.0.2.1"}, ["HOST=192.0.2.1: others can read /metrics"]),
        ({"host": "10.1.2.3", "metrics_token": "t" * 20}, ["HOST=10.1.2.3: others can read their token"]),
    ],
)
def test_risks_are_one_line_each(given: dict[str, Any], named: list[str]) -> None:
    found = risks(load_settings(**given))
    assert len(found) == len(named)
    for said, word in zip(found, named, strict=True):
        assert word in said
        assert SECRET not in said
        assert "t" * 20 not in said


def test_token_and_certificate_leave_nothing_to_say(authority: Authority) -> None:
    cert, key = authority.issue("worker", "worker.plant")
    settings = load_settings(host="192.0.2.1", metrics_token="t" * 20, metrics_cert=cert, metrics_cert_key=key)
    assert risks(settings) == []
    assert isinstance(web_context(settings), ssl.SSLContext)


def test_listeners_are_on_the_loopback_address_unless_told() -> None:
    assert Settings.model_fields["host"].default == Settings.model_fields["board_host"].default == "127.0.0.1"


# --- rights


@pytest.fixture
def settings() -> Settings:
    return load_settings(prefix="p.", group="g", influx_prefix="i_")


def test_every_right_names_a_topic_that_there_is_and_every_role_has_one() -> None:
    assert {right.topic for right in TABLE} - {None} <= {topic.name for topic in TOPICS}
    assert {right.role for right in TABLE} == set(ROLES)


@pytest.mark.parametrize("role", ROLES)
def test_only_workers_write_what_engines_say(role: Any, settings: Settings) -> None:
    written = {grant.name for grant in grants(settings, role) if "WRITE" in grant.operations}
    allowed = {
        "worker": {"reading", "command", "anomaly", "audit", "kpi", "kpi.site", "state", "rejected"},
        "gateway": {"reading"},
        "operator": {"command"},
        "board": {"command"},
        "reader": set(),
        "admin": {"state", "kpi", "kpi.site"},
    }
    assert written == {f"p.{name}.v1" for name in allowed[role]}


def test_names_are_full_and_literal_but_for_the_groups_of_readers(settings: Settings) -> None:
    found = {(grant.kind, grant.name, grant.pattern) for role in ROLES for grant in grants(settings, role)}
    assert {name for kind, name, _ in found if kind == "topic"} == {f"p.{topic.name}" for topic in TOPICS}
    assert {each for each in found if each[2] == "prefixed"} == {("group", "g-reader", "prefixed")}
    assert ("group", "g", "literal") in found


def test_nothing_is_granted_twice_or_without_need(settings: Settings) -> None:
    for role in ROLES:
        found = grants(settings, role)
        assert len({grant[:2] for grant in found}) == len(found)
        for grant in found:
            assert len(set(grant.operations)) == len(grant.operations)
            assert not {"ALL", "DELETE", "CLUSTER_ACTION"} & set(grant.operations)


def _words(lines: list[str]) -> Iterator[tuple[str, list[str]]]:
    for line in lines:
        if line.startswith("$ACLS"):
            words = line.split()
            yield words[words.index("--allow-principal") + 1], words


def test_the_printed_list_grants_what_the_table_says(settings: Settings) -> None:
    printed: set[tuple[str, str, str, str, str]] = set()
    for principal, words in _words(list(acl_lines(settings))):
        pattern = words[words.index("--resource-pattern-type") + 1]
        operations = [words[i + 1] for i, word in enumerate(words) if word == "--operation"]
        for i, word in enumerate(words):
            if word in ("--topic", "--group"):
                printed |= {(principal, word[2:], words[i + 1], pattern, operation) for operation in operations}
    assert printed == {
        (f"User:{role.upper()}", grant.kind, grant.name, grant.pattern, operation)
        for role in ROLES
        for grant in grants(settings, role)
        for operation in grant.operations
    }


def test_the_printed_list_has_a_token_for_each_user_of_the_store(settings: Settings) -> None:
    printed = [line for line in acl_lines(settings) if line.startswith("influx auth create")]
    for who, line in zip(INFLUX, printed, strict=False):
        assert f"millstream {who}" in line
        assert line.count("-bucket ") == 2
        assert "--name i_raw" in line
        assert "--name i_main" in line
