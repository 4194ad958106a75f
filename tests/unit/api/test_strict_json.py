"""What strict JSON takes, it takes as Python's own reader does; what it refuses, it refuses in time."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowforge.api.invalid import InvalidInput, MalformedInput
from flowforge.api.strict_json import MAX_DEPTH, MAX_INTEGER, parse_json

text = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-MAX_INTEGER, MAX_INTEGER)
    | st.floats(allow_nan=False, allow_infinity=False)
    | text,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(text, inner, max_size=5),
    max_leaves=20,
)


@given(value=values, ascii_only=st.booleans())
def test_what_is_acceptable_is_read_as_it_was_written(value: Any, *, ascii_only: bool) -> None:
    assert parse_json(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@given(body=st.binary(max_size=200) | text.map(str.encode))
def test_whatever_comes_is_read_or_refused(body: bytes) -> None:
    try:
        value = parse_json(body)
    except (InvalidInput, MalformedInput):
        return
    assert value == json.loads(body)


@given(number=st.integers(min_value=MAX_INTEGER + 1) | st.integers(max_value=-MAX_INTEGER - 1))
def test_an_integer_that_readers_round_is_refused(number: int) -> None:
    with pytest.raises(InvalidInput, match="2\\^53"):
        parse_json(json.dumps([number]).encode())


def test_the_deepest_nesting_is_read_and_one_more_is_not() -> None:
    assert parse_json(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
    with pytest.raises(InvalidInput):
        parse_json(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1))


def test_brackets_in_strings_are_no_nesting() -> None:
    value = ["[" * 100, '\\"{{{' * 40, {"{" * 50: "]"}]
    assert parse_json(json.dumps(value).encode()) == value


@pytest.mark.parametrize("body", [b'"\\' * 500_000, b'"' * 1_000_000, b'["\\"' * 250_000, b"[1]" * 300_000])
def test_a_megabyte_of_traps_is_refused(body: bytes) -> None:
    with pytest.raises((InvalidInput, MalformedInput)):
        parse_json(body)
