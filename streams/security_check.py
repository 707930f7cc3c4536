"""What is wrong, or risky, with the settings of security; every line names variables and shows no secret."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from pydantic import SecretStr

from schemas.errors import Misconfigured
from streams.security import PREFIX, board_context, kafka_context, token_of, web_context

if TYPE_CHECKING:
    from streams.settings import Settings

MIN_TOKEN = 16
"""Characters of a bearer token: fewer can be guessed."""
MIN_PASSWORD = 12
"""Characters of the board's password, at which one guess a second may be made."""
_KAFKA = f"{PREFIX}KAFKA"


def check_security(settings: Settings) -> None:
    """Raises Misconfigured, one line, for settings that contradict each other and files that cannot be used."""
    sasl, tls = settings.kafka_security.startswith("SASL"), settings.kafka_security.endswith("SSL")
    given = {name for name in type(settings).model_fields if _text(getattr(settings, name)) not in (None, "")}
    _both(given, "kafka_cert", "kafka_key")
    _both(given, "metrics_cert", "metrics_cert_key")
    _both(given, "board_cert", "board_cert_key")
    _both(given, "alertmanager_user", "alertmanager_password")
    if sasl and settings.kafka_mechanism == "OAUTHBEARER":
        _one_of(given, "kafka_token", "kafka_token_file")
        try:
            token_of(settings).read()
        except OSError as error:
            said = f"{token_of(settings)}: cannot be read ({error.strerror})" if error.strerror else str(error)
            raise Misconfigured(said) from None
    elif sasl:
        _needs(given, f"{_KAFKA}_MECHANISM={settings.kafka_mechanism}", "kafka_user", "kafka_password")
    plain = settings.kafka_security == "PLAINTEXT" and "kafka_security" in settings.model_fields_set  # said on purpose
    if not sasl and not plain:
        _useless(settings, given, "kafka_user", "kafka_password", "kafka_token", "kafka_token_file")
    if not tls and not plain:
        _useless(settings, given, "kafka_ca", "kafka_cert", "kafka_key")
    token = settings.metrics_token.get_secret_value() if settings.metrics_token else None
    if token is not None and (len(token) < MIN_TOKEN or not token.isascii() or " " in token):
        raise Misconfigured(f"{PREFIX}METRICS_TOKEN: expected at least {MIN_TOKEN} characters of ASCII, no blanks")
    password = settings.board_password.get_secret_value() if settings.board_password else None
    if password is not None and len(password) < MIN_PASSWORD:
        raise Misconfigured(f"{PREFIX}BOARD_PASSWORD: expected at least {MIN_PASSWORD} characters")
    if settings.grafana_url is not None and not settings.grafana_url.startswith(("http://", "https://")):
        raise Misconfigured(f"{PREFIX}GRAFANA_URL: expected an address such as http://127.0.0.1:3000")
    kafka_context(settings)
    web_context(settings)
    board_context(settings)


def risks(settings: Settings) -> list[str]:
    """What is allowed and should be known, one line each."""
    found = []
    hosts = [address.strip().rpartition(":")[0] for address in settings.kafka.split(",")]
    if settings.kafka_security == "SASL_PLAINTEXT" and not all(map(is_loopback, hosts)):
        found.append(
            f"{_KAFKA}_SECURITY=SASL_PLAINTEXT: who listens on the way to {settings.kafka} can read what is sent, and "
            "with PLAIN or OAUTHBEARER the password or token as well; SASL_SSL prevents it"
        )
    if settings.kafka_security.endswith("SSL") and not settings.kafka_check_hostname:
        found.append(f"{_KAFKA}_CHECK_HOSTNAME=false: any server with a certificate of that authority passes for Kafka")
    missing = [name for name in ("metrics_token", "metrics_cert") if getattr(settings, name) is None]
    if missing and not is_loopback(settings.host):
        what = "/metrics and /episodes" if "metrics_token" in missing else "their token on its way"
        found.append(f"{PREFIX}HOST={settings.host}: others can read {what}; {_named(*missing)} would prevent it")
    return found


def is_loopback(host: str) -> bool:
    """Whether a host is this machine alone.

    >>> [is_loopback(host) for host in ("127.0.0.1", "localhost", "[::1]", "0.0.0.0", "kafka.plant", "")]
    [True, True, True, False, False, False]
    """
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _text(value: object) -> object:
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def _named(*names: str) -> str:
    return " and ".join(f"{PREFIX}{name.upper()}" for name in names)


def _needs(given: set[str], why: str, *names: str) -> None:
    missing = [name for name in names if name not in given]
    if missing:
        raise Misconfigured(f"{why} needs {_named(*missing)} (or ..._FILE)")


def _both(given: set[str], *names: str) -> None:
    there = [name for name in names if name in given]
    if len(there) == 1:
        _needs(given, _named(*there), *names)


def _one_of(given: set[str], *names: str) -> None:
    there = [name for name in names if name in given]
    if len(there) != 1:
        said = "both are set" if there else "neither is set"
        raise Misconfigured(f"{_KAFKA}_MECHANISM=OAUTHBEARER needs one of {_named(*names)}; {said}")


def _useless(settings: Settings, given: set[str], *names: str) -> None:
    # who sets a password expects that it is asked for
    there = [name for name in names if name in given]
    if there:
        raise Misconfigured(
            f"{_KAFKA}_SECURITY={settings.kafka_security} has no use for {_named(*there)}; expected SASL_SSL, or SSL "
            "for certificates alone"
        )
