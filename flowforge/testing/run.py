"""One run in virtual time: carries out what the interpreter asks for, with mocks in the place of actions."""

from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from flowforge.engine.actions.contract import ActionAnswer, ActionCall
from flowforge.engine.actions.declaration import ActionContext
from flowforge.engine.contracts import RunOptions
from flowforge.engine.core.bindings import Bindings, data_for, undo_data_for
from flowforge.engine.core.commands import Cancel, Command, Decide, Finish, Run, StartTimer, StopTimer, Undo
from flowforge.engine.core.events import (
    Begin,
    DeadlinePassed,
    Event,
    EventArrived,
    Overruled,
    Settled,
    Suspended,
    TimerFired,
    UndoDelayed,
    UndoSettled,
)
from flowforge.engine.core.interpreter import advance
from flowforge.engine.core.keys import Key
from flowforge.engine.core.outcomes import Outcome
from flowforge.engine.core.plan import CHILD, Plan
from flowforge.engine.core.state import State
from flowforge.engine.core.step_bindings import BindingError
from flowforge.engine.core.views import RunStatus, run_status
from flowforge.engine.core.waits import wait_of
from flowforge.engine.data_checks import check_data
from flowforge.engine.definition.model import Definition
from flowforge.engine.definition.step import Step
from flowforge.engine.idempotency import forward_key, undo_key
from flowforge.engine.proof.effects import effects_of
from flowforge.engine.tries import forward_tries, undo_tries
from flowforge.engine.validation.catalogue import NoCatalogue
from flowforge.testing.attempts import Attempts, End
from flowforge.testing.children import Children
from flowforge.testing.mocks import UNDO, Answered, Mocks
from flowforge.testing.timeline import Timeline
from flowforge.testing.waiting import as_wait, in_time

_WAITS = frozenset({"delay", "wait"})


