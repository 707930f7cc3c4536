"""The slow, obvious twin of mutes: one series, a limit and a timeout, clock by clock in whole seconds."""

from __future__ import annotations

from fnmatch import fnmatchcase

HIGH, TIMEOUT = 10.0, 10


class NaiveMutes:
    """One series without delay under two watches: `limits` (high = 10) and `gap` (10 s), both without off-delay.

    Values are far above the limit or far below it. `events` are (watch, phase, second, reason).
    """

    def __init__(self) -> None:
        self.events: list[tuple[str, str, int, str | None]] = []
        self.scored = self.muted = 0
        self.ends: dict[str, int] = {}  # glob over watches -> end of its mute
        self.open: set[str] = set()
        self.armed = True
        self.last: int | None = None
        self.considered = False  # this silence's deadline has passed, told or not

    def is_muted(self, watch: str) -> bool:
        """Whether a watch is muted by what is in force."""
        return any(fnmatchcase(watch, glob) for glob in self.ends)

    def advance(self, clock: int) -> None:
        """Everything that is due up to a clock, in its order; a mute's end before a deadline of the same second."""
        while True:
            due = [(end, 0, glob) for glob, end in self.ends.items()]
            if self.last is not None and not self.considered:
                due.append((self.last + TIMEOUT, 1, "deadline"))
            if not due or min(due)[0] > clock:
                return
            at, _, what = min(due)
            if what != "deadline":
                self._end(what, at)
                continue
            self.considered = True
            if not self.is_muted("gap"):
                self._tell("gap", "opened", at, None)

    def read(self, at: int, value: float) -> None:
        """A reading."""
        self.advance(at)
        if "gap" in self.open:
            self._tell("gap", "closed", at, "recovered")
        self.last, self.considered = at, False
        if self.is_muted("limits"):
            self.muted += 1
            return
        self.scored += 1
        if value > HIGH:
            if self.armed:
                self._tell("limits", "opened", at, None)
            self.armed = False
        else:
            if "limits" in self.open:
                self._tell("limits", "closed", at, "recovered")
            self.armed = True

    def mute(self, at: int, glob: str, until: int) -> bool:
        """A command; False where it is refused."""
        self.advance(at)
        if until <= at:
            if glob not in self.ends:
                return False
            self._end(glob, at)
            return True
        self.ends[glob] = until
        for watch in sorted(self.open):
            if self.is_muted(watch):
                self._tell(watch, "closed", at, "muted")
                self.armed |= watch == "limits"
        return True

    def _end(self, glob: str, at: int) -> None:
        before = self.is_muted("gap")
        del self.ends[glob]
        lasting = self.last is not None and at - self.last >= TIMEOUT
        if before and not self.is_muted("gap") and lasting and "gap" not in self.open:
            self.considered = True
            self._tell("gap", "opened", at, None)

    def _tell(self, watch: str, phase: str, at: int, reason: str | None) -> None:
        (self.open.add if phase == "opened" else self.open.remove)(watch)
        self.events.append((watch, phase, at, reason))
