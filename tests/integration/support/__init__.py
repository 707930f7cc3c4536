"""Helpers of the integration tests: a worker in this process, producers of three clients, and plain readers."""
