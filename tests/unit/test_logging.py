"""What a process writes while a library repeats itself a hundred times a second."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import logging
from streams.cli.common import set_up_logging
set_up_logging(); set_up_logging()
log = logging.getLogger("aiokafka.consumer")
for i in range(500):
    log.error("Unable connect to node with id %s: %s", 1, i)
    log.error("Unable to update metadata from %s", [i])
log.warning("not shown: below what is asked of this library")
logging.getLogger("other").warning("shown once")
"""


def test_lines_that_repeat_themselves_are_written_once_and_others_are_not_lost() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert done.stderr.splitlines() == [
        "ERROR aiokafka.consumer: Unable connect to node with id 1: 0",
        "ERROR aiokafka.consumer: Unable to update metadata from [0]",
        "WARNING other: shown once",
    ]
