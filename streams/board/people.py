"""Who sits at the board: a name that stands in the audit, and a password where others could reach the page."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from collections import OrderedDict
from urllib.parse import quote, unquote

from pydantic import SecretStr

from schemas.names import name_fault

LASTS_S = 30 * 86_400
"""A person is known this long after they were last here; a screen on a wall as well."""
RENEWED_S = 86_400
"""A cookie that is older than this is made anew."""
_REMOTES = 1_000
_SALT = b"millstream board, version 1"


class Tries:
    """How often a password may be tried: so many at once, then one each so many seconds.

    >>> tries = Tries(2, 5.0)
    >>> [tries.take(at) for at in (0.0, 0.0, 1.0, 5.0, 6.0)]
    [True, True, False, True, False]
    """

    def __init__(self, at_once: int, every_s: float) -> None:
        self._most, self._every = at_once, every_s
        self._left, self._since = float(at_once), 0.0

    def take(self, now: float) -> bool:
        """Whether one may be made now."""
        self._left = min(self._most, self._left + (now - self._since) / self._every)
        self._since = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


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
        self._all, self._from = Tries(30, 1.0), OrderedDict[str, Tries]()

    @property
    def closed(self) -> bool:
        """Whether a password is asked for."""
        return self._key is not None

    def lets_in(self, given: str, remote: str = "", now: float | None = None) -> bool | None:
        """Whether a password is right; None where too many were tried from there, or from everywhere, of late.

        A right one counts as well: who is not answered learns nothing.
        """
        if self._password is None:
            return True
        at = time.monotonic() if now is None else now
        tries = self._from.pop(remote, None) or Tries(5, 5.0)
        self._from[remote] = tries
        if len(self._from) > _REMOTES:
            self._from.popitem(last=False)
        if not tries.take(at) or not self._all.take(at):
            return None
        return hmac.compare_digest(given.encode(errors="replace"), self._password)

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
        if not hmac.compare_digest(signature.encode(errors="replace"), self._sign(body).encode()):
            return None
        name, _, since = body.partition("|")
        if (time.time() if now is None else now) - int(since) > LASTS_S:
            return None
        try:
            return base64.urlsafe_b64decode(name).decode()
        except (binascii.Error, UnicodeDecodeError):
            return None

    def renewed(self, cookie: str | None, now: float | None = None) -> str | None:
        """A new cookie for one that is good and has been for a while; None where there is no need."""
        name = self.name_of(cookie, now)
        if name is None or cookie is None or self._key is None:
            return None
        since = int(cookie.split("|")[1])
        return self.cookie_for(name, now) if (time.time() if now is None else now) - since > RENEWED_S else None

    def _sign(self, body: str) -> str:
        assert self._key is not None
        return hmac.new(self._key, body.encode(errors="replace"), hashlib.sha256).hexdigest()
