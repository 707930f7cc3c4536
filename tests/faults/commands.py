"""Commands as any client sends them: JSON on the command topic, now and then twice."""

from __future__ import annotations

import json
import random
import time

from schemas.partition import key_of, partition_of
from streams.command_client import configure_command
from streams.resolve import ResolvedSite
from tests.faults.feed import Feed
from tests.faults.plant import PARTITIONS, SECOND, assets
from tests.faults.tap import Tap

_HEADERS = [("content-type", b"application/json")]


class Commands:
    """Sends mutes, re-baselines, approvals and rejections of episodes, and configurations."""

    def __init__(self, feed: Feed, topic: str, tap: Tap, anomalies: str, seed: int = 11) -> None:
        self.sent: set[str] = set()
        self._feed, self._topic, self._tap, self._anomalies = feed, topic, tap, anomalies
        self._chance = random.Random(seed)

    def any(self) -> None:
        """Some command about some machine."""
        asset = self._chance.choice(assets())
        kind = self._chance.choice(("mute", "rebaseline", "approve", "reject"))
        body: dict[str, object] = {
            "target": {"asset": asset, "watch": self._chance.choice(("*", "by_state", "limits"))}
        }
        if kind == "mute":
            body["payload"] = {"until": time.time_ns() + self._chance.randrange(1, 6) * SECOND}
        elif kind != "rebaseline":
            found = self._episode()
            if found is None:
                return
            asset, episode = found
            body["target"] = {"asset": asset, "episode": episode}
        self._send(kind, asset, body)

    def configure(self, site: ResolvedSite) -> None:
        """Put a site into force on every partition."""
        command = configure_command(site, "the fault tests")
        self.sent.add(command.command_id)
        for partition in range(PARTITIONS):
            self._feed.raw(partition, command.to_bytes(), _HEADERS, self._topic)

    def _send(self, kind: str, asset: str, body: dict[str, object]) -> None:
        command_id = f"c{len(self.sent)}"
        self.sent.add(command_id)
        value = json.dumps({"command_id": command_id, "kind": kind, "by": "the fault tests", **body}).encode()
        key = key_of(asset)
        for _ in range(self._chance.choice((1, 1, 2))):
            self._feed.raw(partition_of(key, PARTITIONS), value, _HEADERS, self._topic, key)

    def _episode(self) -> tuple[str, str] | None:
        """Asset and id of an episode that was told of lately: open still, or closed already."""
        partition = self._chance.randrange(PARTITIONS)
        kept = self._tap.records(self._anomalies, partition)
        if not kept:
            return None
        event = json.loads(kept[-1].value or b"{}")
        return event["asset"], event["episode_id"]
