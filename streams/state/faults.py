"""Notes of bugs: which records an engine failed on, and how often; two make the records suspects."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

SUSPECT_AFTER = 2
"""Exceptions caught and noted on the same records before single ones may be set aside."""


class Fault(BaseModel):
    """Feeding records [first, last) of a partition raised an exception that ended the worker, `times` times."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    first: int
    last: int
    times: int
    error: str

    @property
    def suspect(self) -> bool:
        """Whether the records may be tried one by one."""
        return self.times >= SUSPECT_AFTER

    def again(self, first: int, last: int, error: str) -> Fault:
        """The note after another failure: of the records that both have in common, or of the new ones alone.

        >>> Fault(first=10, last=20, times=1, error="a bug").again(15, 30, "a bug").model_dump(exclude={"error"})
        {'first': 15, 'last': 20, 'times': 2}
        """
        low, high = max(self.first, first), min(self.last, last)
        if low >= high:
            return Fault(first=first, last=last, times=1, error=error)
        return Fault(first=low, last=high, times=self.times + 1, error=error)

    def to_bytes(self) -> bytes:
        """The record's value."""
        return self.model_dump_json().encode()

    @classmethod
    def from_bytes(cls, value: bytes) -> Fault | None:
        """Read a note; None for what is none."""
        try:
            return cls.model_validate_json(value)
        except ValueError:
            return None
