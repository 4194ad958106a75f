"""Workflows that use the saga of the library as its users would, for the tests on a real Temporal."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.exceptions import ApplicationError

from flowforge.durable.policies import Policies, Policy
from flowforge.durable.saga import Saga

QUICK = Policies(
    forward=Policy(initial_interval=timedelta(milliseconds=10), heartbeat_timeout=timedelta(seconds=1)),
    undo=Policy(initial_interval=timedelta(milliseconds=10)),
)


@dataclass
class Plan:
    """What a run shall do.

    Attributes:
        steps: names of its steps; one that begins with `refuse` refuses, with `hang` waits for its cancellation,
            with `stubborn` waits for it and then answers all the same.
        then: how the run ends after its steps: `end`, `continue_as_new`, `sleep`, `cancel_itself`, `time_out` or
            `raise_declared` (an exception that the workflow declares to be a failure).
    """

    steps: list[str]
    then: str = "end"
    deadline_s: float | None = None


class Shop:
    """Activities that keep a list of what they did."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.hanging = asyncio.Event()
        self.acted = asyncio.Event()

    @activity.defn
    async def act(self, name: str) -> str:
        if name.startswith("refuse"):
            raise ApplicationError(name, type="refused", non_retryable=True)
        if name.startswith(("hang", "stubborn")):
            self.hanging.set()
            try:
                while True:
                    activity.heartbeat()
                    await asyncio.sleep(0.05)
            except asyncio.CancelledError:
                self.log.append(f"{name} was cancelled")
                if name.startswith("hang"):
                    raise
        self.log.append(name)
        if name == "b":
            self.acted.set()
        return name

    @activity.defn
    async def unact(self, name: str) -> None:
        self.log.append(f"undo {name}")


@workflow.defn(sandboxed=False, failure_exception_types=[LookupError])
class Library:
    """Runs a plan."""

    def __init__(self) -> None:
        self.saga = Saga()

    @workflow.run
    async def run(self, plan: Plan) -> list[str]:
        deadline = timedelta(seconds=plan.deadline_s) if plan.deadline_s is not None else None
        async with Saga(deadline=deadline, policies=QUICK) as saga:
            self.saga = saga
            for name in plan.steps:
                await saga.step(Shop.act, name, undo=Shop.unact, name=name)
            match plan.then:
                case "continue_as_new":
                    workflow.continue_as_new(Plan(["last"]))
                case "sleep":
                    await workflow.sleep(timedelta(hours=1))
                case "time_out":
                    await workflow.wait_condition(lambda: False, timeout=0.05)
                case "raise_declared":
                    raise LookupError("a failure of this workflow's own")
                case "cancel_itself":
                    task = asyncio.current_task()
                    assert task is not None
                    task.cancel()
                    await workflow.sleep(timedelta(hours=1))
        return list(saga.completed)

    @workflow.query
    def completed(self) -> list[str]:
        return list(self.saga.completed)
