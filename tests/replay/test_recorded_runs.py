"""Runs of definitions that earlier code ran are replayed by this code, as they would be if they were open meanwhile."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, get_args
from unittest.mock import patch

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHistory

from flowforge.engine import driver
from flowforge.engine.actions.contract import ACT
from flowforge.engine.contracts import CANCEL_RUN, PREPARE_CHILD
from flowforge.engine.core.commands import Command
from flowforge.engine.core.events import Event, Settled, UndoSettled
from flowforge.engine.core.interpreter import advance
from flowforge.engine.core.outcomes import OutcomeKind
from flowforge.engine.core.plan import Plan
from flowforge.engine.core.state import State
from flowforge.engine.elsewhere import DECIDE, FILL, KEEP
from flowforge.engine.saving import BEGIN, SAVE
from flowforge.engine.workflow import RunWorkflow
from tests.replay import run_file
from tests.replay.run_record import cases
from tests.replay.run_ways import WAYS
from tests.workflow.engine.stage import REPLAYER

HISTORIES: Final = {version: run_file.read(version) for version in run_file.versions()}
_NAMES: Final = [(version, name) for version, histories in HISTORIES.items() for name in histories]


@dataclass
class Seen:
    """What happened to recorded runs, and what came of replaying them.

    Attributes:
        things: the names of all that the shell was told and asked for.
        failures: by version and name, why it does not replay.
    """

    things: set[str] = field(default_factory=set)
    failures: dict[tuple[str, str], str] = field(default_factory=dict)

    def advance(self, plan: Plan, state: State, event: Event) -> tuple[State, tuple[Command, ...]]:
        """Decide as the interpreter does, and note what."""
        self.things.add(type(event).__name__)
        if isinstance(event, Settled):
            self.things.add(f"step {event.outcome.kind}")
        if isinstance(event, UndoSettled):
            self.things.add(f"undo {event.status}")
        state, commands = advance(plan, state, event)
        self.things |= {type(command).__name__ for command in commands}
        return state, commands


@pytest.fixture(scope="module")
async def seen() -> Seen:
    """All recorded runs, replayed."""
    found = Seen()
    with patch.object(driver, "advance", found.advance):
        for version, name in _NAMES:
            histories = [
                WorkflowHistory.from_json(history["workflowId"], json.dumps(history))
                for history in HISTORIES[version][name]
            ]
            for history in histories:
                result = await REPLAYER.replay_workflow(history, raise_on_replay_failure=False)
                if result.replay_failure is not None:
                    found.failures[version, name] = str(result.replay_failure)
                found.things |= set(_told(history))
    return found


def _told(history: WorkflowHistory) -> Iterator[str]:
    """Return what a history alone tells: activities and where they ran, updates, and how it ended."""
    for event in history.events:
        yield EventType.Name(event.event_type).removeprefix("EVENT_TYPE_")
        if event.HasField("marker_recorded_event_attributes"):
            (data,) = event.marker_recorded_event_attributes.details["data"].payloads
            yield f"{json.loads(data.data)['activity_type']} in the workflow task"
        if event.HasField("activity_task_scheduled_event_attributes"):
            yield f"{event.activity_task_scheduled_event_attributes.activity_type.name} through the queue"
        if event.HasField("workflow_execution_update_accepted_event_attributes"):
            yield event.workflow_execution_update_accepted_event_attributes.accepted_request.input.name


@pytest.mark.parametrize(("version", "name"), _NAMES, ids=[" ".join(each) for each in _NAMES])
def test_recorded_run_replays(seen: Seen, version: str, name: str) -> None:
    """Where it does not, see "Change workflow code" in CONTRIBUTING.md; do not record it again."""
    assert seen.failures.get((version, name)) is None


@pytest.mark.parametrize("name", [*WAYS, *cases(fenced=False), *cases(fenced=True)])
def test_every_way_and_every_case_has_a_recorded_run(name: str) -> None:
    """Where it has none, record this version's: see `tests/replay/record.py`."""
    assert any(name in histories for histories in HISTORIES.values())


@pytest.mark.parametrize(
    "thing",
    [
        *(each.__name__ for each in (*get_args(Event), *get_args(Command))),
        *(f"step {kind}" for kind in get_args(OutcomeKind)),
        *(f"undo {status}" for status in ("done", "not_needed", "failed")),
        *(f"{name} in the workflow task" for name in (ACT, SAVE, BEGIN, DECIDE, KEEP, FILL, PREPARE_CHILD, CANCEL_RUN)),
        f"{ACT} through the queue",
        *(name for name, each in vars(RunWorkflow).items() if hasattr(each, "validator")),
        *(f"CHILD_WORKFLOW_EXECUTION_{end}" for end in ("COMPLETED", "FAILED", "CANCELED")),
        *(f"WORKFLOW_EXECUTION_{end}" for end in ("COMPLETED", "FAILED", "CANCELED", "CONTINUED_AS_NEW")),
        "UPSERT_WORKFLOW_SEARCH_ATTRIBUTES",
    ],
)
def test_recorded_runs_meet_all_that_the_shell_is_told_and_does(seen: Seen, thing: str) -> None:
    """What is new to the interpreter or its shell needs a case, or a way in `run_ways.py`, and its recorded run."""
    assert thing in seen.things
