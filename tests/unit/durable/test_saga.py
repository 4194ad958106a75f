"""The saga of the library, without a server: order of undos, what unwinds, what does not, and who may stop it."""

import asyncio
from datetime import timedelta

import pytest
from temporalio import workflow
from temporalio.exceptions import ApplicationError

from flowforge.durable.owner import NoOwner
from flowforge.durable.saga import Saga
from tests.unit.durable.loop_runtime import LoopRuntime, refusal

FIRST, SECOND, THIRD = "first", "second", "third"


class Operator(NoOwner):
    """An owner that can be waited for until it is needed."""

    def __init__(self) -> None:
        self.called = asyncio.Event()

    async def needs_attention(self) -> None:
        self.called.set()


async def book_three(saga: Saga) -> None:
    for name in (FIRST, SECOND, THIRD):
        await saga.step(name, {"for": name}, undo=f"undo_{name}")


async def refuse(_request: object) -> None:
    raise refusal("no_room", attempt=3)


async def test_every_step_answers_nothing_is_undone() -> None:
    runtime = LoopRuntime()
    async with Saga(runtime=runtime) as saga:
        await book_three(saga)
    assert runtime.calls == [FIRST, SECOND, THIRD]
    assert saga.completed == [FIRST, SECOND, THIRD]
    assert not saga.compensation_triggered


async def test_last_step_refuses_begun_steps_are_undone_in_reverse() -> None:
    runtime = LoopRuntime()
    runtime.script(THIRD, refuse)
    saga = Saga(runtime=runtime)
    with pytest.raises(ApplicationError, match="no_room"):
        async with saga:
            await book_three(saga)
    assert runtime.calls == [FIRST, SECOND, THIRD, "undo_third", "undo_second", "undo_first"]
    assert [undo.status for undo in saga.compensations] == ["completed"] * 3
    assert saga.failure is not None
    assert (saga.failure.step, saga.failure.code, saga.failure.attempts) == (THIRD, "no_room", 3)


async def test_undo_gets_result_or_none_when_its_step_died() -> None:
    runtime = LoopRuntime()

    async def answer(_request: object) -> str:
        return "room 7"

    runtime.script(FIRST, answer)
    runtime.script(SECOND, refuse)
    with pytest.raises(ApplicationError):
        async with Saga(runtime=runtime) as saga:
            await saga.step(FIRST, 1, undo="undo_first", undo_with=lambda result: ("undo", result))
            await saga.step(SECOND, 2, undo="undo_second", undo_with=lambda result: ("undo", result))
    assert runtime.requests[-2:] == [("undo", None), ("undo", "room 7")]


async def test_undo_without_undo_with_gets_the_steps_input() -> None:
    runtime = LoopRuntime()
    runtime.script(SECOND, refuse)
    with pytest.raises(ApplicationError):
        async with Saga(runtime=runtime) as saga:
            await book_three(saga)
    assert runtime.requests[-1] == {"for": FIRST}


async def test_undo_fails_for_good_others_run_and_operator_retries() -> None:
    runtime = LoopRuntime()
    runtime.script(THIRD, refuse)
    runtime.script("undo_second", refuse)
    operator = Operator()
    saga = Saga(runtime=runtime, owner=operator)

    async def run() -> None:
        async with saga:
            await book_three(saga)

    task = asyncio.create_task(run())
    await operator.called.wait()
    assert [undo.status for undo in saga.compensations] == ["completed", "failed", "completed"]
    with pytest.raises(ValueError, match="undo_first"):
        saga.retry("undo_first")
    saga.retry("undo_second")
    runtime.poke()
    with pytest.raises(ApplicationError, match="no_room"):
        await task
    assert runtime.calls[-1] == "undo_second"
    assert [undo.status for undo in saga.compensations] == ["completed"] * 3


async def test_undo_fails_for_good_operator_writes_it_off_and_the_saga_ends() -> None:
    runtime = LoopRuntime()
    runtime.script(SECOND, refuse)
    runtime.script("undo_first", refuse)
    operator = Operator()
    saga = Saga(runtime=runtime, owner=operator)

    async def run() -> None:
        async with saga:
            await book_three(saga)

    task = asyncio.create_task(run())
    await operator.called.wait()
    saga.write_off("undo_first", by="ann", reason="paid by hand")
    runtime.poke()
    with pytest.raises(ApplicationError):
        await task
    assert saga.compensations[-1].written_off == "ann: paid by hand"


async def test_cancelled_in_a_step_unwinds_and_ends_cancelled() -> None:
    runtime = LoopRuntime()
    started = asyncio.Event()

    async def hang(_request: object) -> None:
        started.set()
        await asyncio.Event().wait()

    runtime.script(SECOND, hang)

    async def run() -> None:
        async with Saga(runtime=runtime) as saga:
            await book_three(saga)

    task = asyncio.create_task(run())
    await started.wait()
    runtime.cancel(task)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert runtime.calls == [FIRST, SECOND, "undo_second", "undo_first"]


