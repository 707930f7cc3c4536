"""The stand: topics, buckets, feed, tap and workers of one run, and the comparison at its end."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from schemas.control import encode
from streams.configure import configure_records
from streams.resolve import ResolvedSite, resolve, to_payload
from streams.sinks.store_init import init_store
from streams.site import parse_site
from streams.topics import ensure_topics
from tests.faults import compare
from tests.faults.commands import Commands
from tests.faults.feed import Feed
from tests.faults.ledger import Ledger
from tests.faults.plant import PARTITIONS, site_toml
from tests.faults.processes import PLAIN, WorkerProcess
from tests.faults.reference import judge
from tests.faults.snapshots import Seen, newest
from tests.faults.stores import influx_points, sqlite_points
from tests.faults.tap import Tap
from tests.servers import InfluxServer

KEY = "a-control-key-of-the-fault-tests-0123456789"


class Stand:
    """One run. `kafka` is where the harness connects; workers may be told another address, behind a proxy."""

    def __init__(
        self,
        kafka: str,
        influx: InfluxServer | None,
        folder: Path,
        session_s: float,
        told: Mapping[str, str],
        site: str = "",
        topics: Mapping[str, str] | None = None,
    ) -> None:
        self.kafka, self.influx, self.folder, self.session_s = kafka, influx, folder, session_s
        self.prefix = f"f{uuid.uuid4().hex[:8]}."
        site = site or site_toml(1)
        self.site: ResolvedSite = resolve(parse_site(site, "site.toml"))
        self.version = 1
        self.config = folder / "site.toml"
        self.config.write_text(site)
        self.reading, self.state = self.topic("reading.v1"), self.topic("state.v1")
        self.sqlite = folder / "store.sqlite"
        self.settings = {
            "kafka": kafka, "prefix": self.prefix, "group": f"{self.prefix}workers", "partitions": str(PARTITIONS),
            "control_key": KEY, "tick_interval": "2s", "session_timeout": f"{session_s:g}s", "snapshot_interval": "2s",
            "sink": "sqlite" if influx is None else "influx", "sqlite_path": str(self.sqlite),
        }  # fmt: skip
        if influx is not None:
            self.settings |= {
                "influx_url": influx.url, "influx_org": influx.org, "influx_token": influx.token,
                "influx_prefix": self.prefix,
            }  # fmt: skip
        self.settings |= told
        ensure_topics(kafka, self.prefix, PARTITIONS, overrides=topics)
        if influx is not None:
            init_store(influx.url, influx.token, influx.org, self.prefix)
        n = {"rejected.v1": 1, **dict.fromkeys(("reading.v1", "anomaly.v1", "audit.v1", "state.v1"), PARTITIONS)}
        topics = {self.topic(name): partitions for name, partitions in n.items()}
        self.tap = Tap(kafka, topics, self.settings["group"])
        self.feed = Feed(kafka, self.reading)
        self.commands = Commands(self.feed, self.topic("command.v1"), self.tap, self.topic("anomaly.v1"))
        self.ledger = Ledger(self.feed, self.tap)
        self.workers: list[WorkerProcess] = []
        self.began = time.monotonic()

    def topic(self, name: str) -> str:
        """Full name of a topic."""
        return self.prefix + name

    def worker(self, command: Sequence[str] = PLAIN, file_bytes: int | None = None, **settings: str) -> WorkerProcess:
        """Start a worker."""
        made = WorkerProcess(self.settings | settings, self.folder, self.config, command, file_bytes)
        self.workers.append(made)
        return made

    def reload(self) -> None:
        """Put the site's next version into every partition's log: by a command, or as a starting worker does."""
        self.version += 1
        site = resolve(parse_site(site_toml(self.version), "site.toml"))
        if self.version % 2:
            self.commands.configure(site)
            return
        for partition in range(PARTITIONS):
            for control in configure_records(to_payload(site), partition):
                self.feed.raw(partition, *encode(control, KEY.encode()))

    # --- where things stand

    def snapshots(self) -> dict[int, Seen]:
        """The newest valid snapshot of each partition, as far as the tap has read."""
        return newest(self.tap.all(self.state))

    def begins(self) -> dict[int, int]:
        """Where a worker that starts now goes on: the newest snapshots, else what the group has committed."""
        self.tap.catch_up(self.state)
        found = dict.fromkeys(range(PARTITIONS), 0)
        found |= self.tap.committed(self.reading)
        return found | {partition: seen.next_offset for partition, seen in self.snapshots().items()}

    def delete_below(self, offsets: dict[int, int]) -> int:
        """Delete the log below these offsets, after the tap has it; how many records are gone."""
        self.tap.catch_up(self.reading)
        admin = AdminClient({"bootstrap.servers": self.kafka, "log_level": 0})
        where = [TopicPartition(self.reading, p, offset) for p, offset in offsets.items() if offset]
        gone = [future.result(30) for future in admin.delete_records(where).values()] if where else []
        return sum(each.low_watermark for each in gone)

    def settle(self, timeout_s: float = 120.0) -> None:
        """Wait until everything sent is judged, stored, and covered by what the group has committed or saved."""
        self.feed.flush()
        deadline = time.monotonic() + timeout_s
        while True:
            ends = self.tap.catch_up(self.reading)
            begins = self.begins()
            # what stands behind the last reading are control records of the workers' own: ticks go on for ever
            total, covered = self.ledger.total(ends), self.ledger.total(begins)
            if covered == total and self._forwarded_all(begins) and not self._unanswered():
                return
            logs = [w.log for w in self.workers if w.alive]
            assert time.monotonic() < deadline, (
                f"{total - covered} readings are not covered: {begins} of {ends}; {logs}"
            )
            assert logs, f"no worker is left; see {[w.log for w in self.workers]}"
            time.sleep(0.2)

    def _unanswered(self) -> set[str]:
        """Commands that the audit topic does not know of."""
        told = {json.loads(record.value or b"{}")["command_id"] for _, record in self.tap.all(self.topic("audit.v1"))}
        return self.commands.sent - told

    def _forwarded_all(self, begins: dict[int, int]) -> bool:
        """Whether every message sent stands below where a restart would begin, where it was first written too."""
        return all(not sent or max(sent) < begins[p] for p, sent in self.feed.delivered.items())

    # --- the end

    def compare(self, points: bool = True) -> compare.Verdict:
        """Stop the workers and compare everything with the undisturbed run. AssertionError where something differs."""
        for worker in self.workers:
            if worker.alive:
                worker.stop()
        verdict = self.verdict(points)
        took = time.monotonic() - self.began
        print(
            f"\n  {verdict}\n  RSS {max((w.peak_mb for w in self.workers), default=0):.0f} MB, {took:.0f} s", flush=True
        )
        assert not verdict.faults, "\n" + "\n".join(verdict.faults)
        return verdict

    def verdict(self, points: bool = True) -> compare.Verdict:
        """The comparison itself."""
        for topic in self.tap.topics:
            self.tap.catch_up(topic)
        verdict = compare.Verdict()
        log = {p: list(self.tap.records(self.reading, p)) for p in range(PARTITIONS)}
        expected = judge(log, self.begins(), self.site, KEY.encode(), PARTITIONS)
        compare.compare_log(verdict, self.feed, self.tap, expected)
        compare.compare_events(verdict, self.tap.all(self.topic("anomaly.v1")), expected)
        compare.compare_rejected(verdict, self.tap.all(self.topic("rejected.v1")), expected)
        compare.compare_audits(verdict, self.tap.all(self.topic("audit.v1")), expected)
        if points:
            found = sqlite_points(self.sqlite) if self.influx is None else influx_points(self.influx, self.prefix)
            compare.compare_points(verdict, found, expected)
            compare.compare_readings(verdict, found, self.feed.expected)
        return verdict

    def close(self) -> None:
        """End the workers and close what was opened."""
        for worker in self.workers:
            worker.close()
        self.workers = []
        self.tap.close()


@contextmanager
def stand(
    kafka: str,
    influx: InfluxServer | None,
    session_s: float,
    site: str = "",
    topics: Mapping[str, str] | None = None,
    /,
    **told: str,
) -> Iterator[Stand]:
    """A stand that is cleaned up; its workers' logs are kept where something failed.

    `told`: settings of workers; `site`: another site file than the plant's; `topics`: configuration that differs.
    """
    folder = Path(tempfile.mkdtemp(prefix="millstream-faults-"))
    made = Stand(kafka, influx, folder, session_s, told, site, topics)
    try:
        yield made
    except BaseException:
        print(f"\n  the workers' logs are in {folder}", flush=True)
        raise
    else:
        made.close()
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        made.close()
