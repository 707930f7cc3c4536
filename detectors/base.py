"""What a detector is: frozen parameters plus pure functions on arrays, with its state given and returned."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Generic, Literal, NamedTuple, Self, TypeVar, cast

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from detectors import compiled

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

UNSEEN = np.iinfo(np.int64).min
"""A time that has not been: before every event time."""
NEVER = np.iinfo(np.int64).max
"""A deadline that never comes, in ns."""


class Batch(NamedTuple):
    """One instant of each of k rows. With a leading axis t it is t instants of each, as `scan` takes them."""

    time: Ints  # (k,) event time, ns since the epoch
    x: Floats  # (k,) or (k, d); NaN = absent
    dt: Floats  # (k,) seconds since the row's last reading, NaN at first
    learn: Bools  # (k,) False: score, do not learn (bad quality, transition, frozen)
    week_s: NDArray[np.int32]  # (k,) local second of the week, 0 = Monday 00:00; holidays mapped to their day type
    rate_hz: Floats | None = None  # (k,) sampling rate, waveforms only
    speed_rpm: Floats | None = None  # (k,) shaft speed, NaN = unknown, waveforms only
    quality: NDArray[np.uint8] | None = None  # (k,) 0 good, 1 uncertain, 2 bad; None = all good
    received: Ints | None = None  # (k,) arrival on the log's clock, ns; None = as they were taken


class Verdict(NamedTuple):
    """What a detector says of a batch; expected, low and high are in the input's unit."""

    score: Floats  # (k,) >= 1 is anomalous, NaN is no opinion
    expected: Floats
    low: Floats
    high: Floats
    warm: Floats  # (k,) share of the warm-up done, 0..1
    contribution: Floats | None = None  # (k, d)


class Telling(NamedTuple):
    """What a joint detector tells of an instant that an event is made of."""

    words: dict[str, float | str]  # for its message, beside the usual ones
    given: dict[str, Any]  # for the event's `decision`


MOST = 3
"""How many inputs the event of a joint verdict goes into."""

NARROW = 12
"""Up to so many rows, a deep block is walked in plain numbers where kernels are not compiled: most of a step over
so few rows would be numpy's cost a call."""


S = TypeVar("S", bound=tuple[Any, ...])


def option(default: Any, text: str, *, resets: bool = False, **kwargs: Any) -> Any:
    """A parameter: its default, its line in the option reference, and whether changing it resets what was learned."""
    return Field(default, description=text, json_schema_extra={"resets": resets}, **kwargs)


