"""Steps whose action is somebody else's, on a queue of its own: called by name, undone there, and read with care."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from temporalio import activity
from temporalio.api.common.v1 import Payload
from temporalio.client import Client
from temporalio.common import RawValue
from temporalio.worker import Worker

from tests.workflow.engine.stage import Stage
from tests.workflow.engine.test_runs import refuse


@dataclass
class Theirs:
    """A worker that knows nothing of FlowForge.

    Attributes:
        queue: where it listens.
        done: what it was asked for.
        answer: what `odd` answers, as bytes that call themselves JSON.
        freezes: how often `freeze` was called; the first time it falls silent.
    """

    queue: str
    done: list[tuple[str, Any]] = field(default_factory=list)
    answer: bytes = b"null"
    freezes: int = 0

    @activity.defn(name="book")
    async def book(self, params: dict[str, Any]) -> dict[str, Any]:
        self.done.append(("book", params))
        return {"booking": params["room"]}

    @activity.defn(name="cancel-booking")
    async def cancel(self, params: dict[str, Any]) -> None:
        self.done.append(("cancel", params))

    @activity.defn(name="odd")
    async def odd(self, _params: Any) -> RawValue:
        return RawValue(Payload(metadata={"encoding": b"json/plain"}, data=self.answer))

    @activity.defn(name="freeze")
    async def freeze(self, _params: Any) -> str:
        activity.heartbeat()
        self.freezes += 1
        if self.freezes == 1:
            await asyncio.Event().wait()  # and never beats again
        return "awake"


@pytest.fixture
async def theirs(client: Client) -> AsyncIterator[Theirs]:
    """That worker."""
    theirs = Theirs(f"theirs-{uuid.uuid4()}")
    activities: list[Callable[..., Any]] = [theirs.book, theirs.cancel, theirs.odd, theirs.freeze]
    async with Worker(client, task_queue=theirs.queue, activities=activities):
        yield theirs


async def test_action_and_undo_of_another_queue_are_activities_of_their_names(stage: Stage, theirs: Theirs) -> None:
    stage.actions.plays["b"] = refuse
    undo = {"action": "cancel-booking", "params": {"booking": "${undo.result.booking}", "key": "${undo.key}"}}
    book = {"id": "a", "action": "book", "taskQueue": theirs.queue, "params": {"room": "${room}"}, "compensation": undo}
    record = await stage.play({"steps": [book, {"id": "b", "action": "do", "dependsOn": ["a"]}]}, input={"room": 7})
    assert record.status == "compensated"
    assert record.steps[0].result == {"booking": 7}
    key = f"{record.execution_id}:1:a:1"
    assert theirs.done == [("book", {"room": 7}), ("cancel", {"booking": 7, "key": key})]


@pytest.mark.parametrize("answer", [b'"\\ud800"', b"{", b"\xff"], ids=["half a pair", "half an object", "no UTF-8"])
async def test_answer_that_is_no_json_fails_the_step_and_not_the_workflow(
    stage: Stage, theirs: Theirs, answer: bytes
) -> None:
    theirs.answer = answer
    record = await stage.play({"steps": [{"id": "a", "action": "odd", "taskQueue": theirs.queue, "params": {}}]})
    assert record.failure is not None
    assert (record.status, record.failure["code"]) == ("failed", "result_not_json")


async def test_worker_that_falls_silent_is_taken_for_dead_long_before_the_time_is_over(
    stage: Stage, theirs: Theirs
) -> None:
    step = {"id": "a", "action": "freeze", "taskQueue": theirs.queue, "timeout": "1h", "heartbeatTimeout": "500ms"}
    record = await stage.play({"steps": [step], "output": "${a}"})
    assert (record.status, record.output, theirs.freezes) == ("completed", "awake", 2)
