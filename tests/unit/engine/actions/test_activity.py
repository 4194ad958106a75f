"""The one activity: what actions are given, what becomes of their answers, and what their errors mean."""

import asyncio
import threading
from datetime import timedelta
from decimal import Decimal
from typing import Any, cast

import pytest
from pydantic import BaseModel
from temporalio import activity
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from flowforge.engine.actions.contract import AFTER_THE_EFFECT, ActionAnswer, WaitAnswer
from flowforge.engine.actions.declaration import ActionContext, Failed, Mark, NotNeeded, Refused, Wait
from flowforge.engine.actions.loading import action_of
from flowforge.engine.actions.registry import Action
from flowforge.engine.actions.results import MAX_RESULT_BYTES
from flowforge.errors import DatabaseUnavailable, EgressBlocked
from tests.unit.engine.actions.calls import act, activities_of, call_of


class Price(BaseModel):
    """So much of a currency."""

    amount: Decimal
    currency: str = "EUR"


def returning(value: Any) -> Action:
    async def give(_params: dict[str, Any]) -> Any:
        return value

    return action_of(give, Mark(name="give"))


def raising(error: Exception) -> Action:
    async def fail(_params: Any) -> None:
        raise error

    return action_of(fail, Mark(name="fail"))


async def error_of(action: Action, params: Any = None, *, attempt: int = 1) -> ApplicationError:
    with activities_of(action) as activities, pytest.raises(ApplicationError) as caught:
        await act(activities, call_of(action.name, params), attempt=attempt)
    return caught.value


async def test_an_action_gets_its_params_as_the_type_that_it_asks_for() -> None:
    async def double(params: Price, context: ActionContext) -> Price:
        return Price(amount=params.amount * 2, currency=f"{params.currency} {context.key} {context.data['who']}")

    with activities_of(action_of(double, Mark(name="double"))) as activities:
        answer = await act(activities, call_of("double", {"amount": 0.1, "more": 1}, {"who": "Ada"}))
    assert answer == ActionAnswer(result={"amount": "0.2", "currency": "EUR exec-1:1:step Ada"})


async def test_a_plain_function_runs_in_a_thread_and_knows_its_activity() -> None:
    def where(_params: dict[str, Any]) -> list[Any]:
        return [threading.current_thread() is threading.main_thread(), activity.info().attempt]

    with activities_of(action_of(where, Mark(name="where"))) as activities:
        assert (await act(activities, call_of("where"), attempt=3)).result == [False, 3]


async def test_an_async_action_that_is_cancelled_stops() -> None:
    begun = asyncio.Event()

    async def wait(_params: Any) -> None:
        begun.set()
        await asyncio.Event().wait()

    environment = ActivityEnvironment()
    with activities_of(action_of(wait, Mark(name="wait"))) as activities:
        running = asyncio.create_task(environment.run(activities.act, call_of("wait")))
        await begun.wait()
        environment.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running


async def test_a_plain_function_that_is_cancelled_is_waited_for_and_its_answer_counts() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def charge(_params: Any, context: ActionContext) -> str:
        begun.set()
        context.stop_requested.wait()
        go_on.wait()
        return "charged"

    environment = ActivityEnvironment()
    with activities_of(action_of(charge, Mark(name="charge"))) as activities:
        running = asyncio.create_task(environment.run(activities.act, call_of("charge")))
        await asyncio.to_thread(begun.wait)
        environment.cancel()
        await asyncio.sleep(0)
        assert not running.done()
        go_on.set()
        assert (await running).result == "charged"


async def test_a_wait_is_answered_as_runs_know_it() -> None:
    with activities_of(returning(Wait(event="paid", timeout="1m", on_timeout="continue", reason="bank"))) as activities:
        answer = await act(activities, call_of("give"))
    assert answer.wait == WaitAnswer(event="paid", timeout_ms=60_000, on_timeout="continue", reason="bank")


async def test_an_undo_may_say_that_there_was_nothing_to_undo() -> None:
    with activities_of(returning(NotNeeded({"charged": False}))) as activities:
        assert await act(activities, call_of("give", undo=True)) == ActionAnswer(
            result={"charged": False}, not_needed=True
        )