async def test_cancelled_step_answers_all_the_same_next_step_is_not_begun() -> None:
    runtime = LoopRuntime()
    started, finish = asyncio.Event(), asyncio.Event()

    async def stubborn(_request: object) -> str:
        started.set()
        try:
            await finish.wait()
        except asyncio.CancelledError:
            await finish.wait()
        return "done"

    runtime.script(FIRST, stubborn)

    async def run() -> None:
        async with Saga(runtime=runtime) as saga:
            await book_three(saga)

    task = asyncio.create_task(run())
    await started.wait()
    runtime.cancel(task)
    await asyncio.sleep(0)
    finish.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert runtime.calls == [FIRST, "undo_first"]


@pytest.mark.parametrize("times", [1, 2, 5])
async def test_cancelled_while_unwinding_every_undo_still_runs(times: int) -> None:
    runtime = LoopRuntime()
    runtime.script(THIRD, refuse)
    undoing, go_on = asyncio.Event(), asyncio.Event()

    async def slow(_request: object) -> None:
        undoing.set()
        await go_on.wait()

    runtime.script("undo_second", slow)

    async def run() -> None:
        async with Saga(runtime=runtime) as saga:
            await book_three(saga)

    task = asyncio.create_task(run())
    await undoing.wait()
    for _ in range(times):
        runtime.cancel(task)
        await asyncio.sleep(0)
    go_on.set()
    with pytest.raises(ApplicationError, match="no_room"):
        await task
    assert runtime.calls[-3:] == ["undo_third", "undo_second", "undo_first"]


async def test_deadline_passes_in_a_step_unwinds_with_step_timeout() -> None:
    runtime = LoopRuntime()
    started = asyncio.Event()

    async def hang(_request: object) -> None:
        started.set()
        await asyncio.Event().wait()

    runtime.script(SECOND, hang)

    async def run() -> None:
        async with Saga(runtime=runtime, deadline=timedelta(seconds=5)) as saga:
            await book_three(saga)

    task = asyncio.create_task(run())
    await started.wait()
    runtime.pass_deadline()
    with pytest.raises(ApplicationError, match="second did not finish before the deadline of 5 s") as caught:
        await task
    assert caught.value.type == "step_timeout"
    assert runtime.calls == [FIRST, SECOND, "undo_second", "undo_first"]


async def test_parallel_steps_one_refuses_undo_waits_until_the_others_have_settled() -> None:
    runtime = LoopRuntime()
    settled: list[str] = []
    started = asyncio.Event()

    async def slow_to_stop(_request: object) -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            for _ in range(5):
                await asyncio.sleep(0)
            settled.append(FIRST)
            raise

    async def refuse_later(_request: object) -> None:
        await started.wait()
        raise refusal("no_room")

    async def note_undo(_request: object) -> None:
        settled.append("undo")

    runtime.script(FIRST, slow_to_stop)
    runtime.script(SECOND, refuse_later)
    runtime.script("undo_first", note_undo)
    with pytest.raises(ApplicationError, match="no_room"):
        async with Saga(runtime=runtime) as saga:
            await asyncio.gather(saga.step(FIRST, 1, undo="undo_first"), saga.step(SECOND, 2, undo="undo_second"))
    assert settled == [FIRST, "undo"]
    assert runtime.calls[-2:] == ["undo_second", "undo_first"]


async def test_task_group_one_refuses_the_refusal_comes_out_bare() -> None:
    runtime = LoopRuntime()
    runtime.script(SECOND, refuse)
    with pytest.raises(ApplicationError, match="no_room"):
        async with Saga(runtime=runtime) as saga, asyncio.TaskGroup() as group:
            group.create_task(saga.step(FIRST, 1, undo="undo_first"))
            group.create_task(saga.step(SECOND, 2, undo="undo_second"))
    assert set(runtime.calls[-2:]) == {"undo_second", "undo_first"}


async def test_plain_exception_is_a_bug_and_undoes_nothing() -> None:
    runtime = LoopRuntime()
    with pytest.raises(ZeroDivisionError):
        async with Saga(runtime=runtime) as saga:
            await saga.step(FIRST, 1, undo="undo_first")
            1 / 0  # noqa: B018
    assert runtime.calls == [FIRST]


async def test_continue_as_new_undoes_nothing() -> None:
    runtime = LoopRuntime()
    goes_on = workflow.ContinueAsNewError.__new__(workflow.ContinueAsNewError)
    with pytest.raises(workflow.ContinueAsNewError):
        async with Saga(runtime=runtime) as saga:
            await saga.step(FIRST, 1, undo="undo_first")
            raise goes_on
    assert runtime.calls == [FIRST]
