"""Tests mirror the code; integration tests run on the real servers of `tests.servers`."""
