"""Errors named by what the runner does with them. Anything else is a bug and stops the worker."""

from __future__ import annotations


class Reject(ValueError):
    """This input cannot be used: it goes to `rejected.v1` and the stream goes on.

    `reason` is a short stable word (a label of a metric), `place` says where in the input, the text says
    what would be right.

    >>> str(Reject("bad_time", "time", "expected RFC 3339 or integer nanoseconds, got 'noon'"))
    "bad_time at time: expected RFC 3339 or integer nanoseconds, got 'noon'"
    """

    def __init__(self, reason: str, place: str = "", message: str = "") -> None:
        self.reason = reason
        self.place = place
        self.message = message
        super().__init__(f"{reason} at {place}: {message}" if place else f"{reason}: {message}" if message else reason)


class Retry(Exception):
    """The world is at fault (a server is away): try again later, acknowledge nothing. `after` in seconds."""

    def __init__(self, message: str, after: float | None = None) -> None:
        self.after = after
        super().__init__(message)


class Misconfigured(Exception):
    """A person must change a file or a setting; the text says which, where, and what would be right."""
