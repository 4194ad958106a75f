"""The fenced saga, without a server: every undo is known before the first step, and none holds the others up."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError

from flowforge.durable.fence import StepCall, Undone, UndoStep, WriteOffStep, WrittenOff
from flowforge.durable.table import FencedSaga, Step, Undo
from tests.unit.durable.loop_runtime import LoopRuntime, refusal
from tests.unit.durable.test_saga import Operator


def ask(call: StepCall, *facts: Any) -> tuple[StepCall, tuple[Any, ...]]:
    return call, facts


TABLE = (
    Step("look", "shop.look", ask),
    Step("take", "shop.take", ask, Undo("give_back", "shop.give_back")),
    Step("pay", "shop.pay", ask, Undo("pay_back", "shop.pay_back")),
)


def saga_in(runtime: LoopRuntime, **more: Any) -> FencedSaga:
    labels = {"order_id": "o_1"}
    return FencedSaga(table=TABLE, saga_id="s_1", opening={"what": "it"}, labels=labels, runtime=runtime, **more)


async def walk(saga: FencedSaga) -> None:
    async with saga:
        for step in TABLE:
            await saga.step(step, "fact")


async def refuse(_request: object) -> None:
    raise refusal("no")


OPTIONAL = (*TABLE[:2], Step("tell", "shop.tell", ask, attempts=3))


def optional_saga_in(runtime: LoopRuntime, **more: Any) -> FencedSaga:
    return FencedSaga(table=OPTIONAL, saga_id="s_1", runtime=runtime, **more)


async def walk_optional(saga: FencedSaga) -> None:
    async with saga:
        for step in OPTIONAL:
            await saga.step(step, "fact")


async def test_step_nothing_hangs_on_is_given_up_and_undoes_nothing() -> None:
    runtime = LoopRuntime()
    runtime.script("shop.tell", refuse)
    saga = optional_saga_in(runtime)
    await walk_optional(saga)
    assert saga.given_up == {"tell": "refused: no"}
    assert saga.completed == ["look", "take"]
    assert runtime.calls == ["shop.look", "shop.take", "shop.tell"]


async def test_cancelled_during_a_step_nothing_hangs_on_the_saga_unwinds() -> None:
    runtime = LoopRuntime()
    reached = asyncio.Event()

    async def hang(_request: object) -> None:
        reached.set()
        await asyncio.Event().wait()

    runtime.script("shop.tell", hang)
    saga = optional_saga_in(runtime)
    run = asyncio.create_task(walk_optional(saga))
    await reached.wait()
    runtime.cancel(run)
    with pytest.raises(asyncio.CancelledError):
        await run
    assert runtime.calls[-1] == "shop.give_back"
    assert saga.given_up == {}


async def test_deadline_passes_during_a_step_nothing_hangs_on_and_means_nothing() -> None:
    runtime = LoopRuntime()

    async def late(_request: object) -> str:
        runtime.pass_deadline()
        for _ in range(5):
            await asyncio.sleep(0)
        return "told"

    runtime.script("shop.tell", late)
    saga = optional_saga_in(runtime, deadline=timedelta(seconds=1))
    await walk_optional(saga)
    assert saga.completed == ["look", "take", "tell"]


async def test_steps_carry_their_key_and_only_the_first_one_the_opening() -> None:
    runtime = LoopRuntime()
    await walk(saga_in(runtime))
    calls = [request[0] for request in runtime.requests]
    assert [(call.saga_id, call.step, call.completed) for call in calls] == [
        ("s_1", "look", ()),
        ("s_1", "take", ("look",)),
        ("s_1", "pay", ("look", "take")),
    ]
    assert [call.opening for call in calls] == [{"what": "it"}, None, None]
    assert all(facts == ("fact",) for _, facts in runtime.requests)


async def test_first_step_refuses_every_undo_of_the_table_runs_all_the_same() -> None:
    runtime = LoopRuntime()
    runtime.script("shop.look", refuse)

    async def nothing_there(request: UndoStep) -> Undone:
        return Undone(status="not_needed", attempts=request.call.attempt)

    runtime.script("shop.pay_back", nothing_there)
    runtime.script("shop.give_back", nothing_there)
    saga = saga_in(runtime)
    with pytest.raises(ApplicationError, match="no"):
        await walk(saga)
    assert runtime.calls == ["shop.look", "shop.pay_back", "shop.give_back"]
    assert [undo.status for undo in saga.compensations] == ["not_needed", "not_needed"]
    assert not saga.compensation_triggered


async def test_undo_that_does_not_end_lets_the_next_one_begin_and_is_waited_for() -> None:
    runtime = LoopRuntime()
    runtime.script("shop.pay", refuse)
    given_back, network_is_up = asyncio.Event(), asyncio.Event()

    async def pay_back_when_the_network_is_up(_request: object) -> Undone:
        await network_is_up.wait()
        return Undone(status="undone", attempts=7)

    async def give_back(_request: object) -> Undone:
        given_back.set()
        return Undone(status="undone")

    runtime.script("shop.pay_back", pay_back_when_the_network_is_up)
    runtime.script("shop.give_back", give_back)
    saga = saga_in(runtime)
    walking = asyncio.create_task(walk(saga))
    runtime.lose_patience()
    await given_back.wait()
    assert not walking.done()
    network_is_up.set()
    with pytest.raises(ApplicationError, match="no"):
        await walking
    assert [(undo.name, undo.status, undo.attempts) for undo in saga.compensations] == [
        ("pay_back", "completed", 7),
        ("give_back", "completed", 1),
    ]


async def test_undo_is_written_off_its_activity_is_told_by_whom_and_why() -> None:
    runtime, operator = LoopRuntime(), Operator()
    runtime.script("shop.pay", refuse)
    runtime.script("shop.pay_back", refuse)
    given_up: list[WriteOffStep] = []

    async def books_are_closed(_request: object) -> None:
        raise refusal("closed")

    async def give_up(request: WriteOffStep) -> WrittenOff:
        given_up.append(request)
        return WrittenOff(status="written_off", attempts=request.call.attempt)

    runtime.script("shop.give_up_pay_back", books_are_closed, give_up)
    table = (*TABLE[:2], replace(TABLE[2], undo=Undo("pay_back", "shop.pay_back", "shop.give_up_pay_back")))
    saga = FencedSaga(table=table, saga_id="s_1", runtime=runtime, owner=operator)
    walking = asyncio.create_task(walk(saga))
    for _ in range(2):
        await operator.called.wait()
        operator.called.clear()
        saga.write_off("pay_back", by="ann", reason="lost")
        assert saga.undecided == ()
        runtime.poke()
    with pytest.raises(ApplicationError, match="no"):
        await walking
    [request] = given_up
    assert (request.call.undo, request.call.step, request.by, request.reason) == ("pay_back", "pay", "ann", "lost")
    assert [undo.written_off for undo in saga.compensations] == ["ann: lost", None]


async def test_undo_is_written_off_but_there_was_nothing_to_lose_it_is_settled() -> None:
    runtime, operator = LoopRuntime(), Operator()
    runtime.script("shop.pay", refuse)
    runtime.script("shop.pay_back", refuse)

    async def nothing_there(request: WriteOffStep) -> WrittenOff:
        return WrittenOff(status="not_needed", attempts=request.call.attempt)

    runtime.script("shop.give_up_pay_back", nothing_there)
    table = (*TABLE[:2], replace(TABLE[2], undo=Undo("pay_back", "shop.pay_back", "shop.give_up_pay_back")))
    saga = FencedSaga(table=table, saga_id="s_1", runtime=runtime, owner=operator)
    walking = asyncio.create_task(walk(saga))
    await operator.called.wait()
    saga.write_off("pay_back", by="ann", reason="lost")
    runtime.poke()
    with pytest.raises(ApplicationError, match="no"):
        await walking
    pay_back = saga.compensations[0]
    assert (pay_back.status, pay_back.written_off) == ("not_needed", None)


async def test_undo_finds_that_it_was_written_off_before_nobody_is_asked_again() -> None:
    """Another run of the same saga was told so, and is gone."""
    runtime, operator = LoopRuntime(), Operator()
    runtime.script("shop.pay", refuse)

    async def was_given_up(request: UndoStep) -> Undone:
        return Undone(status="written_off", attempts=request.call.attempt, written_off="ann: lost")

    runtime.script("shop.pay_back", was_given_up)
    saga = FencedSaga(table=TABLE, saga_id="s_1", runtime=runtime, owner=operator)
    with pytest.raises(ApplicationError, match="no"):
        await asyncio.wait_for(walk(saga), 5)
    pay_back = saga.compensations[0]
    assert (pay_back.status, pay_back.written_off, pay_back.error) == ("failed", "ann: lost", None)
    assert not operator.called.is_set()
