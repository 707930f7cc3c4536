"""Packed state: everything an engine remembers comes back the same, and nothing else is taken for it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from streams.state.codec import CHUNK_BYTES, Damaged, pack, unpack

ARRAYS = st.one_of(
    arrays(np.float64, array_shapes(min_dims=1, max_dims=2, min_side=0)),
    arrays(np.int64, array_shapes(min_dims=1, max_dims=2, min_side=0)),
    arrays(np.bool_, array_shapes(min_dims=1, max_dims=1, min_side=0)),
    arrays(np.int8, 3),
)
PLAIN = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text()
STATE = st.dictionaries(
    st.text(max_size=5),
    st.recursive(
        PLAIN | ARRAYS, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner), max_leaves=8
    ),
)


def same(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and a == b


@given(STATE)
def test_what_is_packed_comes_back_bit_for_bit(state: dict[str, Any]) -> None:
    assert same(state, unpack(pack(state)))


def test_words_and_none_in_arrays_come_back() -> None:
    texts = np.array([None, "läuft", ""], dtype=object)
    back = unpack(pack({"text": texts}))["text"]
    assert (back.dtype, back.tolist()) == (np.dtype(object), [None, "läuft", ""])


def test_keys_that_are_numbers_stay_numbers() -> None:
    assert unpack(pack({"origins": {3: 7}})) == {"origins": {3: 7}}


def test_no_chunk_is_larger_than_a_record_may_be() -> None:
    state = {"noise": np.random.default_rng(1).random(1_000_000)}
    chunks = list(pack(state))
    assert len(chunks) > 5
    assert max(map(len, chunks)) <= CHUNK_BYTES
    assert same(state, unpack(chunks))


def test_restored_arrays_can_be_written() -> None:
    back = unpack(pack({"x": np.zeros(3)}))["x"]
    back[1] = 5.0
    assert back.tolist() == [0.0, 5.0, 0.0]


@pytest.mark.parametrize("cut", [0, 1, 10, -1])
def test_a_part_of_a_state_is_damaged(cut: int) -> None:
    whole = b"".join(pack({"a": list(range(100)), "b": np.arange(1000)}))
    with pytest.raises(Damaged):
        unpack([whole[:cut]])


def test_an_object_that_is_no_data_is_refused() -> None:
    with pytest.raises(NotImplementedError, match="only plain data and numpy arrays"):
        list(pack({"x": object()}))
