"""The environment in which the other frameworks run: made once, under the cache, by pip's ordinary means."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

WANTED = ("quixstreams==3.28.*", "bytewax==0.21.*")
HERE = Path(__file__).resolve().parent


def python(make: bool) -> Path | str:
    """Its interpreter, or one line that says why there is none; `make`: install what is missing."""
    cache = Path(os.environ.get("MILLSTREAM_CACHE") or Path.home() / ".cache" / "millstream")
    folder = cache / "bench" / f"venv-{sys.version_info[0]}.{sys.version_info[1]}"
    found, done = folder / "bin" / "python", folder / "done"
    if done.exists():
        return found
    if not make:
        return "not installed here; the full bench does"
    venv.create(folder, with_pip=True, clear=True)
    install = [str(found), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:"]
    tried = subprocess.run([*install, *WANTED], capture_output=True, text=True, timeout=600, check=False)
    if tried.returncode:
        return f"cannot be installed here: {(tried.stderr.strip() or 'pip failed').splitlines()[-1]}"
    done.write_text(" ".join(WANTED) + "\n", encoding="utf-8")
    return found


def command(interpreter: Path, name: str, *arguments: str) -> list[str]:
    """How to run a peer's script in it."""
    return [str(interpreter), str(HERE / f"{name}.py"), *arguments]
