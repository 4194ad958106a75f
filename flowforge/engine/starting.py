"""Starts what a run asks for: its steps and undos, each as the work that brings it about."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final

from temporalio import workflow

from flowforge.engine.asking import Near
from flowforge.engine.beginning import Beginning
from flowforge.engine.calls import Call, Calls, Trial, trial_of
from flowforge.engine.children import Children
from flowforge.engine.clock import Clock
from flowforge.engine.contracts import RunRequest
from flowforge.engine.core.commands import Command, Run
from flowforge.engine.core.events import Event, UndoSettled
from flowforge.engine.core.keys import Key
from flowforge.engine.core.plan import CHILD, Plan
from flowforge.engine.core.state import State
from flowforge.engine.core.step_bindings import BindingError
from flowforge.engine.definition.step import Step
from flowforge.engine.flight import Flight
from flowforge.engine.keeping import Keeping
from flowforge.engine.labels import called
from flowforge.engine.noting import CurrentTask
from flowforge.engine.performing import WAITS, begin_wait, begin_wait_with, not_called, perform, perform_undo
from flowforge.engine.saving import RunSaved, SaveRun
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
        clock: measures the run's time.
        task: signs what is written.
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
        clock: Clock,
        task: CurrentTask,
    ) -> None:
        self._request = request
        self._plan = plan
        self._calls = calls
        self._keeping = keeping
        self._story = story
        self._children = children
        self._flight = flight
        self._tell = tell
        self._clock = clock
        self._task = task
        self._task_bytes = 0
        self._begun: Beginning | None = None

    @property
    def has_begun(self) -> bool:
        """Whether the step that comes of this turn was begun with its save."""
        return self._begun is not None

    async def save_with(
        self, change: SaveRun, commands: Sequence[Command], state: State, has_news: Callable[[], bool]
    ) -> RunSaved | None:
        """Begin the only step that comes of a turn with the turn's save; return the row after that.

        An attempt that may be cut short by a slow save is not begun so unless the next one does not count it.

        Returns:
            None where the turn has to be saved by itself: the step may not be begun so, or there is no answer yet.
        """
        match commands:
            case [Run(key)] if self._request.options.joins_saves and not has_news():
                step = self._plan.steps[key.step].definition
            case _:
                return None
        near = self._near(step, key)
        if near is None or near.is_only or self._trial(step).attempt_timeout <= near.timeout or not _is_called(step):
            return None
        try:
            call = self._calls.forward(key, state)
        except BindingError:
            return None  # told where it is begun
        if not self._has_room(call):
            return None
        self._begun = Beginning(call, self._task.sign(change), timeout=near.timeout, summary=called(step, key))
        self._clock.follow(state)
        return await self._begun.saved(has_news)

    def call_off(self) -> None:
        """Take note that the run was called off; of the step that was begun with the turn nothing more is begun."""
        if self._begun is not None:
            self._begun.call_off()

    async def stop(self) -> None:
        """Stop the step that was begun with the turn: the run is over."""
        if self._begun is not None:
            await self._begun.end()

    async def begin(self, key: Key, state: State) -> None:
        """Start a step's unit of work."""
        step = self._plan.steps[key.step].definition
        begun, self._begun = self._begun, None
        try:
            call = self._calls.forward(key, state) if begun is None else begun.call
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
        trial, near = self._trial(step), self._near(step, key)
        work = perform(step, key, call, trial, near=near, begun=begun, story=self._story, keeping=self._keeping)
        self._flight.begin(key, work)

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

    def _trial(self, step: Step) -> Trial:
        options = self._request.options
        return trial_of(forward_tries(step, options, has_deadline=self._clock.has_end), options)

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
        if not self._has_room(call):
            await self.end_task()
        self._task_bytes += call.size

    def _has_room(self, call: Call) -> bool:
        return not self._task_bytes or self._task_bytes + call.size <= MAX_CALL_BYTES


def _is_called(step: Step) -> bool:
    return step.task_queue is not None or step.action not in {*WAITS, CHILD}


def _is_child(step: Step) -> bool:
    return step.action == CHILD and step.task_queue is None
