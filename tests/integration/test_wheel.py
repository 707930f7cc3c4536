"""What users install: the wheel, in an empty environment, from an empty folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from pathlib import Path
from urllib.request import urlopen

import pytest

from streams.demo.broker import available

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command of a wheel built from this checkout, installed with its locked dependencies beside it."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True, timeout=120)
    wheel = next(folder.glob("millstream-*.whl"))
    home = folder / "venv"
    venv.create(home, with_pip=True)
    python = home / "bin" / "python"
    constraints = folder / "constraints.txt"
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    pins = [line.removesuffix(" \\") for line in lock.splitlines() if line and not line.startswith((" ", "#"))]
    constraints.write_text("\n".join(pins), encoding="utf-8")
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-c", str(constraints)]
    subprocess.run([*install, f"{wheel}[demo]"], check=True, capture_output=True, timeout=280)
    return home / "bin" / "millstream"


@pytest.mark.timeout(600)
def test_the_wheel_runs_the_demo_from_an_empty_folder(installed: Path, tmp_path: Path) -> None:
    if (why := available()) is not None:
        pytest.skip(why)
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("MILLSTREAM_", "PYTHON", "VIRTUAL_ENV"))}
    command = [str(installed), "demo", "--seconds", "10", "--no-ui", "--board", "--summary", "summary.json"]
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True) as demo:
        try:
            assert demo.stderr is not None
            said = next((line for line in demo.stderr if line.startswith("the web board is at ")), "")
            with urlopen(said.split()[-1], timeout=20) as page:
                assert "<title>" in page.read().decode()
            _, errors = demo.communicate(timeout=240)
        finally:
            if demo.poll() is None:
                demo.kill()
    assert demo.returncode == 0, errors
    summary = json.loads((tmp_path / "summary.json").read_bytes())
    outcomes = ("scored", "warming", "withheld", "late", "duplicate", "muted", "unwatched", "rejected")
    assert summary["readings_in"] == sum(summary[name] for name in outcomes) > 100_000
    assert all(fault["found"] for fault in summary["faults"]), summary["faults"]
    assert summary["episodes"] <= 12, summary["episodes_by_watch"]  # the faults, and little else
    assert [p.name for p in tmp_path.iterdir()] == ["summary.json"]
    wheel_help = subprocess.run([str(installed), "--help"], capture_output=True, text=True, check=True, timeout=60)
    assert "demo" in wheel_help.stdout
