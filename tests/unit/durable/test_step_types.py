"""A step has its activity's types: mypy reads this file, and the test only keeps it running."""

from typing import Any, assert_type

from temporalio import activity

from flowforge.durable.saga import Saga
from tests.unit.durable.loop_runtime import LoopRuntime


@activity.defn
async def count(name: str) -> int:
    return len(name)


@activity.defn
def count_in_a_thread(name: str) -> int:
    return len(name)


class Counter:
    """Counts."""

    @activity.defn(name="count")
    async def count(self, name: str) -> int:
        return len(name)

    @activity.defn(name="count_in_a_thread")
    def count_in_a_thread(self, name: str) -> int:
        return len(name)


def miscounted(number: int | None) -> int:
    return number or 0


async def test_every_kind_of_activity_is_a_step_with_its_own_result_type() -> None:
    async with Saga(runtime=LoopRuntime()) as saga:
        assert_type(await saga.step(count, "a", undo=count, undo_with=miscounted), int)
        assert_type(await saga.step(count_in_a_thread, "a"), int)
        assert_type(await saga.step(Counter.count, "a", undo_with=miscounted), int)
        assert_type(await saga.step(Counter.count_in_a_thread, "a"), int)
        assert_type(await saga.step(Counter().count, "a"), int)
        assert_type(await saga.step("count", "a"), Any)
        await saga.step(count, 1)  # type: ignore[arg-type]
        await saga.step(Counter.count, 1)  # type: ignore[arg-type]
