"""Addresses and secrets, from the environment (MILLSTREAM_..., or MILLSTREAM_..._FILE); never from the site file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from detectors.durations import Duration
from schemas.errors import Misconfigured
from streams.security import PREFIX
from streams.security_check import check_security

__all__ = ["PREFIX", "Settings", "load_settings"]


class _FromFiles(PydanticBaseSettingsSource):
    """Reads the value of X from the file that MILLSTREAM_X_FILE names, as container secrets are mounted."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        name = f"{PREFIX}{field_name.upper()}_FILE"
        path = os.environ.get(name)
        if not path:
            return None, field_name, False
        try:
            return Path(path).read_text("utf-8").strip(), field_name, False
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
            raise Misconfigured(f"{name}={path}: cannot be read ({reason})") from error

    def __call__(self) -> dict[str, Any]:
        fields = self.settings_cls.model_fields
        # a field that is a file itself is read when it is needed, and not here
        read_now = {name: field for name, field in fields.items() if f"{name}_file" not in fields}
        found = {name: self.get_field_value(field, name)[0] for name, field in read_now.items()}
        return {name: value for name, value in found.items() if value is not None}


class Settings(BaseSettings):
    """What a worker must know of its surroundings. Every name is an environment variable with MILLSTREAM_ before it."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True)

    kafka: str = Field("127.0.0.1:9092", description="Kafka's bootstrap servers, host:port, comma-separated.")
    kafka_security: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="How to connect to Kafka; SSL stands for TLS."
    )
    kafka_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] = Field(
        "SCRAM-SHA-512", description="How to say who we are, with SASL."
    )
    kafka_user: str | None = Field(None, description="User of PLAIN and SCRAM.")
    kafka_password: SecretStr | None = Field(None, description="That user's password.")
    kafka_token: SecretStr | None = Field(None, description="Token of OAUTHBEARER.")
    kafka_token_file: Path | None = Field(
        None, description="A file that holds it, read anew whenever a token is needed: it may be exchanged."
    )
    kafka_ca: Path | None = Field(None, description="CA certificates to trust, PEM; default: the system's.")
    kafka_cert: Path | None = Field(None, description="Our own certificate and its chain, PEM; for SSL, SASL_SSL.")
    kafka_key: Path | None = Field(None, description="Its private key, PEM, without a passphrase.")
    kafka_check_hostname: bool = Field(
        True, description="Whether Kafka's certificate must be for the host that we connect to."
    )
    prefix: str = Field("millstream.", description="Put before every topic's name.")
    group: str = Field("millstream", description="Consumer group of the workers.")
    partitions: int = Field(12, ge=1, description="Partitions of the reading, command, anomaly and state topics.")
    control_key: SecretStr | None = Field(None, description="Shared key of the workers; signs control records.")
    tick_interval: Duration = Field(
        "5s", validate_default=True, description="An idle partition gets a tick after this; 0s = none."
    )
    sink: Literal["influx", "sqlite", "none"] = Field("influx", description="Where results go beside the topics.")
    influx_url: str = Field("http://127.0.0.1:8086", description="InfluxDB 2.x.")
    influx_token: SecretStr | None = Field(None, description="InfluxDB token.")
    influx_org: str = Field("millstream", description="InfluxDB organization.")
    influx_prefix: str = Field("millstream_", description="Put before the names of the buckets raw and main.")
    influx_ca: Path | None = Field(None, description="CA certificate for InfluxDB over TLS.")
    sqlite_path: Path = Field(Path("millstream.sqlite"), description="File of the embedded sink.")
    host: str = Field("127.0.0.1", description="Address for /metrics, /episodes, /healthz and /readyz.")
    port: int = Field(8090, ge=0, le=65535, description="Port for them; 0 = a free one.")
    metrics_token: SecretStr | None = Field(
        None, description="Bearer token asked for on /metrics and /episodes, at least 16 characters."
    )
    metrics_cert: Path | None = Field(None, description="Certificate and its chain, PEM: HTTPS instead of HTTP.")
    metrics_cert_key: Path | None = Field(None, description="Its private key, PEM, without a passphrase.")
    metrics_hold: Duration = Field(
        "5m", validate_default=True, description="An episode stays in the metrics at least this long."
    )
    alertmanager_url: str = Field("http://127.0.0.1:9093", description="Alertmanager, for `millstream alert test`.")
    alertmanager_user: str | None = Field(None, description="User, where Alertmanager asks for one (basic auth).")
    alertmanager_password: SecretStr | None = Field(None, description="That user's password.")
    alertmanager_token: SecretStr | None = Field(None, description="Bearer token instead, as proxies ask for it.")
    alertmanager_ca: Path | None = Field(None, description="CA certificates to trust, PEM; default: the system's.")
    board_host: str = Field("127.0.0.1", description="Address of `millstream board`; others than loopback: a password.")
    board_port: int = Field(8091, ge=0, le=65535, description="Port of it; 0 = a free one.")
    board_password: SecretStr | None = Field(
        None, description="Asked for at the board, at least 12 characters; people give it with their name."
    )
    board_cert: Path | None = Field(None, description="Certificate and its chain, PEM: the board over HTTPS.")
    board_cert_key: Path | None = Field(None, description="Its private key, PEM, without a passphrase.")
    grafana_url: str | None = Field(None, description="Where Grafana is for whoever looks at the board: for links.")
    poll_records: int = Field(8000, ge=1, description="Messages taken from the broker at a time.")
    fetch_wait: Duration = Field(
        "100ms",
        validate_default=True,
        description="How long the broker may hold a fetch that finds nothing; partitions that have more wait as well.",
    )
    session_timeout: Duration = Field(
        "10s", validate_default=True, description="A worker silent this long to the broker loses its partitions."
    )
    snapshot_interval: Duration = Field(
        "10s", validate_default=True, description="Each partition's state is saved this often, or less if it is large."
    )
    max_pending: int = Field(
        200_000, ge=1, description="Readings judged but not yet stored; above it, nothing more is taken."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level of log lines.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments first, then the environment, then the files that it names."""
        return init_settings, env_settings, _FromFiles(settings_cls)

    @property
    def key(self) -> bytes:
        """The control key; raises Misconfigured where there is none."""
        if self.control_key is None or len(self.control_key.get_secret_value()) < 16:
            raise Misconfigured(
                "MILLSTREAM_CONTROL_KEY (or MILLSTREAM_CONTROL_KEY_FILE) must hold the workers' shared key, at least "
                "16 characters; make one with: openssl rand -hex 32"
            )
        return self.control_key.get_secret_value().encode()

    def topic(self, name: str) -> str:
        """Full name of a topic."""
        return f"{self.prefix}{name}"


def load_settings(**given: Any) -> Settings:
    """Settings from the environment, arguments that are not None first. Raises Misconfigured, naming the variable."""
    try:
        settings = Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
        raise Misconfigured("\n".join(f"{PREFIX}{str(f['loc'][0]).upper()}: {f['msg']}" for f in faults)) from error
    check_security(settings)
    return settings
