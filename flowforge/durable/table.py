"""A fenced saga: a table of steps whose services keep a ledger, so that any of them may be delivered at any time.

Because every undo leaves a tombstone where it finds nothing, all undos of the table are registered before the first
step, and unwinding runs them all: it depends on no memory of which steps had begun. That memory is what a worker's
death takes away while steps run locally (see `placement`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from temporalio.exceptions import FailureError

from flowforge.durable.failures import is_cancellation, message_of
from flowforge.durable.fence import StepCall, UndoStep, WriteOffStep, WrittenOff
from flowforge.durable.owner import SagaOwner
from flowforge.durable.placement import ActivityRef, Placement
from flowforge.durable.policies import Policies, Policy
from flowforge.durable.runtime import Runtime
from flowforge.durable.scope import SagaScope
from flowforge.durable.undo import RegisteredUndo

_PATIENCE_WITH_AN_UNDO: Final = timedelta(seconds=5)
"""After this long the next undo begins beside it: fenced services bear their undos in any order."""


@dataclass(frozen=True, slots=True)
class Undo:
    """How a step is undone.

    Attributes:
        name: the undo's name for people.
        do: its activity, which takes an `UndoStep`.
        write_off: the activity that records that an operator gave it up, which takes a `WriteOffStep`; None where
            nothing has to be recorded.
    """

    name: str
    do: ActivityRef
    write_off: ActivityRef | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """A row of a saga's table.

    Attributes:
        name: the step's name for people.
        do: its activity, whose input carries a `StepCall`.
        request: makes that input from the call and whatever the saga's owner passes to `FencedSaga.step`.
        undo: how it is undone; None where it has no effect.
        when: tells of what the saga is about whether it takes this step; None for always.
        attempts: after so many it is given up and the saga goes on, since nothing hangs on it; None where all does.
    """

    name: str
    do: ActivityRef
    request: Callable[..., Any]
    undo: Undo | None = None
    when: Callable[..., bool] | None = None
    attempts: int | None = None


class FencedSaga(SagaScope):
    """Walks a table of fenced steps.

    Args:
        table: the steps; every undo in it is registered at once.
        saga_id: first part of every ledger key; unique for ever.
        opening: what the saga was started with, as JSON: the first step carries it, for the owner's row.
        placement: where steps run first.
        fail_at: name of a fault that was asked for, passed on with every step.
        labels: passed on with every step and undo, for the log lines.
        deadline: how long the way forward may take.
        policies: how steps and undos are tried.
        owner: whoever keeps account of the saga.
        runtime: the surroundings; Temporal's by default.

    Attributes:
        given_up: the steps that were given up, with why.
    """

    def __init__(
        self,
        *,
        table: Sequence[Step],
        saga_id: str,
        opening: Mapping[str, Any] | None = None,
        placement: Placement = "auto",
        fail_at: str | None = None,
        labels: Mapping[str, str] | None = None,
        deadline: timedelta | None = None,
        policies: Policies | None = None,
        owner: SagaOwner | None = None,
        runtime: Runtime | None = None,
    ) -> None:
        super().__init__(
            deadline=deadline, policies=policies, owner=owner, runtime=runtime, patience=_PATIENCE_WITH_AN_UNDO
        )
        self._saga_id = saga_id
        self._opening = opening
        self._placement = placement
        self._fail_at = fail_at
        self._labels = labels or {}
        self.given_up: dict[str, str] = {}
        for step in table:
            if step.undo is not None:
                self._register(step, step.undo)

    async def step(self, step: Step, *facts: Any) -> Any:
        """Run the next step of the table.

        Args:
            step: the step.
            facts: what its `request` takes after the call.

        Returns:
            Its activity's result; None where the step was given up.

        Raises:
            ApplicationError, ActivityError: it refused, failed for good, or was cancelled.
            asyncio.CancelledError: the workflow was cancelled, or the deadline passed.
        """
        if step.attempts is None:
            return await self._forward(step, self._policies.forward, facts)
        # What nothing hangs on must not make the saga late either.
        self._forget_deadline()
        try:
            return await self._forward(step, replace(self._policies.forward, attempts=step.attempts), facts)
        except FailureError as error:
            if is_cancellation(error):
                raise
            self.given_up[step.name] = message_of(error)
            self._owner.changed()
            return None

    async def _forward(self, step: Step, policy: Policy, facts: Sequence[Any]) -> Any:
        completed = tuple(self.completed)

        def request(attempt: int) -> Any:
            call = StepCall(
                saga_id=self._saga_id,
                step=step.name,
                attempt=attempt,
                completed=completed,
                opening=None if completed else self._opening,
                fail_at=self._fail_at,
                labels=self._labels,
            )
            return step.request(call, *facts)

        return await self._track(
            step.name,
            self._runtime.run_fenced(step.do, request, placement=self._placement, policy=policy, summary=step.name),
        )

    async def note(self, do: ActivityRef, request: Any, *, name: str) -> Any:
        """Run an idempotent activity of the saga's owner, which is no step: placed like one, tried like an undo."""
        return await self._runtime.run_fenced(
            do, lambda _attempt: request, placement=self._placement, policy=self._policies.undo, summary=name
        )

    def _register(self, step: Step, undo: Undo) -> None:
        async def perform(registered: RegisteredUndo) -> Any:
            def request(attempt: int) -> UndoStep:
                return UndoStep(call=self._back(step, undo, before + attempt))

            before = registered.view.attempts
            return await self._runtime.run_fenced(
                undo.do, request, placement=self._placement, policy=self._policies.undo, summary=undo.name
            )

        write_off = undo.write_off
        if write_off is None:
            self._undos.register(undo.name, perform)
            return

        async def give_up(registered: RegisteredUndo, by: str, reason: str) -> WrittenOff:
            def request(attempt: int) -> WriteOffStep:
                return WriteOffStep(call=self._back(step, undo, before + attempt), by=by, reason=reason)

            before = registered.view.attempts
            answer: WrittenOff = await self._runtime.run_fenced(
                write_off,
                request,
                placement=self._placement,
                policy=self._policies.undo,
                summary=f"write off {undo.name}",
            )
            return answer

        self._undos.register(undo.name, perform, give_up)

    def _back(self, step: Step, undo: Undo, attempt: int) -> StepCall:
        return StepCall(saga_id=self._saga_id, step=step.name, undo=undo.name, attempt=attempt, labels=self._labels)
