"""A client of Alertmanager's API v2: what it is configured to do, alerts put to it, what becomes of them."""

from __future__ import annotations

import base64
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import yaml

from schemas.errors import Misconfigured, Retry
from streams.settings import PREFIX, Settings
from streams.tls import client_context

_WAIT_S = 10.0
_NAME = f"{PREFIX}ALERTMANAGER"


class AlertmanagerClient:
    """Speaks to the Alertmanager of the settings.

    Its methods raise Retry where none answers, and Misconfigured where it refuses us or is none.
    """

    def __init__(self, settings: Settings) -> None:
        self.url = settings.alertmanager_url.rstrip("/")
        if not self.url.startswith(("http://", "https://")):
            raise Misconfigured(f"{_NAME}_URL={self.url}: expected http://HOST:PORT or https://HOST:PORT")
        secure = self.url.startswith("https://")
        self._context = client_context(_NAME, settings.alertmanager_ca, None, None, hostname=True) if secure else None
        self._headers = {"Content-Type": "application/json", **_credentials(settings)}

    def routes(self) -> dict[str, Any]:
        """The tree of routes that it has in force."""
        config = yaml.safe_load(self._call("/api/v2/status")["config"]["original"])
        return dict(config["route"])

    def post(self, alert: Mapping[str, Any]) -> None:
        """Hand it an alert."""
        self._call("/api/v2/alerts", orjson.dumps([alert]))

    def alerts(self, labels: Mapping[str, str]) -> Sequence[dict[str, Any]]:
        """The alerts with these labels that it knows, each with its `receivers` and `status`."""
        query = urllib.parse.urlencode([("filter", f'{name}="{value}"') for name, value in labels.items()])
        found: list[dict[str, Any]] = self._call(f"/api/v2/alerts?{query}")
        return found

    def _call(self, path: str, body: bytes | None = None) -> Any:
        request = urllib.request.Request(self.url + path, body, self._headers)  # noqa: S310  # the scheme was checked
        try:
            with urllib.request.urlopen(request, timeout=_WAIT_S, context=self._context) as answer:  # noqa: S310
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise Misconfigured(_refused(self.url, error)) from None
        except OSError as error:
            why = getattr(error, "reason", None) or error
            raise Retry(
                f"no Alertmanager answers at {self.url} ({why}); is it running, and is {_NAME}_URL its address?"
            ) from None
        try:
            return orjson.loads(text) if text else None
        except orjson.JSONDecodeError:
            raise Misconfigured(
                f"{_NAME}_URL={self.url}: what answers there is no Alertmanager (no JSON at {path})"
            ) from None


def _credentials(settings: Settings) -> dict[str, str]:
    if settings.alertmanager_token is not None:
        return {"Authorization": f"Bearer {settings.alertmanager_token.get_secret_value()}"}
    if settings.alertmanager_user is None or settings.alertmanager_password is None:
        return {}
    pair = f"{settings.alertmanager_user}:{settings.alertmanager_password.get_secret_value()}"
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


def _refused(url: str, error: urllib.error.HTTPError) -> str:
    said = " ".join(error.read(300).decode(errors="replace").split())
    match error.code:
        case 401 | 403:
            return (
                f"Alertmanager at {url} refuses us ({error.code}); set {_NAME}_TOKEN, or {_NAME}_USER and "
                f"{_NAME}_PASSWORD (or ..._FILE)"
            )
        case 404:
            return f"{_NAME}_URL={url}: no API v2 of an Alertmanager there (404); is a path before /api missing?"
        case _:
            return f"{_NAME}_URL={url}: what answers there refuses with {error.code}: {said}"
