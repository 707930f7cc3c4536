"""What crosses a process boundary: events, codecs, partitioning and the published contract."""
