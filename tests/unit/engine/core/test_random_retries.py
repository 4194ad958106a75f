"""Thousands of random runs that are begun again and again: nothing that is kept is ever done twice, nothing is left.

The world is told naively: every action that was started has its effect, or perhaps has it, under its key; whoever
does something again under the same key does it once.
"""

import random
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowforge.engine.core.commands import Run, Undo
from flowforge.engine.core.events import Begin, Event, Retry, Settled, UndoSettled
from flowforge.engine.core.interpreter import advance
from flowforge.engine.core.keys import Key
from flowforge.engine.core.plan import Plan
from flowforge.engine.core.retrying import goes_on, obstacles, starts_over
from flowforge.engine.core.state import State, StepState
from flowforge.engine.definition.model import Definition
from tests.unit.engine.core.graphs import Fate, random_definition
from tests.unit.engine.core.test_random_runs import _many

_PATIENCE = 3_000
_MOST_RETRIES = 4

Deed = tuple[int, Key]
"""A unit of work of one generation: what an idempotency key stands for."""


class World:
    """What actions have done.

    Attributes:
        done: the deeds that are certain, and not undone.
        perhaps: those of which it is not known.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.done: set[Deed] = set()
        self.perhaps: set[Deed] = set()

    def hear(self, state: State, event: Event) -> None:
        """Take note of what has happened."""
        match event:
            case Settled(key, outcome) if key in state.tasks and state.tasks[key].stage in {"running", "cancelling"}:
                deed = (state.generation, key)
                if outcome.kind == "succeeded":
                    self.done.add(deed)
                if outcome.kind == "refused" or not outcome.began:
                    self.perhaps.discard(deed)
            case UndoSettled(key=key, status="done") if key in state.tasks:
                self.done.discard((state.generation, key))
                self.perhaps.discard((state.generation, key))

    def see(self, generation: int, command: Run | Undo) -> None:
        """Assert that a deed does not repeat another one of its run."""
        if isinstance(command, Undo):
            return
        deed = (generation, command.key)
        assert deed not in self.done, f"{deed} was done before"
        self.perhaps.add(deed)
        if self._plan.definition.is_state_machine or not self._plan.steps[command.key.step].has_effect:
            return  # a loop comes to a step as often as it likes
        same = [key for told, key in self.done if told == generation and _unit(key) == _unit(command.key)]
        assert not same, f"{command.key} repeats {same}"

    @property
    def left(self) -> set[Deed]:
        """What is done, or perhaps is, of what could be undone."""
        return {deed for deed in self.done | self.perhaps if self._plan.steps[deed[1].step].has_undo}


def _unit(key: Key) -> tuple[str, int | None]:
    return key.step, key.item


@given(st.integers(0, 2**48))
@_many
def test_run_that_is_retried_repeats_nothing_it_keeps_and_leaves_nothing_when_it_is_undone(seed: int) -> None:
    chance = random.Random(seed)
    definition = random_definition(chance)
    free = [step.id for step in definition.steps if step.action == "condition" or chance.random() < 0.3]
    plan = Plan.of(definition, effect_free=free, max_in_flight=chance.randint(1, 5), max_visits=6)
    fate, world, state = Fate(chance, trouble=chance.choice([0.05, 0.3, 0.6])), World(plan), State()
    retries: Counter[str] = Counter()
    event: Event = Begin()
    for _ in range(_PATIENCE):
        world.hear(state, event)
        before, (state, commands) = state, advance(plan, state, event)
        if isinstance(event, Retry):
            _check_retry(plan, before, state, event)
            retries.update(["asked"] if state is not before else [])
        fate.hear(commands)
        for command in commands:
            if isinstance(command, Run | Undo):
                world.see(state.generation, command)
        if state.phase in {"compensated", "cancelled"} and state.undos and not _was_given_up(state):
            assert {deed for deed in world.left if deed[0] == state.generation} == set()
        if state.phase == "completed" or (state.is_over and retries["asked"] >= _MOST_RETRIES):
            return
        event = _retry(chance, plan) if state.is_over or chance.random() < 0.05 else fate.next_event()
        if state.is_over:
            fate = Fate(chance, trouble=fate.trouble)
            if obstacles(plan, state, event if isinstance(event, Retry) else Retry()):
                event = Retry()
    pytest.fail("no end")


def _retry(chance: random.Random, plan: Plan) -> Retry:
    step = chance.choice([None, None, *plan.steps, "nobody"])
    return Retry(step=step, values={"edited": chance.random()})


def _check_retry(plan: Plan, before: State, after: State, event: Retry) -> None:
    """Assert that a retry does all of what is asked for, or nothing."""
    if obstacles(plan, before, event):
        assert after == before
    elif starts_over(before):
        assert after.generation == before.generation + 1
        assert event.values.items() <= after.values.items()
    else:
        assert goes_on(before)
        assert (after.generation, after.failure is None or after.phase != "forward") == (before.generation, True)
        done = {name for name, known in before.steps.items() if known.status == "succeeded" and _has_acted(known)}
        for name in (name for name in done if plan.steps[name].has_effect):
            assert replace(after.steps[name], way="") == replace(before.steps[name], way="")


def _has_acted(step: StepState) -> bool:
    return step.items is None or step.items.count > 0


def _was_given_up(state: State) -> bool:
    return any(entry.status == "written_off" for entry in state.undos)


def test_the_world_notices_what_is_done_twice() -> None:
    definition = Definition.model_validate({"id": "d", "steps": [{"id": "a", "action": "do"}]})
    world = World(Plan.of(definition))
    world.done.add((1, Key("a", 1)))
    with pytest.raises(AssertionError, match="repeats"):
        world.see(1, Run(Key("a", 2)))
    world.see(2, Run(Key("a", 1)))