class Detector(BaseModel, Generic[S]):
    """Base of all detectors. S, the state, is a NamedTuple of arrays with one row for each series.

    Two laws hold for each and are tested for each: any split of a stream into batches gives bit-identical scores
    and state; a restored state goes on as if never stopped. So `step` uses + - * / sqrt min max and comparisons
    only (exp and log differ between numpy, numba and CPUs in the last bit), and no product across rows.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    shape: ClassVar[Literal["series", "joint", "peers", "waveform"]] = "series"
    state_version: ClassVar[int] = 1
    health: ClassVar[bool] = False
    """True: judges the sensor; readings it finds anomalous are withheld from process detectors."""
    judges_silence: ClassVar[bool] = False
    """True: speaks by `tick` alone; a reading only ends the silence and counts as no opinion."""
    limit_rule: ClassVar[Literal["budget", "own"]] = "budget"
    """budget: the false-alarm controller moves the threshold. own: the detector's limit is the threshold."""
    refractory_default: ClassVar[str] = "1h"
    per_row: ClassVar[tuple[str, ...]] = ()
    """Names of options that a series may declare for its own row (limits: low, high, rate)."""
    invariance: ClassVar[frozenset[str]] = frozenset()
    """Which of "scale" (x -> c x, c > 0) and "shift" (x -> x + c) leave the score as it is; tested."""

    binned: ClassVar[bool] = False
    """True: has an option `every`, and is given closed bins of that length (their mean, at their end) for readings."""
    judges: ClassVar[Literal["value", "quality", "clock"]] = "value"
    """quality, clock: judges what comes with a reading and not its value, so it is asked of absent and bad readings
    too, with `quality` or `received` in its batch; clock is asked of late and repeated ones as well."""
    verdict_rows: ClassVar[bool] = True
    """False: speaks by events alone, as one that judges silence does; its verdicts are neither counted nor stored."""
    causes: ClassVar[tuple[str, ...]] = ()
    """Names of the columns of `contribution`, where they are not those of inputs."""
    measured_unit: ClassVar[str | None] = None
    """Unit of `measured`."""
    calendar: ClassVar[bool] = True
    """False: does not look at `week_s`, which may then be all zeros."""
    in_place: ClassVar[bool] = False
    """True: its state is too large to be copied at every instant, so the bank has it changed in place (`advance`)."""
    kernel: ClassVar[compiled.Kernel | None] = None
    """Does what a loop over `step` does, a reading at a time, in plain numbers.

    Called with columns (n,) rows, time, x, dt, learn; columns (n,) to write: score, expected, low, high, warm; the
    columns of the state, to change in place; and `constants`.
    """

    kind: str

    def with_budget(self, rate_per_s: float) -> Self:
        """This detector for so many false alarms a second and row; one with a limit of its own maps them to it."""
        return self

    @abstractmethod
    def init(self, n: int, given: dict[str, Floats] | None = None) -> S:
        """State of n new rows; `given` holds what series declare for themselves (see `per_row`), (n,) each."""

    @abstractmethod
    def step(self, state: S, batch: Batch) -> tuple[S, Verdict]:
        """One instant of each row: score first, then learn. Pure: `state` is not changed."""

    def advance(self, state: S, rows: Ints, batch: Batch) -> Verdict:
        """As `step`, for distinct rows (k,) of a state that is changed in place."""
        after, verdict = self.step(take(state, rows), batch)
        put(state, rows, after)
        return verdict

    def glide(self, state: S, rows: Ints, batches: Batch) -> tuple[Bools, Verdict]:
        """As `advance`, t instants (t, k) at once, of those rows alone that are found normal throughout.

        (k,) which rows these are, and their verdicts (t, those), each below 1; the others stay as they are. With
        `in_place`; none by default.
        """
        return np.zeros(len(rows), dtype=bool), no_opinion(0)

    def scan(self, state: S, batches: Batch) -> tuple[S, Verdict]:
        """t instants of each row, arrays (t, k); the same bits as a loop over `step`, which is the default."""
        t, k = batches.time.shape
        if self.kernel is not None and (compiled.available or 0 < k <= NARROW):
            after, verdict = self.walk(state, np.tile(np.arange(k), t), flat(batches))
            return after, Verdict._make(None if a is None else a.reshape(t, k) for a in verdict)
        verdicts = []
        for i in range(t):
            state, verdict = self.step(state, pick(batches, i))
            verdicts.append(verdict)
        return state, stack(verdicts)

    def walk(self, state: S, rows: Ints, batch: Batch) -> tuple[S, Verdict]:
        """n readings in order, of the rows (n,) of `state`; the same bits as `step`, reading by reading.

        For detectors with a kernel only.
        """
        after = copied(state)
        return after, self.walk_on(after, rows, batch)

    def walk_on(self, state: S, rows: Ints, batch: Batch) -> Verdict:
        """As `walk`, of a state that is changed in place."""
        assert self.kernel is not None
        said = np.empty((5, len(rows)))
        self.kernel.run([rows, *batch[:4], *self.columns(batch)], [*said, *state], self.constants())
        return Verdict(*said)

    def columns(self, batch: Batch) -> list[NDArray[Any]]:
        """What the kernel is given of a batch (n,) behind `learn`."""
        return []

    def walk_silent(self, state: S, rows: Ints, batch: Batch) -> tuple[S, Verdict, Ints]:
        """n readings in order, with the deadline in force before each (n,), where none passes on the way.

        The same bits as `deadline` and `step`, reading by reading, which is the default.
        """
        after, verdicts, deadlines = copied(state), [], np.empty(len(rows), dtype=np.int64)
        for i in range(len(rows)):
            one = slice(i, i + 1)
            deadlines[i] = self.deadline(take(after, rows[one]))[0]
            verdicts.append(self.advance(after, rows[one], pick(batch, one)))
        if not len(rows):
            return after, no_opinion(0), deadlines
        said = Verdict._make(
            cast(Any, [None if a[0] is None else np.concatenate(a) for a in zip(*verdicts, strict=True)])
        )
        return after, said, deadlines

    def constants(self) -> tuple[float | bool, ...]:
        """What the kernel is given of the options, in the order of its last parameters."""
        return ()

    def deadlines(self, state: S, batches: Batch) -> Ints:
        """(t, k) the deadline in force before each reading of a block, where none passes on the way."""
        out = np.empty(batches.time.shape, dtype=np.int64)
        for t in range(len(batches.time)):
            out[t] = self.deadline(state)
            state, _ = self.step(state, pick(batches, t))
        return out

    def deadline(self, state: S) -> Ints:
        """(k,) event time at which silence will mean something for each row, NEVER where it will not."""
        return np.full(len(state[0]), NEVER, dtype=np.int64)

    def tick(self, state: S, time: Ints) -> tuple[S, Verdict]:
        """What silence until `time` (k,) means. Extra ticks are invisible: tick(t1), tick(t2) = tick(t2)."""
        return state, no_opinion(len(time))

    def migrate(self, saved: list[Any], version: int) -> S | None:
        """State that an earlier `state_version` saved, in today's form; None (default): it is learned afresh."""
        return None

    def named(self, before: dict[str, Any], reading: dict[str, Any]) -> tuple[str, dict[str, float | str]]:
        """The key of the message that names what an alarm is of, and the words that it needs beside the usual ones.

        `before` is the row's state just before the reading, as `explain` gives it, {} where it is not known;
        `reading` holds what is known of the reading: time, x, the detector's own score of it, and quality or received
        where they are judged.
        """
        return self.kind, {}

    def found(self, before: dict[str, Any], reading: dict[str, Any]) -> dict[str, Any]:
        """More of what an alarm is of, for the event's `decision`; arguments as of `named`."""
        return {}

    def retraced(self, before: dict[str, Any], reading: dict[str, Any]) -> S | None:
        """The state of one row that a reading has led to; None where `before` does not tell all of it.

        For detectors of which a row's state is single numbers. What is learned is of no matter here, and may differ.
        """
        kinds = [np.asarray(a) for a in cast(Any, self.init(1))]
        names = cast(Any, type(self.init(0)))._fields
        if not all(name in before for name in names):
            return None
        fields = [np.full(1, before[name], dtype=a.dtype) for name, a in zip(names, kinds, strict=True)]
        one = np.ones(1)
        batch = Batch(np.array([reading["time"]]), one * reading["x"], one, one > 0, np.zeros(1, dtype=np.int32))
        return self.step(cast(Any, type(self.init(0)))(*fields), batch)[0]

    def tell(self, state: S, inputs: Sequence[str], x: Floats, shares: Floats) -> Telling:
        """What to tell of one instant; joint detectors only, and asked for events alone.

        `state` is the row's, with the instant taken in; its inputs' names, their values x (p,), NaN where they are out,
        and their shares (p,) in the contribution.
        """
        return Telling({"most": ", ".join(inputs[j] for j in foremost(shares))}, {})

    def measured(self, verdict: Verdict) -> Floats:
        """(k,) what each block of samples came to, for the value of its event; NaN where a block is no one number."""
        return np.full(len(verdict.score), np.nan)

    def explained(self, state: S, rows: Ints) -> S:
        """What `explain` reads of some rows (k,), kept where a state too large to be copied is changed in place."""
        return plain(state, rows)

    def explain(self, state: S, row: int) -> dict[str, float | int | bool]:
        """A row's state as plain data, from which its next verdict can be recomputed (`decision` of an event)."""
        fields = cast(Any, state)._asdict()
        return {name: a[row].item() for name, a in fields.items() if np.ndim(a) == 1}


