"""A saga for any Temporal workflow: steps with an undo each, and a way back that no cancellation can interrupt.

    async with Saga() as saga:
        flight = await saga.step(book_flight, trip, undo=cancel_flight)
        room = await saga.step(book_room, trip, undo=cancel_room, undo_with=lambda room: room or trip)

When a step fails for good, the workflow is cancelled or the deadline passes, every step that was begun is undone, the
last one first; then the workflow ends as it would have without the saga, failed or cancelled.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeVar, overload

from temporalio import activity

from flowforge.durable.owner import SagaOwner
from flowforge.durable.placement import ActivityRef
from flowforge.durable.policies import Policies, Policy
from flowforge.durable.runtime import Runtime
from flowforge.durable.scope import SagaScope
from flowforge.durable.undo import RegisteredUndo

A = TypeVar("A")
R = TypeVar("R")


class Saga(SagaScope):
    """A saga whose steps are regular activities, on this task queue or another, in any language.

    An undo is registered before its step begins, so a step that died before it answered is undone too: an undo must
    bear that there is nothing to undo. It gets the step's own input, or what `undo_with` makes of the step's result
    (None where there is none). Undos run in reverse, once all steps in flight have settled; they are tried without
    limit of time, and one that fails for good does not stop the others: the run then stays open until `retry` or
    `write_off` is called for it, from a signal or update handler.

    Steps may run side by side (`asyncio.gather`, `asyncio.TaskGroup`), and every step must be awaited inside the block.
    Sagas may be nested or follow one another, each a new object; to run whole sagas side by side use a TaskGroup, which
    waits for the other ones when one fails. Only use it in workflow code.

    Args:
        deadline: how long the way forward may take; the saga then unwinds and the workflow fails with `step_timeout`.
            Use it in place of Temporal's run and execution timeouts, which end a run without its undo.
        policies: how steps and undos are tried; by default without limit of count.
        owner: whoever wants to be told of the saga's progress.
        runtime: the surroundings; Temporal's by default.

    Raises:
        ActivityError: from `step`, when its activity failed for good (a non-retryable error).
    """

    def __init__(
        self,
        *,
        deadline: timedelta | None = None,
        policies: Policies | None = None,
        owner: SagaOwner | None = None,
        runtime: Runtime | None = None,
    ) -> None:
        super().__init__(deadline=deadline, policies=policies, owner=owner, runtime=runtime)

    @overload
    async def step(
        self,
        do: Callable[[A], Awaitable[R]] | Callable[[Any, A], Awaitable[R]],
        request: A,
        *,
        undo: ActivityRef | None = None,
        undo_with: Callable[[R | None], Any] | None = None,
        name: str | None = None,
        policy: Policy | None = None,
        task_queue: str | None = None,
    ) -> R: ...

    @overload
    async def step(
        self,
        do: Callable[[A], R] | Callable[[Any, A], R],
        request: A,
        *,
        undo: ActivityRef | None = None,
        undo_with: Callable[[R | None], Any] | None = None,
        name: str | None = None,
        policy: Policy | None = None,
        task_queue: str | None = None,
    ) -> R: ...

    @overload
    async def step(
        self,
        do: str,
        request: Any,
        *,
        undo: ActivityRef | None = None,
        undo_with: Callable[[Any], Any] | None = None,
        name: str | None = None,
        policy: Policy | None = None,
        task_queue: str | None = None,
    ) -> Any: ...

    async def step(
        self,
        do: ActivityRef,
        request: Any,
        *,
        undo: ActivityRef | None = None,
        undo_with: Callable[[Any], Any] | None = None,
        name: str | None = None,
        policy: Policy | None = None,
        task_queue: str | None = None,
    ) -> Any:
        """Run an activity as the next step.

        Args:
            do: the activity.
            request: its input.
            undo: the activity that undoes it; None where there is nothing to undo.
            undo_with: makes the undo's input from the step's result, or from None when the step died before it
                answered; without it the undo gets `request`. Where it raises, its undo counts as failed for good.
            name: the step's name for people; the activity's by default.
            policy: how this step is tried, when not as the saga's policies say.
            task_queue: where its worker listens, and its undo's; the workflow's own by default.

        Returns:
            The activity's result.

        Raises:
            ActivityError: the activity failed for good, or was cancelled.
            asyncio.CancelledError: the workflow was cancelled, or the deadline passed.
        """
        step_name = name or _name_of(do)

        async def forward() -> Any:
            # The undo is registered here, not sooner: a step that was kept waiting and never began has none.
            registered = None
            if undo is not None:

                async def perform(begun: RegisteredUndo) -> Any:
                    back = undo_with(begun.result) if undo_with else request
                    return await self._runtime.run_unfenced(
                        undo, back, policy=self._policies.undo, summary=_name_of(undo), task_queue=task_queue
                    )

                registered = self._undos.register(_name_of(undo), perform)
            answer = await self._runtime.run_unfenced(
                do, request, policy=policy or self._policies.forward, summary=step_name, task_queue=task_queue
            )
            if registered is not None:
                registered.result = answer
            return answer

        return await self._track(step_name, forward())


def _name_of(ref: ActivityRef) -> str:
    if isinstance(ref, str):
        return ref
    definition = activity._Definition.from_callable(ref)  # noqa: SLF001  the SDK has no public way to ask
    if definition is None or definition.name is None:
        raise TypeError(f"{ref!r} is not an activity: it lacks @activity.defn")
    return definition.name
