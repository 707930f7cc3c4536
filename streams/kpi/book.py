"""How often a window was told of, and whether for good; the book of a machine's windows, or a line's."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from schemas.kpi import Status
from streams.arrays import UNSEEN
from streams.kpi.grid import Window

Owner = TypeVar("Owner", bound=Hashable)


@dataclass
class Standing:
    """How often something was told of, and whether for good.

    >>> standing = Standing()
    >>> [standing.tell(final=over) for over in (False, True, True)], standing.revision
    (['provisional', 'final', 'restated'], 3)
    """

    revision: int = 0
    final: bool = False

    def tell(self, *, final: bool) -> Status:
        """It is told of once more, for good or not: the status of what is told."""
        status: Status = "restated" if self.final else "final" if final else "provisional"
        self.revision += 1
        self.final |= final
        return status


@dataclass
class Page(Standing):
    """One window of one owner."""

    first: int = UNSEEN  # the log's clock when it was first told of


class Book(Generic[Owner]):
    """How the windows of all owners stand."""

    def __init__(self) -> None:
        self.pages: dict[tuple[Owner, Window], Page] = {}
        self.open: dict[tuple[Owner, Window], None] = {}  # those that are not final
        self._gone: dict[Owner, int] = {}  # up to where windows were let go of: they are not begun again

    def page(self, owner: Owner, window: Window, clock: int) -> Page | None:
        """The page of a window, begun at a clock where there is none; None where it was let go of."""
        key = owner, window
        page = self.pages.get(key)
        if page is None and window.end > self._gone.get(owner, UNSEEN):
            page = self.pages[key] = Page(first=clock)
            self.open[key] = None
        return page

    def over(self, key: tuple[Owner, Window], clock: int, grace: int) -> bool:
        """Whether nothing more of a window is waited for: `grace` past its end, or since it was first told of."""
        return clock >= self.closes(key, grace)

    def closes(self, key: tuple[Owner, Window], grace: int) -> int:
        """The clock from which on a window is over."""
        return max(key[1].end, self.pages[key].first) + grace

    def tell(self, key: tuple[Owner, Window], final: bool) -> Status:
        """A window is told of once more, for good or not: the status of what is told."""
        if final:
            self.open.pop(key, None)
        return self.pages[key].tell(final=final)

    def forget(self, before: int) -> None:
        """Let go of final windows that ended before a time, for good."""
        for key in [key for key, page in self.pages.items() if page.final and key[1].end <= before]:
            del self.pages[key]
            self._gone[key[0]] = max(key[1].end, self._gone.get(key[0], UNSEEN))

    def keep(self, wanted: Callable[[Owner], bool]) -> None:
        """Let go of all windows of the other owners."""
        self.pages = {key: page for key, page in self.pages.items() if wanted(key[0])}
        self.open = {key: None for key in self.open if wanted(key[0])}
        self._gone = {owner: end for owner, end in self._gone.items() if wanted(owner)}

    def snapshot(self) -> dict[str, Any]:
        """How windows stand."""
        pages = [[key[0], *key[1], page.revision, page.final, page.first] for key, page in self.pages.items()]
        return {"books": pages, "gone": [list(item) for item in self._gone.items()]}

    def restore(self, saved: dict[str, Any]) -> None:
        """Take up what `snapshot` gave."""
        self.pages = {
            (owner, Window(kind, start, end, shift)): Page(revision, final, first)
            for owner, kind, start, end, shift, revision, final, first in saved["books"]
        }
        self.open = {key: None for key, page in self.pages.items() if not page.final}
        # not in what was saved before windows were let go of for good
        self._gone = dict(saved.get("gone", []))
