"""Room for a copy of a state, made ready while readings are still judged."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_ALIGNED = 64
_PAGE = 4096


class Room:
    """Memory that the kernel has given already: a copy into it waits for no new pages, whose time nobody knows.

    What does not fit is copied into memory of its own. Arrays share the room's memory, which is freed with the last.

    >>> room = Room(1 << 10)
    >>> a = np.arange(4.0); b = room.copy(a); a[0] = 9; b.tolist(), room.asked
    ([0.0, 1.0, 2.0, 3.0], 64)
    """

    def __init__(self, size: int) -> None:
        self._memory = np.empty(size, dtype=np.uint8)
        self._memory[::_PAGE] = 0  # a page is the process's when it is first written to
        self.asked = 0  # bytes, whether they fitted or not

    def copy(self, array: NDArray[Any]) -> NDArray[Any]:
        """A copy of an array."""
        begin, end = self.asked, self.asked + array.nbytes
        self.asked = -(-end // _ALIGNED) * _ALIGNED
        if end > len(self._memory) or array.dtype.hasobject:
            return array.copy()
        out = self._memory[begin:end].view(array.dtype).reshape(array.shape)
        out[...] = array
        return out


def array_bytes(held: Any) -> int:
    """Bytes of all arrays in nested plain data.

    >>> array_bytes({"a": [np.zeros(3), 5], "b": (np.zeros((2, 2), dtype=np.float32),)})
    40
    """
    if isinstance(held, np.ndarray):
        return held.nbytes
    if isinstance(held, dict):
        return sum(map(array_bytes, held.values()))
    return sum(map(array_bytes, held)) if isinstance(held, list | tuple) else 0
