"""Drives the interpreter inside a workflow: tells it what happened, writes what it decided, and carries that out.

Turn by turn: everything that has happened is told to the interpreter, what it has changed is written to the run's row,
and only then is what it asks for begun. So readers never lag behind effects, and unwinding begins by taking the row.
"""

from dataclasses import asdict, replace
from datetime import datetime
from typing import Final

from temporalio import workflow

from flowforge.engine.calls import Calls
from flowforge.engine.children import Children
from flowforge.engine.clock import Clock, time_left
from flowforge.engine.contracts import Carried, RetryRun, RunRequest
from flowforge.engine.core.bindings import Bindings
from flowforge.engine.core.codec import dump, load
from flowforge.engine.core.commands import Cancel, Command, Decide, Run, StartTimer, StopTimer, Undo
from flowforge.engine.core.events import (
    Abandoned,
    Begin,
    CancelRequested,
    DeadlinePassed,
    Event,
    Overruled,
    Retry,
    Settled,
)
from flowforge.engine.core.interpreter import advance
from flowforge.engine.core.keys import Key
from flowforge.engine.core.outcomes import Outcome
from flowforge.engine.core.plan import Plan
from flowforge.engine.core.retrying import goes_on, under_all_names
from flowforge.engine.core.state import RUN, State
from flowforge.engine.core.stored import read, split, write
from flowforge.engine.core.views import RunStatus, outstanding, run_status
from flowforge.engine.flight import Flight
from flowforge.engine.inbox import Inbox
from flowforge.engine.keeping import Keeping
from flowforge.engine.labels import called, tell_status
from flowforge.engine.leaving import arrives, arrives_with, is_long
from flowforge.engine.memory import Memory
from flowforge.engine.noting import CurrentTask, save_turn
from flowforge.engine.packing import pack, unpack
from flowforge.engine.saving import RunSaved
from flowforge.engine.starting import Starter
from flowforge.engine.story import Story
from flowforge.engine.telling import details


