"""quixstreams under the load: quix.py BOOTSTRAP TOPIC OUT READINGS; prints readings, wall_s and cpu_s as JSON."""

import json
import os
import sys
import tempfile
import time
import uuid

from arithmetic import Series, seconds
from quixstreams import Application

LEVEL = "ERROR"


def main():
    bootstrap, topic, out, wanted = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    app = Application(
        broker_address=bootstrap, consumer_group=uuid.uuid4().hex, auto_offset_reset="earliest", loglevel=LEVEL,
        consumer_extra_config={"fetch.message.max.bytes": 16_777_216},
        state_dir=os.path.join(tempfile.gettempdir(), "millstream-bench-quix"),  # made though nothing is kept
    )  # fmt: skip
    series, seen, clock = {}, 0, None

    def judge(reading):
        nonlocal seen, clock
        if clock is None:
            clock = time.perf_counter(), time.process_time()
        key = reading["asset"], reading["series"]
        one = series.get(key)
        if one is None:
            one = series[key] = Series()
        reading["alarms"] = one.judge(seconds(reading["time"]), reading["value"])
        seen += 1
        if seen >= wanted:
            took = {"wall_s": time.perf_counter() - clock[0], "cpu_s": time.process_time() - clock[1]}
            print(json.dumps({"readings": seen} | took), flush=True)
            os._exit(0)
        return reading

    stream = app.dataframe(app.topic(topic, value_deserializer="json"))
    stream = stream.apply(judge)
    stream.filter(lambda reading: any(reading["alarms"])).to_topic(app.topic(out, value_serializer="json"))
    app.run()


if __name__ == "__main__":
    main()
