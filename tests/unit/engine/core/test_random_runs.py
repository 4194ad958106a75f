"""Thousands of random runs, each held against what must be true of every one.

`FLOWFORGE_RANDOM_RUNS=20000` runs as many; the ordinary tests run some hundreds.
"""

import json
import os
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowforge.engine.core.codec import dump, load
from flowforge.engine.core.commands import Command, Decide, Run, StartTimer
from flowforge.engine.core.events import Begin, Decided, Event, Settled, TimerFired
from flowforge.engine.core.interpreter import advance
from flowforge.engine.core.keys import Key
from flowforge.engine.core.outcomes import Outcome
from flowforge.engine.core.plan import Plan
from flowforge.engine.core.state import State
from flowforge.engine.core.views import outstanding, progress, run_status, step_view
from flowforge.engine.definition.model import Definition
from flowforge.engine.placing import local_effects
from tests.unit.engine.core.graphs import ERROR, Fate, random_definition
from tests.unit.engine.core.reference import Entry, check_history, expected_end

RUNS = int(os.environ.get("FLOWFORGE_RANDOM_RUNS", "400"))
_PATIENCE = 3_000
"""Events after which a run is called endless; the longest seen has some hundreds."""

_SAMPLE = 0.1
"""How many of the states are written out and compared; it takes longer than all else."""


class AllFenced:
    """Every action has a ledger; a wait that ends elsewhere than it should is not looked for."""

    def has_effect(self, name: str, params: Any) -> bool:
        return True

    def in_ledger(self, name: str) -> bool:
        return True

    def may_wait(self, name: str) -> bool:
        return False


_many = settings(max_examples=RUNS, deadline=None)
_seeds = st.integers(0, 2**48)


@given(_seeds)
@_many
def test_random_run_always_ends_and_is_whole(seed: int) -> None:
    chance = random.Random(seed)
    definition = random_definition(chance)
    unseen = local_effects(definition, AllFenced()) if chance.random() < 0.5 else ()
    plan = Plan.of(definition, unseen=unseen, max_in_flight=chance.randint(1, 5), max_visits=4)
    fate = Fate(chance, trouble=chance.choice([0.0, 0.05, 0.3, 0.6]))
    state = State()
    event: Event = Begin()
    history: list[tuple[Entry, State]] = []
    for _ in range(_PATIENCE):
        history.append((event, state))
        before = dump(state) if chance.random() < _SAMPLE else None
        following, commands = advance(plan, state, event)
        if before is not None:
            assert dump(state) == before, "a state was changed"
            _check_copy(following)
        state = following
        fate.hear(commands)
        history.extend((command, state) for command in commands)
        _check_state(plan, state)
        if state.is_over:
            break
        event = fate.next_event()
    else:
        pytest.fail(f"no end: {dump(state)}")
    check_history(definition, history, unseen=unseen)


@given(_seeds)
@_many
def test_random_graph_that_no_step_fails_ends_as_the_reference_says_whatever_the_order(seed: int) -> None:
    chance = random.Random(seed)
    definition = _random_graph(chance)
    outcomes = {
        step.id: {
            "condition": chance.random() < 0.6,
            "succeeds": step.on_error not in {"continue", "branch"} or chance.random() < 0.5,
            "result": chance.choice([True, False]),
        }
        for step in definition.steps
    }
    ends = [_walk(definition, outcomes, random.Random(seed + order)) for order in range(3)]
    expected = expected_end(definition, outcomes)
    for state in ends:
        assert state.phase == "completed"
        assert {step: found.status for step, found in state.steps.items()} == expected


def _random_graph(chance: random.Random) -> Definition:
    """Return a graph without items: of those the reference knows nothing."""
    while True:
        definition = random_definition(chance)
        if not definition.is_state_machine:
            steps = tuple(step.model_copy(update={"for_each": None}) for step in definition.steps)
            return definition.model_copy(update={"steps": steps, "failure_policy": "compensate"})


def _walk(definition: Definition, outcomes: dict[str, dict[str, Any]], chance: random.Random) -> State:
    plan = Plan.of(definition, max_in_flight=chance.randint(1, 9))
    state, commands = advance(plan, State(), Begin())
    waiting = list(commands)
    while not state.is_over:
        command = waiting.pop(chance.randrange(len(waiting)))
        state, commands = advance(plan, state, _answer(command, outcomes))
        waiting.extend(commands)
    return state


def _answer(command: Command, outcomes: dict[str, dict[str, Any]]) -> Event:
    match command:
        case Decide(None, question):
            return Decided(key=None, question=question)
        case Decide(key=Key() as key, question=question):
            return Decided(key=key, question=question, answer=outcomes[key.step]["condition"])
        case StartTimer(key):
            return TimerFired(key)
        case Run(key) if outcomes[key.step]["succeeds"]:
            return Settled(key, Outcome(kind="succeeded", result=outcomes[key.step]["result"]))
        case Run(key):
            return Settled(key, Outcome(kind="failed", error=ERROR))
    raise AssertionError(command)


def _check_copy(state: State) -> None:
    copy = load(json.loads(json.dumps(dump(state))))
    assert copy == state
    assert hash(copy) == hash(state)


def _check_state(plan: Plan, state: State) -> None:
    run_status(state)
    progress(plan, state)
    for step in plan.steps:
        step_view(state, step)
    assert len(outstanding(plan, state)) <= len(state.tasks)
    if state.is_over:
        assert not state.tasks
        assert not state.backlog
        assert all(step.status != "active" for step in state.steps.values())
