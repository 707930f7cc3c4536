"""Requests to InfluxDB: one session, every fault a Retry, the token in no text."""

from __future__ import annotations

import ssl
from typing import NamedTuple

import aiohttp
from pydantic import SecretStr
from yarl import URL

from schemas.errors import Misconfigured, Retry
from streams.sinks.answers import message_of, seconds_in


class Answer(NamedTuple):
    """What the server said."""

    status: int
    body: bytes
    after: float | None  # seconds that Retry-After asks for

    @property
    def message(self) -> str:
        """The text of an error."""
        return message_of(self.body)


class InfluxHttp:
    """One keep-alive session to one server. Raises Misconfigured for a URL, token or file that cannot be used."""

    def __init__(self, url: str, token: SecretStr | str, timeout_s: float, ca_file: str | None) -> None:
        self._url = checked_url(url)
        self._token = checked_token(token)
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._tls = _checked_tls(ca_file)
        self._session: aiohttp.ClientSession | None = None

    @property
    def origin(self) -> str:
        """Scheme, host and port: what messages may show of the address."""
        return str(self._url.origin())

    async def ask(
        self,
        method: str,
        path: str,
        query: dict[str, str],
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """One request, one answer of whatever status. Raises Retry where none comes."""
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=self._timeout, connector=aiohttp.TCPConnector(ssl=self._tls))
        asked = {"Authorization": f"Token {self._token.get_secret_value()}", **(headers or {})}
        try:
            # a redirect would carry the token to another host
            async with self._session.request(
                method, self._url / path, params=query, data=body, headers=asked, allow_redirects=False
            ) as response:
                found = await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            text = self.safe(error) or f"no answer within {self._timeout.total:g} s"
            raise Retry(f"InfluxDB at {self.origin}: {text}") from None  # the cause holds the request's headers
        return Answer(response.status, found, seconds_in(response.headers.get("Retry-After")))

    def safe(self, text: object) -> str:
        """The head of a text, on one line, without the token."""
        return " ".join(str(text).replace(self._token.get_secret_value(), "***")[:300].split())

    async def close(self) -> None:
        """Release the connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None


def checked_token(token: SecretStr | str) -> SecretStr:
    """The token without blanks around it. Raises Misconfigured, without showing it."""
    text = (token.get_secret_value() if isinstance(token, SecretStr) else token).strip()
    if not text or not text.isascii() or not text.isprintable():
        raise Misconfigured("InfluxDB token: expected one line of printable ASCII; copy it again")
    return SecretStr(text)


def checked_url(url: str) -> URL:
    """The server's address. Raises Misconfigured, without showing what may be a password."""
    try:
        made = URL(url)
    except ValueError:
        made = URL()
    if made.scheme not in ("http", "https") or not made.host:
        raise Misconfigured("InfluxDB URL: expected http://host:port or https://host:port")
    if made.user or made.password:
        raise Misconfigured("InfluxDB URL: holds a user or password; leave them out, the token says who we are")
    return made


def _checked_tls(ca_file: str | None) -> ssl.SSLContext | bool:
    if ca_file is None:
        return True
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        raise Misconfigured(f"InfluxDB certificates {ca_file}: {error}; expected a PEM file") from error