@pytest.mark.parametrize("spare", [0, 1])
async def test_a_result_is_kept_up_to_its_limit_in_bytes(spare: int) -> None:
    text = "é" * ((MAX_RESULT_BYTES - 2) // 2)
    if spare:
        assert (error := await error_of(returning(text + "x"))).type == "result_too_large"
        assert error.non_retryable
    else:
        with activities_of(returning(text)) as activities:
            assert (await act(activities, call_of("give"))).result == text


@pytest.mark.parametrize(
    "wait",
    [
        Wait(),
        Wait("order paid"),
        Wait("paid", timeout="soon"),
        Wait("paid", timeout=-1),
        Wait("paid", timeout=timedelta(seconds=-1)),
        Wait("paid", timeout=timedelta(days=10**7)),
        Wait("paid", on_timeout=cast("Any", "explode")),
        Wait("paid", schema={"type": "strange"}),
    ],
)
async def test_a_wait_that_is_none_is_refused_for_good_and_its_step_undone(wait: Wait) -> None:
    error = await error_of(returning(wait))
    assert (error.type, error.non_retryable, error.type in AFTER_THE_EFFECT) == ("bad_wait", True, True)


async def test_a_pause_before_now_is_none() -> None:
    busy = Failed("busy", "later", retry_after=timedelta(seconds=-5))
    assert (await error_of(raising(busy))).next_retry_delay == timedelta()


@pytest.mark.parametrize("value", [object(), float("nan"), {"a": {1, object()}}, lambda: None, 2**63, 10**400])
async def test_a_result_that_is_no_json_is_refused_for_good(value: Any) -> None:
    error = await error_of(returning(value))
    assert (error.type, error.non_retryable) == ("result_not_json", True)


async def test_details_that_are_too_large_are_left_out() -> None:
    with activities_of(returning(ActionAnswer(result=1, details={"headers": "x" * 20_000}))) as activities:
        assert await act(activities, call_of("give")) == ActionAnswer(result=1)


@pytest.mark.parametrize(
    ("error", "code", "kind"),
    [
        (Refused("no_credit", "no"), "no_credit", "final"),
        (EgressBlocked("not there"), "egress_blocked", "final"),
        (Failed("busy", "later"), "busy", "retried"),
        (DatabaseUnavailable("locked"), "database_unavailable", "retried"),
        (ZeroDivisionError("oops"), "internal", "retried"),
        (ApplicationError("theirs", type="theirs", non_retryable=True), "theirs", "final"),
    ],
)
async def test_an_error_has_its_code_and_is_tried_again_unless_it_is_an_answer(
    error: Exception, code: str, kind: str
) -> None:
    seen = await error_of(raising(error))
    assert (seen.type, "final" if seen.non_retryable else "retried") == (code, kind)


async def test_an_error_tells_which_attempt_it_was_and_what_its_action_adds() -> None:
    refused = await error_of(raising(Refused("no", "no", details={"status": 402})), attempt=4)
    assert list(refused.details) == [{"attempt": 4, "status": 402}]
    failed = await error_of(raising(Failed("no", "no", retry_after=timedelta(seconds=7))), attempt=2)
    assert (list(failed.details), failed.next_retry_delay) == ([{"attempt": 2}], timedelta(seconds=7))


async def test_an_action_that_nobody_offers_is_refused_for_good() -> None:
    with activities_of() as activities, pytest.raises(ApplicationError, match="'chrage'") as caught:
        await act(activities, call_of("chrage"))
    assert (caught.value.type, caught.value.non_retryable) == ("unknown_action", True)


async def test_params_that_are_wrong_are_refused_for_good_and_named() -> None:
    async def pay(params: Price) -> None:
        raise AssertionError(params)

    error = await error_of(action_of(pay, Mark(name="pay")), {"amount": "much"})
    assert (error.type, error.non_retryable) == ("bad_params", True)
    assert "amount" in error.message
