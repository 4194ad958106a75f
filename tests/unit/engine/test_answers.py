"""What the result of an action elsewhere means to a run: somebody else's worker may send anything."""

import math
from typing import Any

import pytest

from flowforge.engine.calls import answered
from flowforge.engine.sizes import MAX_RESULT_BYTES


@pytest.mark.parametrize("result", [None, 1.5, 2**63 - 1, -(2**63), [2**70], "x" * (MAX_RESULT_BYTES - 2)])
def test_result_that_can_be_kept_succeeds(result: Any) -> None:
    assert answered(result, "a").kind == "succeeded"


@pytest.mark.parametrize("result", [math.inf, {"a": [math.nan]}, 2**63])
def test_result_that_json_does_not_have_fails_its_step_and_not_the_run(result: Any) -> None:
    outcome = answered(result, "a")
    assert outcome.error is not None
    assert (outcome.kind, outcome.error.code) == ("failed", "result_not_json")


def test_result_that_is_too_large_fails_its_step_and_not_the_run() -> None:
    outcome = answered("x" * MAX_RESULT_BYTES, "a")
    assert outcome.error is not None
    assert (outcome.kind, outcome.error.code) == ("failed", "result_too_large")
