"""The fenced saga, without a server: every undo is known before the first step, and none holds the others up."""

import asyncio
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError

from flowforge.durable.fence import StepCall, Undone, UndoStep
from flowforge.durable.table import FencedSaga, Step, Undo
from tests.unit.durable.loop_runtime import LoopRuntime, refusal


def ask(call: StepCall, *facts: Any) -> tuple[StepCall, tuple[Any, ...]]:
    return call, facts


TABLE = (
    Step("look", "shop.look", ask),
    Step("take", "shop.take", ask, Undo("give_back", "shop.give_back")),
    Step("pay", "shop.pay", ask, Undo("pay_back", "shop.pay_back")),
)


def saga_in(runtime: LoopRuntime) -> FencedSaga:
    return FencedSaga(table=TABLE, saga_id="s_1", opening={"what": "it"}, labels={"order_id": "o_1"}, runtime=runtime)


async def walk(saga: FencedSaga) -> None:
    async with saga:
        for step in TABLE:
            await saga.step(step, "fact")


async def refuse(_request: object) -> None:
    raise refusal("no")


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
