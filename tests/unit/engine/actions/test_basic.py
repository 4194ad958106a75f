"""The actions that need nothing but their params."""

import logging
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError

from flowforge.engine.actions.basic import basic_actions
from flowforge.engine.actions.contract import ActionAnswer, WaitAnswer
from tests.unit.engine.actions.calls import act, activities_of, call_of


async def run(action: str, params: Any = None, context: dict[str, Any] | None = None) -> ActionAnswer:
    with activities_of(*basic_actions()) as activities:
        return await act(activities, call_of(action, params, context))


async def failure(action: str, params: Any, context: dict[str, Any] | None = None) -> tuple[str | None, str]:
    with pytest.raises(ApplicationError) as caught:
        await run(action, params, context)
    assert caught.value.non_retryable
    return caught.value.type, caught.value.message


async def test_noop_does_nothing() -> None:
    assert await run("noop", {"anything": 1}) == ActionAnswer()


async def test_log_writes_its_params_and_gives_them_back(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        assert (await run("log", {"error": "Invalid order"})).result == {"error": "Invalid order"}
        await run("log", {"level": "warning", "message": "late"})
        await run("log", "a text")
    ours = [record for record in caplog.records if record.name == "flowforge.engine.log"]
    assert [record.levelname for record in ours] == ["INFO", "WARNING", "INFO"]
    assert "step of exec-1: {'error': 'Invalid order'}" in ours[0].getMessage()


async def test_fail_fails_as_it_is_told() -> None:
    assert await failure("fail", {"code": "too_risky", "message": "no"}) == ("too_risky", "no")
    assert await failure("fail", {}) == ("failed", "the definition says so")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("score.risk < 0.3", True),
        ("score.risk >= 0.3", False),
        ("nothing", False),
        ([], True),
        (0, False),
        (True, True),
    ],
)
async def test_a_condition_is_true_or_false(expression: Any, expected: object) -> None:
    assert (await run("condition", {"expression": expression}, {"score": {"risk": 0.1}})).result is expected


async def test_a_condition_that_means_nothing_is_refused() -> None:
    assert (await failure("condition", {"expression": "score <"}))[0] == "bad_expression"
    assert (await failure("condition", {"expression": "a.b"}))[0] not in {"internal", None}
    assert (await failure("condition", {}))[0] == "bad_params"


async def test_a_delay_waits_for_its_time() -> None:
    assert (await run("delay", {"duration": "1h30m"})).wait == WaitAnswer(timeout_ms=5_400_000)
    assert (await run("delay", {"until": "2020-01-01T00:00:00Z"})).wait == WaitAnswer(timeout_ms=0)


async def test_a_wait_waits_for_its_event() -> None:
    params = {"event": "approved", "timeout": "3d", "onTimeout": "branch", "schema": {"type": "object"}, "reason": "r"}
    assert (await run("wait", params)).wait == WaitAnswer(
        event="approved", timeout_ms=259_200_000, on_timeout="branch", schema={"type": "object"}, reason="r"
    )


@pytest.mark.parametrize("params", [{}, {"duration": "soon"}, {"duration": "1s", "until": "2020-01-01T00:00:00Z"}])
async def test_a_wait_for_nothing_is_refused(params: dict[str, Any]) -> None:
    assert (await failure("wait", params))[0] == "bad_wait"


async def test_a_child_run_is_the_workflows_own_work() -> None:
    assert (await failure("workflow", {"workflowId": "other"}))[0] == "unknown_action"
