"""Who sits at the board: a name that stands in the audit, and a password where others could reach the page."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import time
from urllib.parse import quote, unquote

from pydantic import SecretStr

from schemas.names import name_fault

LASTS_S = 30 * 86_400
"""A person is known this long; a screen on a wall as well."""
_SALT = b"millstream board, version 1"
_WRONG_S = 1.0


class People:
    """Names in cookies: with a password they are signed, so that who does not know it cannot make one.

    The key is made of the password alone: boards that share it know each other's people, a restart makes nobody
    strange, and a new password lets everybody in anew.

    >>> people = People(SecretStr("correct horse battery"))
    >>> people.name_of(people.cookie_for("ann")), people.name_of("YW5u|0|" + "0" * 64)
    ('ann', None)
    """

    def __init__(self, password: SecretStr | None) -> None:
        self._password = None if password is None else password.get_secret_value().encode()
        # slow on purpose: a signed cookie must not help in guessing the password
        self._key = None if self._password is None else hashlib.scrypt(self._password, salt=_SALT, n=2**14, r=8, p=1)
        self._wrong = asyncio.Lock()

    @property
    def closed(self) -> bool:
        """Whether a password is asked for."""
        return self._key is not None

    async def lets_in(self, given: str) -> bool:
        """Whether a password is right. Wrong ones are answered one a second, whoever they come from."""
        if self._password is None or hmac.compare_digest(given.encode(errors="replace"), self._password):
            return True
        async with self._wrong:
            await asyncio.sleep(_WRONG_S)
        return False

    def cookie_for(self, name: str, now: float | None = None) -> str:
        """What a browser is given to show who sits there. Raises ValueError for a name that can be none."""
        fault = name_fault(name)
        if fault:
            raise ValueError(fault)
        if self._key is None:
            return quote(name)
        body = f"{base64.urlsafe_b64encode(name.encode()).decode()}|{int(time.time() if now is None else now)}"
        return f"{body}|{self._sign(body)}"

    def name_of(self, cookie: str | None, now: float | None = None) -> str | None:
        """The name that a cookie shows; None where it shows none, or is not ours or too old."""
        if not cookie:
            return None
        if self._key is None:
            name = unquote(cookie)
            return None if name_fault(name) else name
        body, _, signature = cookie.rpartition("|")
        if not hmac.compare_digest(signature.encode(), self._sign(body).encode()):
            return None
        name, _, since = body.partition("|")
        if (time.time() if now is None else now) - int(since) > LASTS_S:
            return None
        try:
            return base64.urlsafe_b64decode(name).decode()
        except (binascii.Error, UnicodeDecodeError):
            return None

    def _sign(self, body: str) -> str:
        assert self._key is not None
        return hmac.new(self._key, body.encode(errors="replace"), hashlib.sha256).hexdigest()
