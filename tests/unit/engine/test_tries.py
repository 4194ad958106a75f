"""How actions and undos are tried."""

from datetime import timedelta
from typing import Any

import pytest

from flowforge.engine.contracts import RunOptions
from flowforge.engine.definition.step import Step
from flowforge.engine.tries import Tries, forward_tries, undo_tries

OPTIONS = RunOptions()
HOUR = timedelta(hours=1)


def tries(*, has_deadline: bool = False, **keys: Any) -> Tries:
    step = Step.model_validate({"id": "a", "action": "do", **keys})
    return forward_tries(step, OPTIONS, has_deadline=has_deadline)


@pytest.mark.parametrize(
    ("keys", "timeout", "attempt"),
    [
        ({}, timedelta(seconds=900), timedelta(seconds=60)),
        ({"timeout": "1h"}, HOUR, HOUR),  # a step that may take an hour may take it in one attempt
        ({"timeout": "10s"}, timedelta(seconds=10), timedelta(seconds=10)),
        ({"retryPolicy": {"maxAttempts": 3}}, None, timedelta(seconds=60)),
        ({"has_deadline": True}, None, timedelta(seconds=60)),
    ],
)
def test_step_may_take_its_time_in_one_attempt(
    keys: dict[str, Any], timeout: timedelta | None, attempt: timedelta
) -> None:
    found = tries(**keys)
    assert (found.timeout, found.attempt_timeout) == (timeout, attempt)


def test_undo_is_tried_without_limit_each_attempt_in_its_own_time() -> None:
    undone = {"id": "a", "action": "do", "compensation": {"action": "undo", "timeout": "1h"}}
    found = undo_tries(Step.model_validate(undone), OPTIONS)
    assert (found.timeout, found.attempt_timeout, found.most) == (None, HOUR, None)


def test_pauses_grow_up_to_the_longest_one() -> None:
    found = tries(retryPolicy={"initialDelay": "1s", "backoffMultiplier": 3, "maxDelay": "5s"})
    assert [found.pause(attempts).total_seconds() for attempts in (1, 2, 3, 4)] == [1, 3, 5, 5]
    assert tries(retryPolicy={"initialDelay": "1h"}).pause(2) == HOUR
    assert tries().pause(1_000_000) == timedelta(seconds=OPTIONS.forward_max_interval_s)
