"""When the certificates that the settings name end."""

from __future__ import annotations

from pathlib import Path

from cryptography import x509

from streams.settings import Settings


def ends(pem: bytes) -> float | None:
    """Unix time at which the first of a file's certificates ends; None where it holds none that can be read."""
    try:
        found = x509.load_pem_x509_certificates(pem)
    except ValueError:
        return None
    return min(one.not_valid_after_utc.timestamp() for one in found)


def expiries(settings: Settings) -> dict[tuple[str, ...], float]:
    """Of each setting that names certificates, when the first of them ends; read anew, so that a new file shows."""
    named = {name: getattr(settings, name) for name in ("kafka_ca", "kafka_cert", "influx_ca", "metrics_cert")}
    out: dict[tuple[str, ...], float] = {}
    for name, path in named.items():
        if isinstance(path, Path) and (end := _end_of(path)) is not None:
            out[name,] = end
    return out


def _end_of(path: Path) -> float | None:
    try:
        return ends(path.read_bytes())
    except OSError:
        return None  # it was there at the start: what is trusted now does not change while it is away
