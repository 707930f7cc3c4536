"""The image's stand-in, where there is no engine: what the Dockerfile installs and starts, in an empty environment."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import uuid
import venv
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import aiohttp
import pytest
import yaml

from docs.generate import ROOT
from streams.settings import Settings
from tests.integration.support.topics import end_offsets
from tests.integration.support.waiting import until
from tests.integration.support.workers import CONTROL_KEY, settings_of
from tests.servers import KafkaServer
from tests.servers.leftovers import delete_topics
from tests.servers.net import free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
TOKEN = "a-token-of-these-tests-0123456789"
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text("utf-8")


def words(instruction: str) -> list[str]:
    """The JSON list of the last such instruction of the Dockerfile; an indented CMD is the health check's."""
    found = re.findall(rf"^{instruction} (\[.*\])$", DOCKERFILE, re.M)
    return [str(word) for word in json.loads(found[-1])]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """bin/ of an environment that holds what the image's does, by the same files."""
    folder = tmp_path_factory.mktemp("image")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True, timeout=120)
    venv.create(folder / "venv", with_pip=True)
    pip = [str(folder / "venv" / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    locked = ["--require-hashes", "-r", str(ROOT / "deploy" / "requirements.txt")]
    subprocess.run([*pip, *locked], check=True, capture_output=True, timeout=400)
    subprocess.run([*pip, "--no-deps", str(next(folder.glob("*.whl")))], check=True, capture_output=True, timeout=60)
    return folder / "venv" / "bin"


def compile_kernels(installed: Path, folder: Path) -> set[Path]:
    """The kernels that the Dockerfile's command makes there, with the sources beside it as in its first stage."""
    told = re.search(r"bin/python ([-\w ]*)-c \\\n\s*\"([^\"]+)\"", DOCKERFILE)
    assert told is not None
    command = [str(installed / "python"), *told[1].split(), "-c", told[2]]
    subprocess.run(command, cwd=ROOT, env={"NUMBA_CACHE_DIR": str(folder)}, check=True, capture_output=True)
    return kernels(folder)


def kernels(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def settings(real_kafka: KafkaServer) -> Iterator[Settings]:
    prefix = f"t{uuid.uuid4().hex[:8]}."
    yield settings_of(real_kafka, prefix)
    if not real_kafka.controllable:
        delete_topics(real_kafka, prefix)


async def serves_the_board(
    entry: list[str], environment: dict[str, str], run: Callable[..., Awaitable[subprocess.CompletedProcess[str]]]
) -> None:
    """The other long-running command of the image, with the health check that compose.yaml gives it."""
    stack = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text("utf-8"))
    healthy = stack["services"]["board"]["healthcheck"]["test"][2:]
    board = subprocess.Popen([*entry, "board"], cwd="/", env=environment)  # noqa: ASYNC220  # returns at once
    try:
        assert (await run(*healthy)).returncode != 0, "nothing listens yet"

        async def well() -> bool:
            assert board.poll() is None
            return (await run(*healthy)).returncode == 0

        await until(well, 60, "the board's container would be healthy")
        address = f"http://127.0.0.1:{environment['MILLSTREAM_BOARD_PORT']}"
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
            async with session.post(
                f"{address}/login", data={"by": "ann", "password": TOKEN}, headers={"Origin": address}
            ) as answer:
                assert answer.status == 200, "it leads to the front page"
            for path in ("/", "/runbook", "/static/board.js", "/static/board.css", "/static/icon.svg"):
                async with session.get(address + path) as answer:
                    assert answer.status == 200, "it is in the wheel"
                    assert "millstream" in (await answer.text()).lower() or path != "/"
        board.terminate()
        assert await asyncio.to_thread(board.wait, 30) == 0
    finally:
        if board.poll() is None:
            board.kill()
            board.wait()


async def test_the_entry_makes_topics_works_says_how_it_is_and_stops(
    installed: Path, settings: Settings, tmp_path: Path
) -> None:
    entry = [str(ROOT / "deploy" / "entry.sh")]
    assert words("ENTRYPOINT") == ["/usr/local/bin/millstream-entry"]
    site = tmp_path / "site.toml"
    site.write_bytes((ROOT / "deploy" / "kubernetes" / "site.toml").read_bytes())
    command = [str(site) if word == "/etc/millstream/site.toml" else word for word in words("CMD")]
    healthy = words("    CMD")[1:]
    tmp = tmp_path / "tmp"
    tmp.mkdir()
    ready = compile_kernels(installed, tmp / "millstream-kernels")
    assert ready
    for name, secret in (("control_key", CONTROL_KEY), ("metrics_token", TOKEN), ("board_password", TOKEN)):
        (tmp_path / name).write_text(secret)
    environment = {
        "PATH": f"{installed}:/usr/bin:/bin", "HOME": "/nonexistent", "TMPDIR": str(tmp),
        "PYTHONDONTWRITEBYTECODE": "1",
        "MILLSTREAM_KAFKA": settings.kafka, "MILLSTREAM_PREFIX": settings.prefix, "MILLSTREAM_GROUP": settings.group,
        "MILLSTREAM_PARTITIONS": str(settings.partitions), "MILLSTREAM_PORT": str(free_port()),
        "MILLSTREAM_CONTROL_KEY_FILE": str(tmp_path / "control_key"), "MILLSTREAM_SINK": "none",
        "MILLSTREAM_METRICS_TOKEN_FILE": str(tmp_path / "metrics_token"),
        "MILLSTREAM_BOARD_PORT": str(free_port()), "MILLSTREAM_BOARD_PASSWORD_FILE": str(tmp_path / "board_password"),
    }  # fmt: skip

    async def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return await asyncio.to_thread(
            subprocess.run, [*entry, *arguments], cwd="/", env=environment, capture_output=True, text=True, check=False
        )

    made = await run("topics")
    assert made.returncode == 0, made.stderr
    worker = subprocess.Popen(  # noqa: ASYNC220  # returns at once
        [*entry, *command], cwd="/", env=environment, stderr=subprocess.PIPE, text=True
    )
    try:
        assert (await run(*healthy)).returncode != 0, "nothing listens yet"

        async def well() -> bool:
            assert worker.poll() is None, worker.stderr and worker.stderr.read()
            return (await run(*healthy)).returncode == 0

        await until(well, 120, "the container would be healthy")
        sent = await run("plant", "--seconds", "2", "--past", "10")
        assert sent.returncode == 0, sent.stderr
        told = re.search(r"^sent (\d+) readings$", sent.stdout, re.M)
        assert told is not None
        assert int(told.group(1)) > 3000
        ends = await asyncio.to_thread(end_offsets, settings.kafka, settings.topic("reading.v1"))
        assert sum(ends.values()) >= 40
        await serves_the_board(entry, environment, run)
        worker.terminate()
        assert await asyncio.to_thread(worker.wait, 30) == 0, "a supervisor's SIGTERM reaches the worker"
    finally:
        if worker.poll() is None:
            worker.kill()
        worker.communicate()
    assert [path.name for path in tmp.iterdir()] == ["millstream-kernels"], "it writes to /tmp alone"
    assert kernels(tmp / "millstream-kernels") == ready, "the image's kernels are those that the worker looks for"
