"""What users do to a saga that it was not made for: nothing is kept, and nobody is misled."""

import asyncio
from datetime import timedelta

import pytest
from temporalio.exceptions import ApplicationError

from flowforge.durable.saga import Saga
from tests.unit.durable.loop_runtime import LoopRuntime, refusal
from tests.unit.durable.test_saga import Operator


async def refuse(_request: object) -> None:
    raise refusal("no_room")


async def test_timeout_leaves_the_block_everything_is_undone() -> None:
    """Temporal ends a run by TimeoutError as by its own failures."""
    runtime = LoopRuntime()
    with pytest.raises(TimeoutError):
        async with Saga(runtime=runtime) as saga:
            await saga.step("book", 1, undo="cancel")
            raise TimeoutError
    assert runtime.calls == ["book", "cancel"]


async def test_undo_with_raises_undo_counts_as_failed_and_the_others_run() -> None:
    runtime = LoopRuntime()
    runtime.script("second", refuse)
    operator = Operator()
    saga = Saga(runtime=runtime, owner=operator)

    async def run() -> None:
        async with saga:
            await saga.step("first", 1, undo="undo_first")
            await saga.step("second", 2, undo="undo_second", undo_with=lambda room: room.number)

    task = asyncio.create_task(run())
    await operator.called.wait()
    assert runtime.calls == ["first", "second", "undo_first"]
    assert saga.undecided == ("undo_second",)
    assert saga.compensations[0].error == "AttributeError: 'NoneType' object has no attribute 'number'"
    saga.write_off("undo_second", by="ann", reason="nothing was booked")
    runtime.poke()
    with pytest.raises(ApplicationError, match="no_room"):
        await task


async def test_undos_of_one_name_are_told_apart() -> None:
    runtime = LoopRuntime()
    runtime.script("pay", refuse)
    saga = Saga(runtime=runtime)
    with pytest.raises(ApplicationError):
        async with saga:
            for room in (1, 2, 3):
                await saga.step("book", room, undo="cancel")
            await saga.step("pay", 0)
    assert [undo.name for undo in saga.compensations] == ["cancel 3", "cancel 2", "cancel"]


async def test_operator_decides_once_on_each_undo() -> None:
    runtime = LoopRuntime()
    runtime.script("book", refuse)
    runtime.script("cancel", refuse)
    operator = Operator()
    saga = Saga(runtime=runtime, owner=operator)

    async def run() -> None:
        async with saga:
            await saga.step("book", 1, undo="cancel")

    task = asyncio.create_task(run())
    await operator.called.wait()
    saga.retry("cancel")
    with pytest.raises(ValueError, match="cancel"):
        saga.write_off("cancel", by="ann", reason="too late")
    runtime.poke()
    with pytest.raises(ApplicationError):
        await task
    assert saga.compensations[0].status == "completed"


async def test_step_is_left_running_at_the_end_of_the_block_is_a_bug() -> None:
    runtime = LoopRuntime()
    forgotten: list[asyncio.Task[object]] = []
    started = asyncio.Event()

    async def start(_request: object) -> None:
        started.set()
        await asyncio.sleep(0)

    runtime.script("book", start)
    with pytest.raises(RuntimeError, match="await every step inside the saga's block: book was still in flight"):
        async with Saga(runtime=runtime) as saga:
            forgotten.append(asyncio.create_task(saga.step("book", 1, undo="cancel")))
            await started.wait()
    await asyncio.gather(*forgotten)


async def test_step_outside_the_block_is_a_bug_and_does_nothing() -> None:
    runtime = LoopRuntime()
    saga = Saga(runtime=runtime)
    with pytest.raises(RuntimeError, match="book is a step outside its saga's `async with` block"):
        await saga.step("book", 1, undo="cancel")
    async with saga:
        late = asyncio.create_task(saga.step("book", 1, undo="cancel"))
    with pytest.raises(RuntimeError, match="book is a step outside"):
        await late
    assert runtime.calls == []


async def test_saga_is_walked_twice_is_a_bug() -> None:
    saga = Saga(runtime=LoopRuntime())
    async with saga:
        pass
    with pytest.raises(RuntimeError, match="a saga is walked once"):
        async with saga:
            pass


async def test_first_failure_is_borne_the_second_one_is_blamed() -> None:
    runtime = LoopRuntime()
    runtime.script("upgrade", refuse)
    runtime.script("book", refuse)
    saga = Saga(runtime=runtime)
    with pytest.raises(ApplicationError):
        async with saga:
            with pytest.raises(ApplicationError):
                await saga.step("upgrade", 1)
            await saga.step("book", 1)
    assert saga.failure is not None
    assert saga.failure.step == "book"


async def test_saga_begun_after_the_cancellation_cleans_up() -> None:
    runtime = LoopRuntime()
    started = asyncio.Event()

    async def run() -> None:
        try:
            started.set()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            async with Saga(runtime=runtime) as saga:
                await saga.step("tidy", 1)
            raise

    task = asyncio.create_task(run())
    await started.wait()
    runtime.cancel(task)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert runtime.calls == ["tidy"]


async def test_deadline_passes_while_an_inner_saga_unwinds_no_other_step_begins() -> None:
    runtime = LoopRuntime()
    runtime.script("inner", refuse)
    undoing, go_on = asyncio.Event(), asyncio.Event()

    async def slow(_request: object) -> None:
        undoing.set()
        await go_on.wait()

    runtime.script("undo_inner", slow)

    async def run() -> None:
        async with Saga(runtime=runtime, deadline=timedelta(seconds=5)) as saga:
            with pytest.raises(ApplicationError, match="no_room"):
                async with Saga(runtime=runtime) as inner:
                    await inner.step("inner", 1, undo="undo_inner")
            await saga.step("outer", 1)

    task = asyncio.create_task(run())
    await undoing.wait()
    runtime.pass_deadline()
    for _ in range(3):  # the timer wakes, calls off the run, and the run hears of it
        await asyncio.sleep(0)
    assert task.cancelling() == 1
    go_on.set()
    with pytest.raises(ApplicationError, match="deadline of 5 s"):
        await task
    assert runtime.calls == ["inner", "undo_inner"]
    assert task.cancelling() == 0
