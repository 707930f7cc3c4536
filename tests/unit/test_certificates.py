"""When certificates end, as the metrics say it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import trustme

from streams.certificates import ends, expiries
from streams.settings import load_settings


def test_of_several_certificates_in_a_file_the_first_to_end_counts(tmp_path: Path) -> None:
    authority = trustme.CA()
    soon = authority.issue_cert("a.example", not_after=datetime(2031, 5, 1, tzinfo=UTC))
    late = authority.issue_cert("b.example", not_after=datetime(2033, 5, 1, tzinfo=UTC))
    both = late.cert_chain_pems[0].bytes() + soon.cert_chain_pems[0].bytes()
    assert ends(both) == datetime(2031, 5, 1, tzinfo=UTC).timestamp()
    assert ends(b"no certificate") is None


def test_a_file_that_is_replaced_shows_its_new_end_and_one_that_is_away_none(tmp_path: Path) -> None:
    authority, path = trustme.CA(), tmp_path / "ca.pem"
    path.write_bytes(authority.cert_pem.bytes())
    settings = load_settings(control_key="k" * 16, kafka_security="SSL", kafka_ca=path)
    path.unlink()
    assert expiries(settings) == {}
    for year in (2031, 2032):
        issued = authority.issue_cert("a.example", not_after=datetime(year, 5, 1, tzinfo=UTC))
        path.write_bytes(issued.cert_chain_pems[0].bytes())
        assert expiries(settings) == {("kafka_ca",): datetime(year, 5, 1, tzinfo=UTC).timestamp()}
