"""What stands in the place of a message that was refused before it could be read."""

from __future__ import annotations


class Refused(bytes):
    """The head of what was refused, with why: `Decoder` rejects it with this reason.

    A type of its own and not a mark in the message, as a sender could set a mark.

    >>> refused = Refused.of(b"bytes", "too_large", "a batch of 2 messages is too large")
    >>> refused == b"bytes", refused.reason, refused.why
    (True, 'too_large', 'a batch of 2 messages is too large')
    """

    reason: str
    why: str

    @classmethod
    def of(cls, head: bytes, reason: str, why: str) -> Refused:
        """Make one; `reason` is a short stable word, `why` says what would be right."""
        made = cls(head)
        made.reason, made.why = reason, why
        return made
