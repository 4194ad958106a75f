"""Starts what a run asks for: its steps and undos, each as the work that brings it about."""

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from temporalio import workflow

from flowforge.engine.asking import Near
from flowforge.engine.calls import Call, Calls, trial_of
from flowforge.engine.children import Children
from flowforge.engine.contracts import RunRequest
from flowforge.engine.core.events import Event, UndoSettled
from flowforge.engine.core.keys import Key
from flowforge.engine.core.plan import CHILD, Plan
from flowforge.engine.core.state import State
from flowforge.engine.core.step_bindings import BindingError
from flowforge.engine.definition.step import Step
from flowforge.engine.flight import Flight
from flowforge.engine.keeping import Keeping
from flowforge.engine.labels import called
from flowforge.engine.performing import WAITS, begin_wait, begin_wait_with, not_called, perform, perform_undo
from flowforge.engine.sizes import MAX_CALL_BYTES
from flowforge.engine.story import Story
from flowforge.engine.tries import forward_tries, undo_tries

_A_MOMENT: Final = timedelta(milliseconds=1)


class Starter:
    """Starts the steps and undos of one run.

    Args:
        request: the accepted run.
        plan: what it walks.
        calls: makes what its actions are asked.
        keeping: what it keeps elsewhere.
        story: told how often something was tried.
        children: the runs that it starts.
        flight: what is in flight.
        tell: told of what ends at once.
    """

    def __init__(
        self,
        request: RunRequest,
        plan: Plan,
        *,
        calls: Calls,
        keeping: Keeping,
        story: Story,
        children: Children,
        flight: Flight,
        tell: Callable[[Event], None],
    ) -> None:
        self._request = request
        self._plan = plan
        self._calls = calls
        self._keeping = keeping
        self._story = story
        self._children = children
        self._flight = flight
        self._tell = tell
        self._task_bytes = 0

    async def begin(self, key: Key, state: State, *, has_deadline: bool) -> None:
        """Start a step's unit of work; `has_deadline` says whether the run's time ends."""
        step = self._plan.steps[key.step].definition
        try:
            call = self._calls.forward(key, state)
        except BindingError as failed:
            self._tell(not_called(key, failed.error))
            return
        if step.action in WAITS and step.task_queue is None:
            if call.request.unfilled is None:
                self._tell(begin_wait(step, key, call.request.params))
            else:
                self._flight.begin(key, begin_wait_with(step, key, call, self._keeping))
            return
        await self._make_room(call)
        if _is_child(step):
            self._flight.begin(key, self._children.run(key, call))
            return
        options = self._request.options
        trial = trial_of(forward_tries(step, options, has_deadline=has_deadline), options)
        near = self._near(step, key)
        self._flight.begin(key, perform(step, key, call, trial, near=near, story=self._story, keeping=self._keeping))

    async def undo(self, key: Key, state: State) -> None:
        """Start the undo of a step's unit of work."""
        step, options = self._plan.steps[key.step].definition, self._request.options
        try:
            # A run that was started is undone as it was begun, where its step has no compensation of its own.
            makes = self._calls.forward if step.compensation is None else self._calls.undo
            call = makes(key, state)
        except BindingError as failed:
            self._tell(UndoSettled(key=key, status="failed", error=failed.error))
            return
        await self._make_room(call)
        if step.compensation is None:
            work = self._children.undo(key, call)
        else:
            trial, near = trial_of(undo_tries(step, options), options), self._near(step, key)
            work = perform_undo(step, key, call, trial, near=near, keeping=self._keeping)
        patience = timedelta(seconds=options.undo_patience_s)
        self._flight.undo(key, work, patience if len(state.undos) > 1 else None, called(step, key))

    async def end_task(self) -> None:
        """Have what comes now be part of another workflow task."""
        await workflow.sleep(_A_MOMENT, summary="go on in another task")
        self._task_bytes = 0

    def _near(self, step: Step, key: Key) -> Near | None:
        """Say how a step, or its undo, is tried inside the workflow task; None where it is not."""
        request, options = self._request, self._request.options
        # Of a later visit nobody could know that it had begun.
        has_fence = step.id in request.local_effects and key.visit == 1
        may = (step.id in request.effect_free and step.task_queue is None) or has_fence
        if not may or options.placement == "queue":
            return None
        return Near(timeout=timedelta(seconds=options.local_timeout_s), is_only=options.placement == "local")

    async def _make_room(self, call: Call) -> None:
        """Keep what one workflow task sends small: Temporal takes no more than 4 MB at once."""
        if self._task_bytes and self._task_bytes + call.size > MAX_CALL_BYTES:
            await self.end_task()
        self._task_bytes += call.size


def _is_child(step: Step) -> bool:
    return step.action == CHILD and step.task_queue is None
