"""A saga that is held: steps wait and begin nothing, undos never wait, and the deadline stands still."""

import asyncio
from datetime import timedelta

import pytest
from temporalio.exceptions import ApplicationError

from flowforge.durable import scope
from flowforge.durable.owner import NoOwner
from flowforge.durable.saga import Saga
from tests.unit.durable.loop_runtime import LoopRuntime, refusal
from tests.unit.durable.test_fenced_saga import saga_in, walk


class Keeper(NoOwner):
    """Notes what it is told; says whether the saga may stand still."""

    def __init__(self, *, may_stand_still: bool = True) -> None:
        self.told: list[str] = []
        self.stands_still = asyncio.Event()
        self._may_stand_still = may_stand_still

    async def held(self) -> bool:
        self.told.append("held")
        self.stands_still.set()
        return self._may_stand_still

    async def released(self) -> None:
        self.told.append("released")


async def two_steps(saga: Saga) -> None:
    async with saga:
        await saga.step("book", 1, undo="cancel")
        await saga.step("pay", 2, undo="refund")


async def test_held_before_it_begins_steps_wait_until_released() -> None:
    runtime, keeper = LoopRuntime(), Keeper()
    saga = Saga(runtime=runtime, owner=keeper)
    saga.hold()
    walking = asyncio.create_task(two_steps(saga))
    await keeper.stands_still.wait()
    assert runtime.calls == []
    saga.release()
    runtime.poke()
    await walking
    assert runtime.calls == ["book", "pay"]
    assert keeper.told == ["held", "released"]


async def test_held_while_a_step_is_in_flight_it_ends_and_the_next_one_waits() -> None:
    runtime, keeper = LoopRuntime(), Keeper()
    saga = Saga(runtime=runtime, owner=keeper)

    async def hold(_request: object) -> str:
        saga.hold()
        return "booked"

    runtime.script("book", hold)
    walking = asyncio.create_task(two_steps(saga))
    await keeper.stands_still.wait()
    assert saga.completed == ["book"]
    assert runtime.calls == ["book"]
    saga.release()
    runtime.poke()
    await walking


async def test_held_after_the_last_step_it_ends() -> None:
    runtime, keeper = LoopRuntime(), Keeper()
    saga = Saga(runtime=runtime, owner=keeper)

    async def hold(_request: object) -> None:
        saga.hold()

    runtime.script("pay", hold)
    await two_steps(saga)
    assert keeper.told == []


async def test_cancelled_while_held_unwinds_at_once_and_begins_no_step() -> None:
    runtime, keeper = LoopRuntime(), Keeper()
    saga = Saga(runtime=runtime, owner=keeper)

    async def hold(_request: object) -> None:
        saga.hold()

    runtime.script("book", hold)
    walking = asyncio.create_task(two_steps(saga))
    await keeper.stands_still.wait()
    runtime.cancel(walking)
    with pytest.raises(asyncio.CancelledError):
        await walking
    assert runtime.calls == ["book", "cancel"]
    assert keeper.told == ["held"]


async def test_held_while_it_unwinds_every_undo_runs() -> None:
    runtime = LoopRuntime()
    saga = Saga(runtime=runtime)

    async def refuse(_request: object) -> None:
        raise refusal("no")

    async def hold(_request: object) -> None:
        saga.hold()

    runtime.script("pay", refuse)
    runtime.script("refund", hold)
    with pytest.raises(ApplicationError, match="no"):
        await two_steps(saga)
    assert runtime.calls == ["book", "pay", "refund", "cancel"]


async def test_owner_will_not_have_it_held_the_steps_go_on() -> None:
    runtime, keeper = LoopRuntime(), Keeper(may_stand_still=False)
    saga = Saga(runtime=runtime, owner=keeper)
    saga.hold()
    await two_steps(saga)
    assert runtime.calls == ["book", "pay"]


async def test_deadline_stands_still_while_it_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    runtime, keeper, now = LoopRuntime(), Keeper(), 1000.0
    monkeypatch.setattr(scope, "_now", lambda: now)
    saga = Saga(runtime=runtime, owner=keeper, deadline=timedelta(seconds=10))

    async def hold(_request: object) -> None:
        nonlocal now
        now += 4
        saga.hold()

    runtime.script("book", hold)
    walking = asyncio.create_task(two_steps(saga))
    await keeper.stands_still.wait()
    now += 100
    runtime.pass_deadline()  # nothing waits for it any more
    await asyncio.sleep(0)
    assert not walking.done()
    runtime.rewind_deadline()
    saga.release()
    runtime.poke()
    await walking
    assert saga.time_held == timedelta(seconds=100)
    assert runtime.sleeps == [timedelta(seconds=10), timedelta(seconds=6)]


async def test_parallel_steps_are_held_together_and_told_of_once_when_released() -> None:
    runtime, keeper = LoopRuntime(), Keeper()
    saga = Saga(runtime=runtime, owner=keeper)
    saga.hold()

    async def run() -> None:
        async with saga:
            await asyncio.gather(saga.step("book", 1), saga.step("pay", 2))

    walking = asyncio.create_task(run())
    await keeper.stands_still.wait()
    await asyncio.sleep(0)
    saga.release()
    runtime.poke()
    await walking
    assert keeper.told == ["held", "held", "released"]


async def test_fenced_saga_is_held_too() -> None:
    runtime, keeper = LoopRuntime(), Keeper()
    saga = saga_in(runtime, owner=keeper)
    saga.hold()
    walking = asyncio.create_task(walk(saga))
    await keeper.stands_still.wait()
    assert runtime.calls == []
    saga.release()
    runtime.poke()
    await walking
    assert len(runtime.calls) == 3


class NobodyToAsk(LoopRuntime):
    """A runtime that is gone when the saga is thrown away, as Temporal's is."""

    def ends_run(self, error: BaseException) -> bool:
        raise AssertionError(f"asked about {error!r}")


@pytest.mark.parametrize("is_held", [False, True])
async def test_saga_is_thrown_away_with_its_run_nothing_is_asked_or_undone(*, is_held: bool) -> None:
    """A run that was terminated is dropped by its worker, and its coroutine is closed by whoever collects it."""
    runtime, forever = NobodyToAsk(), asyncio.Event()

    async def hang(_request: object) -> None:
        await forever.wait()

    runtime.script("book", hang)
    saga = Saga(runtime=runtime, deadline=timedelta(seconds=5))
    if is_held:
        saga.hold()
    before = asyncio.all_tasks()
    walking = two_steps(saga)
    walking.send(None)
    await asyncio.sleep(0)
    await asyncio.to_thread(walking.close)  # where no event loop runs
    left = asyncio.all_tasks() - before
    assert runtime.calls == ([] if is_held else ["book"])
    for task in left:
        task.cancel()