class Driver:
    """One run on its way.

    Args:
        request: the accepted run.
        plan: what it walks.
        bindings: what the plan's expressions and templates come to.

    Attributes:
        state: where it is.
        keeping: what it keeps elsewhere.
        wish: what was asked for when it last began again.
        pending: a retry that it was told of and has not taken in yet.
    """

    def __init__(self, request: RunRequest, plan: Plan, bindings: Bindings) -> None:
        self.state = State()
        self.plan: Final = plan
        self._resumed: list[Command] = []
        self.wish = request.wish
        self.pending: RetryRun | None = None
        self._request = request
        self._calls = Calls(request, plan, bindings)
        self.keeping: Final = Keeping(request, plan, bindings, self._calls.burden)
        self._story = Story(request, plan, Memory(plan, bindings))
        self._settle_s = 0.0
        self._task = CurrentTask()
        self._clock = Clock(time_left(request, plan), lambda: self.tell(DeadlinePassed()))
        self._inbox = Inbox(self.keeping)
        self._flight = Flight(self.tell)
        self._held_back: set[Key] = set()
        self._stays = False
        self._wakes: dict[Key, datetime] = {}
        self._children = Children(request, self.keeping)
        self._starter = Starter(
            request,
            plan,
            calls=self._calls,
            keeping=self.keeping,
            story=self._story,
            children=self._children,
            flight=self._flight,
            tell=self.tell,
            clock=self._clock,
            task=self._task,
        )
        if request.carried is None:
            self.tell(Begin())
        else:
            self._go_on(request.carried)

    def tell(self, event: Event) -> None:
        """Tell the run of something that happened; it is taken in with its next turn."""
        self._inbox.tell(event)

    async def told(self, event: Event, key: str | None = None) -> None:
        """Tell the run of something, once under each key, and wait until it has taken it in."""
        if self._inbox.is_new(key):
            self.tell(event)
        await self._inbox.until_taken()

    async def retried(self, retry: RetryRun) -> None:
        """Have a held run go on; with another revision it does so in another run of Temporal's."""
        if self.pending is not None:
            return
        self.pending = retry
        values = {name: await self.keeping.carried(value) for name, value in retry.values.items()}
        here, stored = split(values)
        self.pending = replace(retry, values=here, stored=stored)
        if retry.definition is None:
            self._retry(self.pending)
            await self._inbox.until_taken()
            self.pending = None

    def _retry(self, retry: RetryRun) -> None:
        self.wish = retry.wish
        values = under_all_names(self.plan, retry.given)
        self._story.edited(values, retry.wish)
        self.tell(Retry(step=retry.step, values=values))

    async def run(self) -> RunStatus | Carried:
        """Walk to the end; return what it is, which is what the row says, or with what to go on in another run."""
        await self._carry_out(self._resumed)
        while True:
            await workflow.wait_condition(self._has_news)
            if self._flight.bug is not None:
                raise self._flight.bug
            commands = self._take_in()
            if self.state.is_over and not workflow.all_handlers_finished():
                await workflow.wait_condition(lambda: self._has_news() or workflow.all_handlers_finished())
                if self._has_news():
                    continue
            end = await self._write(commands)
            if end is not None:
                return end
            if self._settle_s:  # the row is taken; what was in flight hears of it by its next heartbeat
                await workflow.sleep(self._settle_s, summary="let what was in flight settle")
                self._settle_s = 0.0
            await self._carry_out(commands)
            if self._held_back and (carried := await self._leave()) is not None:
                return carried
            if self._moves and (carried := await self._move()) is not None:
                return carried

    def carried(self) -> Carried:
        """Return all that a run takes along."""
        left = self._clock.left()
        return Carried(
            state=pack(dump(self.state, value=write)),
            story=pack(self._story.carried()),
            wakes=tuple((*key, wake.isoformat()) for key, wake in self._wakes.items() if key in self.state.tasks),
            children=tuple((*key, asdict(carried)) for key, carried in self._children.completed.items()),
            time_left_s=None if left is None else left.total_seconds(),
            heard=self._inbox.heard,
        )

    def _go_on(self, carried: Carried) -> None:
        self.state = load(unpack(carried.state), value=read)
        self._calls.burden.take_over(self.state)
        self._story.go_on(unpack(carried.story), self.state)
        self._inbox.go_on(carried.heard)
        self._wakes = {Key(*wake[:3]): datetime.fromisoformat(wake[3]) for wake in carried.wakes}
        self._children.completed = {Key(*child[:3]): Carried(**child[3]) for child in carried.children}
        for command in outstanding(self.plan, self.state):
            if isinstance(command, StartTimer) and command.key in self._wakes:
                self._resumed.append(StartTimer(command.key, self._wakes[command.key] - workflow.now()))
            else:
                self._resumed.append(command)
        if self._request.overruled:
            self.tell(Overruled(self._request.overruled))
        if carried.recalled is not None:
            self._settle_s = carried.recalled.settle_s
            self.tell(Abandoned(cancelled=carried.recalled.cancel_reason))
        if self._request.retry is not None:
            self._retry(self._request.retry)

    def _is_leaving(self) -> bool:
        """Tell whether nothing more is begun here: what comes now belongs to the next run's history."""
        return not self._stays and is_long(self._request.options)

    async def _leave(self) -> Carried | None:
        """Return with what to go on in another run, once nothing is in flight here any more."""
        if not self._flight.is_empty or self._has_news():
            return None
        await workflow.wait_condition(workflow.all_handlers_finished)
        if self._has_news():
            return None
        carried = self.carried()
        if arrives(carried, self._request):
            return carried
        self._stays = True  # it would not arrive, and the run would be ended without undo
        held, self._held_back = self._held_back, set()
        commands = outstanding(self.plan, self.state)
        await self._carry_out([each for each in commands if isinstance(each, Run | Undo) and each.key in held])
        return None

    @property
    def _moves(self) -> bool:
        return self.pending is not None and self.pending.definition is not None

    async def _move(self) -> Carried | None:
        """Return with what to go on in another run, with another revision, unless the run is held no more."""
        await workflow.wait_condition(workflow.all_handlers_finished)
        if self._inbox or self.pending is None:
            return None
        carried = self.carried()
        if self.state.phase == "held" and arrives_with(self.pending, carried, self._request):
            return carried
        self.pending = None
        return None

    def _has_news(self) -> bool:
        return bool(self._inbox or self._flight.bug is not None or self._moves)

    def _take_in(self) -> list[Command]:
        commands: list[Command] = []
        for found in self._inbox.turn():
            if isinstance(found, Decide):
                commands.append(found)
                continue
            self.state, asked = advance(self.plan, self.state, found)
            commands.extend(self._inbox.ask(asked, self.state))
        return commands

    async def _write(self, commands: list[Command]) -> RunStatus | None:
        """Write what the turn has changed; return the end of the run, if it is over."""
        for command in commands:
            if isinstance(command, StartTimer):
                self._wakes[command.key] = workflow.now() + command.length
        saved = await self._save(commands)
        workflow.set_current_details(details(self._request, self.plan, self.state))
        self._clock.follow(self.state)
        if saved is not None and saved.is_over:
            await self._starter.stop()
            tell_status(saved.status)
            return saved.status
        if self.state.is_over:
            if saved is None or saved.cancel_reason is None:
                raise RuntimeError("the row does not take the end of its run")
            self._story.overruled(saved.status)
            self.tell(Overruled(saved.cancel_reason))
            return None
        tell_status(run_status(self.state), (self._wakes[key] for key in self.state.tasks if key in self._wakes))
        if saved is not None and saved.cancel_reason is not None and self.state.failure is None:
            self.tell(CancelRequested(reason=saved.cancel_reason))
            self._starter.call_off()
        return None

    async def _save(self, commands: list[Command]) -> RunSaved | None:
        change = self._story.turn(self.state, now=workflow.now(), wakes=self._wakes)
        if change is None:
            if self._has_news():  # far too much happened at once: give this task an end
                await self._starter.end_task()
            return None
        if not self._is_leaving():
            saved = await self._starter.save_with(change, commands, self.state, self._has_news)
            if saved is not None:
                return saved
        # What was put together from a row is not enough to go on with after the end.
        knows = self.state.is_over and not self._request.abandoned
        rest = self.carried() if knows and goes_on(self.state) else None
        return await save_turn(change, self._request, self._task, rest=rest)

    async def _carry_out(self, commands: list[Command]) -> None:
        for command in commands:
            match command:
                case Run(key) | Undo(key) if self._is_leaving() and not self._starter.has_begun:
                    self._held_back.add(key)
                case Cancel(key) if key in self._held_back:
                    self._held_back.remove(key)
                    self.tell(Settled(key, Outcome(kind="cancelled", began=False)))
                case Run(key):
                    await self._starter.begin(key, self.state)
                case Undo(key):
                    await self._starter.undo(key, self.state)
                case Decide(key):
                    self._flight.decide(key or RUN, self.keeping.decide(command, self.state))
                case Cancel(key):
                    self._flight.cancel(key)
                case StartTimer(key, length):
                    self._flight.start_timer(key, length, called(self.plan.steps[key.step].definition, key))
                case StopTimer(key):
                    self._flight.stop_timer(key)