def foremost(shares: Floats) -> list[int]:
    """Places of the inputs that contribute most, the first first: `MOST` at most.

    >>> foremost(np.array([0.1, 0.0, 0.6, 0.3]))
    [2, 3, 0]
    """
    order = np.argsort(-shares, kind="stable")[:MOST]
    return [int(j) for j in order if shares[j] > 0]


def stack(verdicts: list[Verdict]) -> Verdict:
    """Verdicts of successive instants as one with a leading axis."""
    return Verdict._make(cast(Any, [None if a[0] is None else np.stack(a) for a in zip(*verdicts, strict=True)]))


def pick(batch: Batch, where: Any) -> Batch:
    """The part of a batch that an index picks from each of its arrays."""
    return Batch._make(cast(Any, [None if a is None else a[where] for a in batch]))


def flat(batches: Batch) -> Batch:
    """(t, k) instants as n = t k readings in order."""
    return Batch._make(cast(Any, [None if a is None else a.reshape(-1) for a in batches]))


def no_opinion(k: int, warm: float = 1.0) -> Verdict:
    """A verdict that says nothing of k rows.

    >>> no_opinion(2).score
    array([nan, nan])
    """
    nan = np.full(k, np.nan)
    return Verdict(nan, nan, nan, nan, np.full(k, warm))


def take(state: S, rows: Any) -> S:
    """The state of some rows."""
    return type(state)(*(a[rows] for a in state))


def plain(state: S, rows: Ints) -> S:
    """What `Detector.explain` tells of some rows: their single numbers; of what is wider, nothing."""
    return type(state)(*(a[rows] if a.ndim == 1 else np.zeros((len(rows), 0)) for a in state))


Copy = Callable[[NDArray[Any]], NDArray[Any]]
"""How an array is copied: into memory of its own (`np.copy`), or into room that was made for it before."""


def copied(state: S) -> S:
    """A state of its own, to be changed in place."""
    return type(state)(*(a.copy() for a in state))


def put(state: S, rows: Any, part: S) -> None:
    """Write the state of some rows back, in place."""
    for whole, piece in zip(state, part, strict=True):
        whole[rows] = piece


def roomier(state: S, rows: int, room: int) -> S:
    """State with its first rows and room for so many; memory beyond them is not taken until it is written."""
    return type(state)(*(with_room(a, rows, room) for a in state))


def room_for(rows: int) -> int:
    """Rows to make room for where so many are needed: an eighth more, so that growing row by row stays linear.

    >>> room_for(1), room_for(8000)
    (9, 9008)
    """
    return rows + rows // 8 + 8


def with_room(column: NDArray[Any], rows: int, room: int) -> NDArray[Any]:
    """As `roomier`, of one column."""
    out = np.empty((room, *column.shape[1:]), dtype=column.dtype)
    out[:rows] = column[:rows]
    return out
