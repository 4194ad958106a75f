"""What `delay` and `wait` are told to wait for: where that is no time, it is said in the words of definitions."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from flowforge.engine.core.step_bindings import BindingError
from flowforge.engine.core.waits import wait_of

_NOW = datetime(2030, 1, 31, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"duration": ["1h"]}, "duration: a duration is a finite number of milliseconds, or a text like 1h30m"),
        ({"timeout": {}, "event": "e"}, "timeout: a duration is a finite number of milliseconds, or a text like 1h30m"),
        ({"until": ["x"]}, "until: \"['x']\" is no instant; write one like 2030-01-31T09:00:00+01:00"),
        ({"until": "soon"}, "until: 'soon' is no instant; write one like 2030-01-31T09:00:00+01:00"),
        ({"until": 5}, "until: '5' is no instant; write one like 2030-01-31T09:00:00+01:00"),
        (
            {"until": "2030-01-01T00:00:00"},
            "until: an instant has an offset; write one like 2030-01-31T09:00:00+01:00",
        ),
    ],
)
def test_time_that_is_none_is_told_in_the_words_of_definitions(params: dict[str, Any], words: str) -> None:
    with pytest.raises(BindingError) as refused:
        wait_of(params, now=_NOW)
    assert (refused.value.error.code, refused.value.error.message) == ("bad_wait", words)


def test_instant_is_waited_for_until_it_has_come() -> None:
    assert wait_of({"until": "2030-01-31T09:00:00+00:30"}, now=_NOW).timeout == timedelta(minutes=30)
    assert wait_of({"until": "2030-01-31T08:30:00+01:00"}, now=_NOW).timeout == timedelta()
