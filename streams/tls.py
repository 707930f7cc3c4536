"""TLS contexts from PEM files; what is wrong with a file is said in one line that holds nothing of it."""

from __future__ import annotations

import ssl
from pathlib import Path

from schemas.errors import Misconfigured


def client_context(prefix: str, ca: Path | None, cert: Path | None, key: Path | None, hostname: bool) -> ssl.SSLContext:
    """What a client trusts, and shows of itself. Raises Misconfigured, naming `prefix`_CA, _CERT or _KEY.

    Without `ca` the system's certificates are trusted. TLS 1.2 or newer; the server's certificate is always verified,
    and with `hostname` it must be for the host that is connected to.
    """
    context = ssl.create_default_context()
    if ca is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        _readable(f"{prefix}_CA", ca)
        try:
            context.load_verify_locations(ca)
        except ssl.SSLError:
            raise Misconfigured(f"{prefix}_CA={ca}: expected certificates in PEM") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = hostname
    if cert is not None and key is not None:
        _load(context, f"{prefix}_CERT", cert, f"{prefix}_KEY", key)
    return context


def server_context(cert_name: str, cert: Path, key_name: str, key: Path) -> ssl.SSLContext:
    """What a server shows of itself. Raises Misconfigured, naming the variables."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _load(context, cert_name, cert, key_name, key)
    return context


def _load(context: ssl.SSLContext, cert_name: str, cert: Path, key_name: str, key: Path) -> None:
    _readable(cert_name, cert)
    _readable(key_name, key)
    asked = []

    def passphrase() -> str:
        asked.append(True)  # without this function OpenSSL would ask at the terminal, and wait
        return ""

    try:
        context.load_cert_chain(cert, key, passphrase)
    except (ssl.SSLError, ValueError) as error:
        if asked:
            why = f"{key_name}={key}: the key has a passphrase; expected one without, readable by this user alone"
        elif getattr(error, "reason", None) == "KEY_VALUES_MISMATCH":
            why = f"{key_name}={key}: is not the key of the certificate {cert_name}={cert}"
        else:
            why = f"{cert_name}={cert}, {key_name}={key}: expected a certificate and its private key in PEM"
        raise Misconfigured(why) from None


def _readable(name: str, path: Path) -> None:
    if "-----" in str(path) or "\n" in str(path):
        raise Misconfigured(f"{name}: expected the path of a PEM file, got what seems to be its text; {name} names it")
    try:
        with path.open("rb"):
            pass
    except (OSError, ValueError) as error:
        raise Misconfigured(f"{name}={path}: cannot be read ({getattr(error, 'strerror', None) or error})") from None
