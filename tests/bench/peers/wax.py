"""bytewax under the load, in batches: wax.py BOOTSTRAP TOPIC OUT READINGS; prints readings, wall_s, cpu_s as JSON."""

import json
import os
import sys
import time

import bytewax.operators as op
import orjson
from arithmetic import Series, seconds
from bytewax.connectors.kafka import KafkaSinkMessage
from bytewax.connectors.kafka import operators as kop
from bytewax.dataflow import Dataflow
from bytewax.testing import run_main


def main():
    bootstrap, topic, out, wanted = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    series, seen, clock = {}, 0, None

    def judge(messages):
        nonlocal seen, clock
        if clock is None:
            clock = time.perf_counter(), time.process_time()
        alarmed = []
        for message in messages:
            reading = orjson.loads(message.value)
            key = reading["asset"], reading["series"]
            one = series.get(key)
            if one is None:
                one = series[key] = Series()
            alarms = one.judge(seconds(reading["time"]), reading["value"])
            if any(alarms):
                reading["alarms"] = alarms
                alarmed.append(KafkaSinkMessage(message.key, orjson.dumps(reading)))
        seen += len(messages)
        if seen >= wanted:
            took = {"wall_s": time.perf_counter() - clock[0], "cpu_s": time.process_time() - clock[1]}
            print(json.dumps({"readings": seen} | took), flush=True)
            os._exit(0)
        return alarmed

    flow = Dataflow("bench")
    found = kop.input("in", flow, brokers=[bootstrap], topics=[topic], tail=True, batch_size=1000)
    kop.output("out", op.flat_map_batch("judge", found.oks, judge), brokers=[bootstrap], topic=out)
    run_main(flow)


if __name__ == "__main__":
    main()
