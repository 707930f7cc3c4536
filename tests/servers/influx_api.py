"""The few HTTP calls that tell whether an InfluxDB serves, and make it usable."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from typing import Any

DEFAULT_ORG = "millstream"


def call(
    url: str, path: str, token: str = "", body: dict[str, Any] | None = None, tls: ssl.SSLContext | None = None
) -> tuple[int, dict[str, Any]]:
    """Status and decoded answer; status 0 if nothing answers there."""
    request = urllib.request.Request(f"{url}{path}", data=json.dumps(body).encode() if body else None)
    if token:
        request.add_header("Authorization", f"Token {token}")
    try:
        # No proxy: a test server is near, and its token is nobody else's.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=tls))
        with opener.open(request, timeout=5) as answer:
            return answer.status, _decoded(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, _decoded(error.read())
    except (OSError, ValueError):
        return 0, {}


def _decoded(raw: bytes) -> dict[str, Any]:
    try:
        value = json.loads(raw)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def healthy(url: str, tls: ssl.SSLContext | None = None) -> bool:
    """Whether /health says pass."""
    return call(url, "/health", tls=tls)[1].get("status") == "pass"


def version(url: str) -> str:
    """The version it states, or an empty text."""
    return str(call(url, "/health")[1].get("version", "")).removeprefix("v")


def set_up(url: str, org: str, password: str, token: str, tls: ssl.SSLContext | None = None) -> int:
    """Make the first user, organisation and operator token; the status (201: made, 422: was made before)."""
    body = {"username": org, "password": password, "org": org, "bucket": "first", "token": token}
    return call(url, "/api/v2/setup", body={**body, "retentionPeriodSeconds": 0}, tls=tls)[0]
