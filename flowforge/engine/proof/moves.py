"""Everything that may happen next in a run: answers to what it asked, and what comes from outside."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, NamedTuple

from flowforge.engine.core.bindings import Bindings, data_for
from flowforge.engine.core.commands import Decide, Run, StartTimer, Undo
from flowforge.engine.core.events import (
    Begin,
    CancelRequested,
    Compensate,
    DeadlinePassed,
    Decided,
    Event,
    EventArrived,
    ItemList,
    PauseRequested,
    Resumed,
    TimerFired,
)
from flowforge.engine.core.interpreter import advance
from flowforge.engine.core.keys import Key
from flowforge.engine.core.plan import Plan
from flowforge.engine.core.state import State
from flowforge.engine.core.table import Table
from flowforge.engine.core.views import outstanding
from flowforge.engine.proof import happenings as told
from flowforge.engine.proof.answers import action_answers, error_of, undo_answers
from flowforge.engine.proof.effects import StepEffect
from flowforge.engine.proof.happenings import Happening, of_run, of_step
from flowforge.engine.proof.knowledge import Knowledge
from flowforge.engine.proof.world import UNDER_WAY, World

ITEMS: Final = 2
"""How many items a `forEach` has in a search, unless its input says that there are fewer."""

VISITS: Final = 2
"""How often a search comes to one step."""

_TOO_OFTEN: Final = "too_many_visits"


class Node(NamedTuple):
    """A run at one moment, the world beside it, and how many faults may still come."""

    state: State
    world: World
    faults: int


class Move(NamedTuple):
    """Something that may happen, and what is then."""

    happening: Happening
    node: Node


class Moves:
    """Finds what may happen next.

    Attributes:
        cut: how many moves would have come to a step more often than a search does; they are left out.
    """

    def __init__(self, plan: Plan, effects: Mapping[str, StepEffect], knowledge: Knowledge) -> None:
        self._plan = plan
        self._effects = effects
        self._knowledge = knowledge
        self._bindings = Bindings(plan)
        self.cut = 0

    def begin(self, faults: int) -> Node:
        """Return a run that has just begun."""
        state, _ = advance(self._plan, State(), Begin())
        return Node(state, World(), faults)

    def of(self, node: Node) -> list[Move]:
        """Return everything that may happen next; questions are answered before anything else happens."""
        commands = outstanding(self._plan, node.state)
        question = next((command for command in commands if isinstance(command, Decide)), None)
        if question is not None:
            return list(self._decisions(node, question))
        found: list[Move] = []
        if node.state.phase == "stopping":
            commands = commands[:1]  # nothing comes of one before all have ended: one order stands for all
        for command in commands:
            match command:
                case Run(key):
                    found += self._action(node, key)
                case Undo(key):
                    found += self._undo(node, key)
                case StartTimer(key):
                    found += self._move(node, of_step(key, told.TIME), TimerFired(key))
        for key, effect in node.world.effects:
            if effect in UNDER_WAY:
                happening = Happening(f"{told.UNDO if effect == 'undoing' else ''}{key}", told.COMES_LATE)
                found.append(Move(happening, node._replace(world=node.world.committed(key))))
        return [*found, *self._from_outside(node)]

    def is_stuck(self, node: Node) -> bool:
        """Tell whether nothing would ever happen again unless somebody sends an event."""
        state = node.state
        if state.phase != "forward" or state.paused or self._plan.definition.timeout is not None:
            return False
        return not outstanding(self._plan, state)

    def _action(self, node: Node, key: Key) -> Iterator[Move]:
        step = self._plan.steps[key.step].definition
        cancelling = node.state.tasks[key].stage == "cancelling"
        result = self._knowledge.results.get(key.step)
        for answer in action_answers(key, step, self._effects[key.step], node.world, result, cancelling=cancelling):
            yield from self._move(node, *answer)

    def _undo(self, node: Node, key: Key) -> Iterator[Move]:
        entry = next(entry for entry in node.state.undos if entry.key == key)
        for answer in undo_answers(key, self._effects[key.step], node.world, answered=entry.answered):
            yield from self._move(node, *answer)

    def _from_outside(self, node: Node) -> Iterator[Move]:
        state = node.state
        for key, task in state.tasks.items():
            if task.stage == "suspended" and task.wait is not None and task.wait.event is not None:
                yield from self._move(node, of_step(key, told.EVENT), EventArrived(task.wait.event))
        if state.phase == "held":
            yield from self._move(node, of_run(told.COMPENSATES), Compensate())
        if state.phase != "forward":
            return
        if state.paused:
            yield from self._move(node, of_run(told.RESUMES), Resumed())
        else:
            yield from self._move(node, of_run(told.PAUSES), PauseRequested(), None, 1)
        yield from self._move(node, of_run(told.IS_CANCELLED), CancelRequested(), None, 1)
        if self._plan.definition.timeout is not None and not state.paused:
            is_last_way = not outstanding(self._plan, state)
            yield from self._move(node, of_run(told.DEADLINE), DeadlinePassed(), None, 0 if is_last_way else 1)

    def _decisions(self, node: Node, command: Decide) -> Iterator[Move]:
        for happening, event, faults in self._answers(node.state, command):
            yield from self._move(node, happening, event, None, faults)

    def _answers(self, state: State, command: Decide) -> Iterator[tuple[Happening, Event, int]]:
        key, question = command.key, command.question
        if key is None:
            yield of_run(told.SUCCEEDS), Decided(key=None, question=question), 0
            return
        step = self._plan.steps[key.step].definition
        if self._knowledge.tells(step, question):
            decided = self._bindings.decide(command, data_for(self._plan, state, self._knowledge.given or {}, key))
            if question == "items" and isinstance(decided.answer, ItemList):
                count = min(decided.answer.count, ITEMS)
                decided = Decided(key=key, question=question, answer=_items(count))
            yield of_step(key, self._said(step.id, decided)), decided, 0
        elif question == "condition":
            for holds, what in ((True, told.HOLDS), (False, told.HOLDS_NOT)):
                yield of_step(key, what), Decided(key=key, question=question, answer=holds), 0
        elif question == "items":
            yield of_step(key, f"{told.ITEMS}{ITEMS}"), Decided(key=key, question=question, answer=_items(ITEMS)), 0
        else:
            ways = step.transitions if isinstance(step.transitions, tuple) else ()
            for index, way in enumerate(ways):
                yield of_step(key, f"{told.WAY}{way.to}"), Decided(key=key, question=question, answer=index), 0
                if way.condition is None:
                    return
            yield of_step(key, told.NO_WAY), Decided(key=key, question=question), 1  # a mistake, not a way

    def _said(self, step: str, decided: Decided) -> str:
        if decided.error is not None:
            return told.FAILS
        if isinstance(decided.answer, ItemList):
            return f"{told.ITEMS}{decided.answer.count}"
        if decided.question == "condition":
            return told.HOLDS if decided.answer else told.HOLDS_NOT
        ways = self._plan.steps[step].definition.transitions
        found = decided.answer is not None and isinstance(ways, tuple)
        return f"{told.WAY}{ways[decided.answer].to}" if found and isinstance(ways, tuple) else told.NO_WAY

    def _move(
        self, node: Node, happening: Happening, event: Event | None, world: World | None = None, faults: int = 0
    ) -> Iterator[Move]:
        if faults > node.faults:
            return
        state = node.state if event is None else advance(self._plan, node.state, event)[0]
        world = node.world if world is None else world
        if state.failure is not None and state.failure.error.code == _TOO_OFTEN:
            self.cut += 1
            return
        if state.phase != "forward":
            state, world = self._essence(state, world)
        yield Move(happening, Node(state, world, node.faults - faults))

    def _essence(self, state: State, world: World) -> tuple[State, World]:
        """Leave out what cannot matter any more once a run turns back, so that more states are equal."""
        if state.phase in {"new", "held", "completed"} or state.failure is None:
            return state, world
        busy = {key.step for key in state.tasks}
        undos = tuple(
            replace(entry, result=None, answered=entry.answered and self._effects[entry.key.step].undo_needs_result)
            for entry in state.undos
        )
        steps = Table({step: known for step, known in state.steps.items() if step in busy})
        failure = replace(state.failure, error=error_of(state.failure.kind), step=None)
        bare = replace(state, steps=steps, undos=undos, failure=failure, values=Table(), mail=(), paused=False)
        return bare, replace(world, kept=frozenset())


def _items(count: int) -> Any:
    return ItemList(count=count, value=[None] * count)
