"""The Prefer header."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowforge.api.invalid import MalformedInput
from flowforge.api.prefer import preferred_wait_s


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ([], None),
        ([""], None),
        ([",, ,"], None),
        (["wait=1"], 1),
        (["wait=60"], 60),
        (["Wait=5"], 5),
        (["wait = 5"], 5),
        (['wait="5"'], 5),
        (["wait=5;slack=1; x"], 5),
        (["respond-async, wait=5"], 5),
        (["respond-async", "wait=5"], 5),
        (["wait=5, wait=6"], 5),
        (["handling=lenient; wait=9"], None),
        (['note="a, wait=9"; b, wait=5'], 5),
        (["waiting=9"], None),
        (["wait=05"], 5),
    ],
)
def test_wait_is_read_as_rfc_7240_writes_it(headers: list[str], wait_s: int | None) -> None:
    assert preferred_wait_s(headers) == wait_s


@given(header=st.text(st.characters(max_codepoint=255)))
def test_whatever_comes_is_read_or_refused(header: str) -> None:
    try:
        wait_s = preferred_wait_s([header])
    except MalformedInput:
        return
    assert wait_s is None or 1 <= wait_s <= 60


def test_a_long_header_takes_no_long_time() -> None:
    with pytest.raises(MalformedInput):
        preferred_wait_s(["a=" + "b;" * 30_000 + "="])
