"""How long to wait before the next try: exponential back-off with full jitter."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from schemas.errors import Retry


@dataclass
class Backoff:
    """Delays that grow from `base_s` to `cap_s`, each drawn evenly from 0 to its bound ("full jitter").

    Definition: the k-th delay since the last `reset` is uniform on [0, min(cap_s, base_s * 2**k)] seconds, and at
    least `Retry.after` where the server named one. The jitter keeps many workers from trying in step.

    Reference: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.

    >>> backoff = Backoff(rng=random.Random(1))
    >>> [round(backoff.delay(), 3) for _ in range(3)]
    [0.027, 0.339, 0.611]
    >>> backoff.delay(Retry("busy", after=7.0)) >= 7.0
    True
    """

    base_s: float = 0.2
    cap_s: float = 30.0
    rng: random.Random = field(default_factory=random.Random, repr=False)
    tries: int = 0

    def delay(self, error: Retry | None = None) -> float:
        """Seconds to wait before the next try; counts it."""
        bound = min(self.cap_s, self.base_s * 2.0 ** min(self.tries, 60))
        self.tries += 1
        drawn = self.rng.uniform(0.0, bound)
        after = error.after if error is not None and error.after is not None else 0.0
        # jitter on top, not instead: workers told the same time must not all come back at it
        return after + min(drawn, self.base_s) if after > drawn else drawn

    def reset(self) -> None:
        """A try succeeded: start again from `base_s`."""
        self.tries = 0