class PlayedRun:
    """A run.

    Args:
        definition: what it runs.
        given: its input.
        name: its id; idempotency keys are made of it.
        timeline: virtual time.
        mocks: what stands in for actions.
        children: begins the runs of other definitions.
        options: how its actions are tried.

    Attributes:
        state: where it is.
        called: the units of work whose actions were called, in order; an undo under `undo ` and its name.
        started: the units of work whose actions were started, in order.
        undone: those whose undo was started, in order.
        attempts: how many attempts each took; of an undo under `undo ` and its name.
    """

    def __init__(
        self,
        definition: Definition,
        given: Mapping[str, Any],
        *,
        name: str,
        timeline: Timeline,
        mocks: Mocks,
        children: Children,
        options: RunOptions,
    ) -> None:
        self.plan = _plan(definition)
        self.given = dict(given)
        self.name = name
        self.state = State()
        self.called: list[str] = []
        self.started: list[str] = []
        self.undone: list[str] = []
        self.attempts: dict[str, int] = {}
        self.on_end: Callable[[], None] | None = None
        self._bindings = Bindings(self.plan)
        self._timeline = timeline
        self._mocks = mocks
        self._children = children
        self._options = options
        self._inbox: deque[Event] = deque()
        self._is_busy = False
        self._running: dict[Key, Attempts] = {}
        self._timers: dict[Key, int] = {}
        self._left = definition.timeout
        self._deadline: tuple[int, datetime] | None = None

    @property
    def status(self) -> RunStatus:
        """What the run is called."""
        return run_status(self.state)

    @property
    def context(self) -> dict[str, Any]:
        """The input's keys, and results by step id and output key."""
        return data_for(self.plan, self.state, self.given)

    @property
    def waits_for_event(self) -> bool:
        """Whether something waits for an event, or the run for an operator."""
        waits = (task.wait for task in self.state.tasks.values() if task.stage == "suspended")
        return self.state.paused or self.state.phase == "held" or any(wait and wait.event for wait in waits)

    def begin(self) -> None:
        """Start."""
        self.tell(Begin())

    def signal(self, event: str, data: Any = None) -> None:
        """Send an event.

        Raises:
            InputRefused: its data are not as whoever waits for it asks.
        """
        for task in self.state.tasks.values():
            if task.wait is not None and task.wait.event == event and task.wait.schema is not None:
                check_data(task.wait.schema, data)
        self.tell(EventArrived(event, data))

    def tell(self, event: Event) -> None:
        """Tell the run of something that happened, and do what it asks for."""
        self._inbox.append(event)
        if self._is_busy:
            return
        self._is_busy = True
        try:
            while self._inbox:
                was_over = self.state.is_over
                self.state, commands = advance(self.plan, self.state, self._inbox.popleft())
                self._follow_clock()
                for command in commands:
                    self._carry_out(command)
                if self.state.is_over and not was_over and self.on_end is not None:
                    self.on_end()
        finally:
            self._is_busy = False

    def take_back(self) -> None:
        """Undo a run that had completed, because its parent is undone."""
        self.tell(Overruled("its parent is undone"))

    def _carry_out(self, command: Command) -> None:
        match command:
            case Decide(key=key):
                self.tell(self._bindings.decide(command, data_for(self.plan, self.state, self.given, key)))
            case Run(key):
                self._begin(key)
            case Undo(key):
                self._begin_undo(key)
            case Cancel(key) if key in self._running:
                self._running[key].stop()
            case Cancel(key):
                self._children.cancel(self.name, key)
            case StartTimer():
                self._start_timer(command)
            case StopTimer(key):
                self._timeline.drop(self._timers[key])
            case Finish():
                pass

    def _start_timer(self, command: StartTimer) -> None:
        key = command.key
        wait = self.state.tasks[key].wait
        patient = wait is not None and wait.event is not None
        self._timers[key] = self._timeline.after(command.length, lambda: self.tell(TimerFired(key)), patient=patient)

    def _begin(self, key: Key) -> None:
        step = self.plan.steps[key.step].definition
        data = data_for(self.plan, self.state, self.given, key)
        self.started.append(str(key))
        try:
            params = self._bindings.params(key, data)
            if step.action in _WAITS and not self._mocks.has(step):
                now = self._timeline.now
                self.tell(Suspended(key, in_time(wait_of(params, now=now), step, now, now)))
                self.called.append(str(key))
                return
        except BindingError as failed:
            self.tell(Settled(key, Outcome(kind="failed", error=failed.error, began=False)))
            return
        if step.action == CHILD and not self._mocks.has(step):
            self._children.begin(self.name, key, params, lambda outcome: self.tell(Settled(key, outcome)))
            return
        call = self._call(key, step.action, params, data, undo=False)
        began = self._timeline.now
        tries = forward_tries(step, self._options, has_deadline=self.plan.definition.timeout is not None)

        def ended(end: End) -> None:
            attempts = self._running.pop(key)
            self.attempts[str(key)] = self.attempts.get(str(key), 0) + attempts.count
            self.tell(self._end_of(key, step, end, began))

        self._running[key] = Attempts(self._timeline, tries, lambda count: self._attempt(step, call, count), ended)
        self._running[key].begin()

    def _end_of(self, key: Key, step: Step, end: End, began: datetime) -> Event:
        if isinstance(end, Outcome):
            return Settled(key, end)
        if end.wait is not None:
            return Suspended(key, in_time(as_wait(end.wait), step, began, self._timeline.now))
        return Settled(key, Outcome(kind="succeeded", result=end.result))

    def _begin_undo(self, key: Key) -> None:
        step = self.plan.steps[key.step].definition
        self.undone.append(str(key))
        if step.compensation is None and not self._mocks.has(step):
            self._children.undo(self.name, key, lambda status: self.tell(UndoSettled(key=key, status=status)))
            return
        data = undo_data_for(self.plan, self.state, self.given, key, forward_key(self.name, self.state.generation, key))
        try:
            params = self._bindings.undo_params(key, data)
        except BindingError as failed:
            self.tell(UndoSettled(key=key, status="failed", error=failed.error))
            return
        action = step.action if step.compensation is None else step.compensation.action
        call = self._call(key, action, params, data, undo=True)

        def ended(end: End) -> None:
            name = f"{UNDO}{key}"
            self.attempts[name] = self.attempts.get(name, 0) + attempts.count
            self._timeline.drop(delayed)
            if isinstance(end, ActionAnswer):
                self.tell(UndoSettled(key=key, status="not_needed" if end.not_needed else "done"))
            else:
                self.tell(UndoSettled(key=key, status="failed", error=end.error))

        tries = undo_tries(step, self._options)
        attempts = Attempts(self._timeline, tries, lambda count: self._attempt(step, call, count), ended)
        attempts.begin()
        patience = timedelta(seconds=self._options.undo_patience_s)
        delayed = self._timeline.after(patience, lambda: self.tell(UndoDelayed(key)), patient=True)

    def _attempt(self, step: Step, call: ActionCall, count: int) -> Answered:
        if count == 1:
            self.called.append(f"{UNDO if call.undo else ''}{Key(call.step_id, call.visit, call.item)}")
        context = ActionContext(call=call, attempt=count, scheduled_at=self._timeline.now)
        return self._mocks.call(step, call.params, context)

    def _call(self, key: Key, action: str, params: Any, data: Mapping[str, Any], *, undo: bool) -> ActionCall:
        return ActionCall(
            execution_id=self.name,
            workflow_id=self.plan.definition.id,
            revision=1,
            generation=self.state.generation,
            step_id=key.step,
            visit=key.visit,
            item=key.item,
            action=action,
            params=params,
            context=data,
            key=(undo_key if undo else forward_key)(self.name, self.state.generation, key),
            undo=undo,
        )

    def _follow_clock(self) -> None:
        """Let the run's own time pass while it goes forward, and stand still while it is paused or held."""
        runs = self.state.phase == "forward" and not self.state.paused
        if self._left is None or runs == (self._deadline is not None):
            return
        if self._deadline is None:
            number = self._timeline.after(self._left, lambda: self.tell(DeadlinePassed()), patient=True)
            self._deadline = (number, self._timeline.now)
            return
        number, since = self._deadline
        self._timeline.drop(number)
        self._left -= self._timeline.now - since
        self._deadline = None


def _plan(definition: Definition) -> Plan:
    """Return a definition's plan; of actions that nobody knows the worst is believed."""
    effects = effects_of(Plan.of(definition), NoCatalogue())
    return Plan.of(definition, effect_free=[step for step, effect in effects.items() if not effect.has_effect])
