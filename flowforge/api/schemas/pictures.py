"""Definitions and runs over HTTP as they are drawn."""

from collections.abc import Mapping

from typing_extensions import TypedDict

from flowforge.api.schemas.executions import length_ms, summary_view
from flowforge.engine.core.views import RunStatus, StepView
from flowforge.engine.definition.model import Definition
from flowforge.engine.diagram import dependencies
from flowforge.engine.store.records import RunRecord, StepRecord


class PictureStep(TypedDict):
    """A step in a picture."""

    id: str
    name: str
    status: StepView
    attempts: int
    duration: int | None
    dependencies: list[str]


class Picture(TypedDict):
    """A definition, or a run of it, to be drawn."""

    executionId: str | None
    workflowName: str
    status: RunStatus | None
    duration: int | None
    steps: list[PictureStep]


def picture_of_definition(definition: Definition) -> Picture:
    """Return a definition to be drawn."""
    return {
        "executionId": None,
        "workflowName": definition.title,
        "status": None,
        "duration": None,
        "steps": _picture_steps(definition, {}),
    }


def picture_of_run(definition: Definition, run: RunRecord) -> Picture:
    """Return a run to be drawn."""
    return {
        "executionId": run.execution_id,
        "workflowName": definition.title,
        "status": run.status,
        "duration": summary_view(run)["duration"],
        "steps": _picture_steps(definition, {step.step_id: step for step in run.steps}),
    }


def _picture_steps(definition: Definition, known: Mapping[str, StepRecord]) -> list[PictureStep]:
    before = dependencies(definition)
    found: list[PictureStep] = []
    for step in definition.steps:
        record = known.get(step.id)
        found.append(
            {
                "id": step.id,
                "name": step.name or step.id,
                "status": "pending" if record is None else record.view,
                "attempts": 0 if record is None else record.attempts,
                "duration": None if record is None else length_ms(record.started_at, record.ended_at),
                "dependencies": before[step.id],
            }
        )
    return found
