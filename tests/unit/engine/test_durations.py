"""Durations: what each way of writing one means, the one canonical way, and what is none."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowforge.engine.durations import MAX, DurationError, Reason, parse, written


@pytest.mark.parametrize(
    ("value", "length", "canonical"),
    [
        ("500ms", timedelta(milliseconds=500), "500ms"),
        ("30s", timedelta(seconds=30), "30s"),
        ("1m", timedelta(minutes=1), "1m"),
        ("1h30m", timedelta(minutes=90), "1h30m"),
        ("3d", timedelta(days=3), "3d"),
        ("1d2h3m4s5ms", timedelta(days=1, hours=2, minutes=3, seconds=4, milliseconds=5), "1d2h3m4s5ms"),
        (" 90s ", timedelta(seconds=90), "1m30s"),
        ("1.1s", timedelta(milliseconds=1100), "1s100ms"),
        ("PT5M", timedelta(minutes=5), "5m"),
        ("P1DT2H", timedelta(hours=26), "1d2h"),
        ("P2W", timedelta(days=14), "14d"),
        ("PT0.5S", timedelta(milliseconds=500), "500ms"),
        ("PT0,5S", timedelta(milliseconds=500), "500ms"),
        (1500, timedelta(milliseconds=1500), "1s500ms"),
        (0, timedelta(0), "0ms"),
        (0.0, timedelta(0), "0ms"),
        ("0s", timedelta(0), "0ms"),
    ],
)
def test_duration_means_its_length_and_has_one_canonical_form(
    value: str | float, length: timedelta, canonical: str
) -> None:
    assert parse(value) == length
    assert written(length) == canonical


@pytest.mark.parametrize("value", ["0.0001s", 0.2, "PT0.0004S", 1e-300])
def test_duration_finer_than_a_millisecond_counts_as_a_whole_one(value: str | float) -> None:
    """A timer may fire late, never early."""
    assert parse(value) == timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("", Reason.MALFORMED),
        ("soon", Reason.MALFORMED),
        ("1h1h", Reason.MALFORMED),
        ("30m1h", Reason.MALFORMED),
        ("1H", Reason.MALFORMED),
        ("1e3s", Reason.MALFORMED),
        ("1_000ms", Reason.MALFORMED),
        ("٣s", Reason.MALFORMED),
        ("5s\0", Reason.MALFORMED),
        ("P", Reason.MALFORMED),
        ("PT", Reason.MALFORMED),
        ("P1DT", Reason.MALFORMED),
        ("P1W2D", Reason.MALFORMED),
        ("5" * 65 + "s", Reason.MALFORMED),
        (True, Reason.MALFORMED),
        (float("nan"), Reason.MALFORMED),
        (float("inf"), Reason.MALFORMED),
        (["1h"], Reason.MALFORMED),
        ({}, Reason.MALFORMED),
        (None, Reason.MALFORMED),
        ("5000", Reason.NO_UNIT),
        ("-5s", Reason.NEGATIVE),
        ("-PT5S", Reason.NEGATIVE),
        (-1, Reason.NEGATIVE),
        (-0.5, Reason.NEGATIVE),
        (-(10**400), Reason.NEGATIVE),
        ("P1M", Reason.CALENDAR),
        ("P1Y", Reason.CALENDAR),
        ("P1Y2M3DT4H", Reason.CALENDAR),
        ("3651d", Reason.TOO_LONG),
        ("9" * 60 + "d", Reason.TOO_LONG),
        (1e300, Reason.TOO_LONG),
        (10**400, Reason.TOO_LONG),
    ],
)
def test_what_is_no_duration_is_refused_with_its_reason(value: Any, reason: Reason) -> None:
    with pytest.raises(DurationError) as refused:
        parse(value)
    assert refused.value.reason is reason


def test_longest_duration_is_still_one() -> None:
    assert parse("3650d") == MAX


@given(milliseconds=st.integers(0, MAX // timedelta(milliseconds=1)))
def test_canonical_form_means_the_same_duration(milliseconds: int) -> None:
    length = timedelta(milliseconds=milliseconds)
    assert parse(written(length)) == length == parse(milliseconds)


@given(text=st.text(st.sampled_from("0123456789.,PTYMWDHSmshd- "), max_size=12) | st.text(max_size=80))
def test_any_text_is_a_duration_or_refused(text: str) -> None:
    try:
        length = parse(text)
    except DurationError:
        return
    assert timedelta(0) <= length <= MAX
