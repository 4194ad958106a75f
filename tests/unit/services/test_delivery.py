"""What errors become on their way to a saga, in a real activity environment."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import pytest
from temporalio import activity
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from flowforge.durable.fence import StepCall
from flowforge.errors import (
    CardDeclined,
    DatabaseUnavailable,
    EffectFenced,
    OrderCancelled,
    PaymentNetworkError,
    Refusal,
)
from flowforge.services.delivery import Delivery
from flowforge.services.faults import Faults
from flowforge.services.journal import Entry, FailedAttempt

CALL = StepCall(saga_id="ord_1", step="process_payment", labels={"order_id": "ord_1", "request_id": "req_1"})


@dataclass
class Notes:
    """A journal that keeps failed attempts."""

    attempts: list[FailedAttempt] = field(default_factory=list)

    def record(self, entry: Entry, transaction: Any) -> None:
        raise AssertionError("a delivery records no outcome")

    def redelivered(self, entry: Entry, transaction: Any) -> None:
        raise AssertionError("a delivery records no outcome")

    def beyond_recall(self, saga_id: str, at: datetime, transaction: Any) -> None:
        raise AssertionError("a delivery makes nothing final")

    async def attempt_failed(self, attempt: FailedAttempt) -> None:
        self.attempts.append(attempt)


async def deliver(
    notes: Notes, error: BaseException | None = None, *, call: StepCall = CALL, attempt: int = 1, fail_at: str = ""
) -> int:
    """Run one delivery; answer the number of the attempt that the service saw."""

    @activity.defn
    async def act() -> int:
        async def perform(call: StepCall) -> int:
            if error is not None:
                raise error
            return call.attempt

        return await Delivery(notes, Faults(fail_at)).run(call, "payments.charge", perform)

    environment = ActivityEnvironment()
    environment.info = replace(environment.info, attempt=attempt)
    return await environment.run(act)


async def failure(notes: Notes, error: BaseException | None = None, **how: Any) -> ApplicationError:
    with pytest.raises(ApplicationError) as raised:
        await deliver(notes, error, **how)
    return raised.value


async def test_service_sees_the_attempt_over_all_placements() -> None:
    assert await deliver(Notes(), attempt=3, call=replace(CALL, attempt=2)) == 4


@pytest.mark.parametrize("error", [CardDeclined("no"), EffectFenced("undone")])
async def test_refusal_is_for_good_and_not_noted(error: CardDeclined | EffectFenced) -> None:
    notes = Notes()
    told = await failure(notes, error, attempt=2)
    assert (told.message, told.type, told.non_retryable) == (error.message, error.code, True)
    assert told.details == ({"attempt": 2},)
    assert notes.attempts == []


@pytest.mark.parametrize(
    ("error", "call"), [(OrderCancelled("no more"), CALL), (CardDeclined("no"), replace(CALL, undo="refund"))]
)
async def test_refusal_that_no_ledger_keeps_is_noted_as_for_good(error: Refusal, call: StepCall) -> None:
    notes = Notes()
    assert (await failure(notes, error, call=call)).non_retryable
    [noted] = notes.attempts
    assert (noted.code, noted.retried) == (error.code, False)


async def test_delivery_tells_the_service_who_runs_it_and_where() -> None:
    seen: list[StepCall] = []

    @activity.defn
    async def act() -> None:
        async def perform(call: StepCall) -> None:
            seen.append(call)

        await Delivery(Notes(), Faults(), worker="7@here").run(CALL, "payments.charge", perform)

    environment = ActivityEnvironment()
    await environment.run(act)
    environment.info = replace(environment.info, is_local=True)
    await environment.run(act)
    assert [(call.worker, call.placement) for call in seen] == [("7@here", "queue"), ("7@here", "local")]


async def test_fault_is_retried_and_noted() -> None:
    notes = Notes()
    told = await failure(notes, PaymentNetworkError("lost"), attempt=2)
    assert (told.type, told.non_retryable) == ("payment_network_error", False)
    [noted] = notes.attempts
    assert (noted.call.attempt, noted.operation, noted.message, noted.retried) == (2, "payments.charge", "lost", True)


async def test_database_that_is_away_is_retried_and_not_noted() -> None:
    notes = Notes()
    told = await failure(notes, DatabaseUnavailable("away"))
    assert (told.type, told.non_retryable, notes.attempts) == ("database_unavailable", False, [])


async def test_defect_is_retried_and_noted_as_internal() -> None:
    notes = Notes()
    told = await failure(notes, KeyError("x"))
    assert (told.type, told.non_retryable) == ("internal", False)
    assert notes.attempts[0].code == "internal"


async def test_cancellation_passes() -> None:
    with pytest.raises(asyncio.CancelledError):
        await deliver(Notes(), asyncio.CancelledError())


@pytest.mark.parametrize(("attempt", "final"), [(1, False), (2, False), (3, True), (4, True)])
async def test_injected_fault_is_retried_twice(attempt: int, final: bool) -> None:  # noqa: FBT001 -- a parameter
    notes = Notes()
    told = await failure(notes, attempt=attempt, fail_at="payment")
    assert (told.message, told.type, told.non_retryable) == ("FAIL_AT=payment", "injected_fault", final)
    assert told.details == ({"attempt": attempt},)
    assert [noted.retried for noted in notes.attempts] == [not final]


async def test_refused_step_has_no_fault_injected() -> None:
    assert (await failure(Notes(), CardDeclined("no"), fail_at="payment")).type == "card_declined"


async def test_fault_asked_for_by_the_order_itself_is_injected() -> None:
    assert (await failure(Notes(), call=replace(CALL, fail_at="payment"))).type == "injected_fault"


@pytest.mark.parametrize("fail_at", ["", "inventory", "inventory-check", "warehouse"])
async def test_other_steps_are_spared(fail_at: str) -> None:
    assert await deliver(Notes(), fail_at=fail_at) == 1


async def test_undo_is_spared() -> None:
    assert await deliver(Notes(), call=replace(CALL, undo="refund"), fail_at="payment") == 1


async def test_log_lines_of_an_activity_name_the_order() -> None:
    bound: dict[str, str] = {}

    @activity.defn
    async def act() -> None:
        async def perform(call: StepCall) -> None:
            pass

        def bind(**values: str) -> None:
            bound.update(values)

        await Delivery(Notes(), Faults(), bind).run(CALL, "payments.charge", perform)

    environment = ActivityEnvironment()
    await environment.run(act)
    assert bound == {"order_id": "ord_1", "request_id": "req_1", "workflow_id": environment.info.workflow_id}
