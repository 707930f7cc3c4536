"""Throughput through real Kafka, beside a plain consumer loop, interleaved in one run."""
