"""The demo plays each profile's plant through broker and worker, days in seconds, and finds the faults it describes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from streams.demo.broker import available
from tests.unit.profiles.test_profiles import FOLDER, PROFILES

pytestmark = [pytest.mark.slow]


@pytest.mark.parametrize("name", PROFILES)
def test_the_demo_finds_the_faults_of_a_profile(name: str, tmp_path: Path) -> None:
    if (why := available()) is not None:
        pytest.skip(why)
    command = [str(Path(sys.executable).with_name("millstream")), "demo", "--no-ui", "--seconds", "15",
               "--config", str(FOLDER / name / "site.toml"), "--summary", str(tmp_path / "summary.json")]  # fmt: skip
    clean = {k: v for k, v in os.environ.items() if not k.startswith("MILLSTREAM_")}
    done = subprocess.run(command, env=clean, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr
    summary = json.loads((tmp_path / "summary.json").read_bytes())
    assert summary["faults"]
    assert all(fault["found"] for fault in summary["faults"]), summary["faults"]
