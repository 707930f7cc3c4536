"""Make the buckets of InfluxDB, once for each installation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from influxdb_client import BucketRetentionRules, InfluxDBClient
from influxdb_client.rest import ApiException
from pydantic import SecretStr
from urllib3.exceptions import HTTPError

from schemas.errors import Misconfigured, Retry
from streams.sinks.influx_http import checked_token, checked_url

DAY_S = 86_400
RETENTION_S = {"raw": 30 * DAY_S, "main": 0}
"""Bucket -> seconds after which points expire; 0 is never."""


def init_store(
    url: str, token: SecretStr | str, org: str, prefix: str = "millstream_", ca_file: str | None = None
) -> list[str]:
    """Make `<prefix>raw` and `<prefix>main` where they are missing; change nothing that is there.

    Returns plain lines that say what was done and what differs. `token` needs the right to read and write buckets.
    Raises Retry while the server is away, Misconfigured for a token, right or organisation that is wrong.
    """
    secret = checked_token(token).get_secret_value()
    place = f"InfluxDB at {checked_url(url).origin()}"
    try:
        with InfluxDBClient(url, secret, org=org, timeout=10_000, ssl_ca_cert=ca_file) as client:
            buckets = client.buckets_api()
            there = {bucket.name: bucket for bucket in buckets.find_buckets_iter(org=org)}
            return [_ensure(buckets, there, org, prefix + name, wanted) for name, wanted in RETENTION_S.items()]
    except ApiException as error:
        raise _named(place, org, error) from None  # the cause holds the request's headers
    except (HTTPError, OSError) as error:
        raise Retry(f"{place}: {type(error).__name__}, is it running?") from None


def _ensure(buckets: Any, there: Mapping[str, Any], org: str, name: str, wanted_s: int) -> str:
    bucket = there.get(name)
    if bucket is None:
        rules = [BucketRetentionRules(type="expire", every_seconds=wanted_s)] if wanted_s else []
        buckets.create_bucket(bucket_name=name, org=org, retention_rules=rules)
        return f"bucket {name}: made, keeps points {_shown(wanted_s)}"
    found_s = next((rule.every_seconds for rule in bucket.retention_rules or ()), 0)
    if found_s == wanted_s:
        return f"bucket {name}: is there, keeps points {_shown(found_s)}"
    return (
        f"bucket {name}: is there, but keeps points {_shown(found_s)} where {_shown(wanted_s)} is usual; left as it is"
    )


def _shown(seconds: int) -> str:
    """How long, in words.

    >>> _shown(0), _shown(30 * DAY_S), _shown(5400)
    ('for ever', '30 days', '1.5 hours')
    """
    if not seconds:
        return "for ever"
    return f"{seconds / DAY_S:g} days" if seconds >= DAY_S else f"{seconds / 3600:g} hours"


def _named(place: str, org: str, error: ApiException) -> Retry | Misconfigured:
    match error.status:
        case 401:
            return Misconfigured(
                f"{place}: the token is refused; making buckets needs one that may read and write buckets"
            )
        case 403:
            return Misconfigured(f"{place}: the token may not make buckets in organisation {org}; use one that may")
        case 404:
            return Misconfigured(f"{place}: organisation {org} is not there, or the token may not see it")
        case status:
            return Retry(f"{place}: answered {status} {error.reason}")
