"""docs/engine.md names every field, every status and every control that there is, and the limits as they are."""

import re
from pathlib import Path
from typing import get_args

import pytest

from flowforge.api.routers import execution_again, execution_control
from flowforge.engine.contracts import MAX_DEPTH as MAX_CHILDREN
from flowforge.engine.core.plan import MAX_IN_FLIGHT, MAX_VISITS
from flowforge.engine.core.step_bindings import MAX_ITEMS
from flowforge.engine.core.views import RunStatus, StepView
from flowforge.engine.definition.document import MAX_BYTES, MAX_DEPTH
from flowforge.engine.definition.model import Definition
from flowforge.engine.definition.step import Compensation, RetryPolicy, Step
from flowforge.engine.expressions import evaluation, expression, stream
from flowforge.engine.sizes import MAX_CALL_BYTES, MAX_FETCHED_BYTES, MAX_MAIL, MAX_RESULT_BYTES
from flowforge.engine.validation.identities import MAX_STEPS

_GUIDE = (Path(__file__).parents[3] / "docs" / "engine.md").read_text()
_KIB, _MIB = 1024, 1024 * 1024


def section(title: str) -> str:
    return _GUIDE.partition(f"\n### {title}\n")[2].partition("\n### ")[0]


def named(text: str) -> set[str]:
    return set(re.findall(r"[A-Za-z_/{}-]+", " ".join(re.findall(r"`([^`]+)`", text))))


@pytest.mark.parametrize(
    ("title", "model"),
    [("A definition", Definition), ("A step", Step), ("A step", RetryPolicy), ("A step", Compensation)],
)
def test_every_field_is_named(title: str, model: type[Definition | Step | RetryPolicy | Compensation]) -> None:
    fields = {field.alias or name for name, field in model.model_fields.items()}
    assert fields - named(section(title)) == set()


def test_every_status_is_explained() -> None:
    told = section("What a run is called")
    rows = re.findall(r"^\| `(\w+)` \|", told, re.MULTILINE)
    assert sorted(rows) == sorted(get_args(RunStatus))
    assert set(get_args(StepView)) <= named(told)


def test_every_control_is_explained() -> None:
    routers = (execution_control.router, execution_again.router)
    routes = {str(getattr(route, "path", "")) for router in routers for route in router.routes}
    controls = {path.removeprefix("/executions/{execution}/") for path in routes}
    rows = re.findall(r"^\| `([a-z/{}-]+)` \|", section("What can be done to a run"), re.MULTILINE)
    assert sorted(rows) == sorted(controls)


@pytest.mark.parametrize(
    ("what", "limit"),
    [
        ("a definition", f"{MAX_BYTES // _MIB} MiB, {MAX_STEPS} steps, nested {MAX_DEPTH} deep"),
        (
            "an expression",
            f"{expression.MAX_BYTES // _KIB} KiB, {stream.MAX_DEPTH} deep, {evaluation.MAX_STEPS:,} steps",
        ),
        ("actions of one run in flight, and undos", f"{MAX_IN_FLIGHT}"),
        ("visits of one step in a loop", f"{MAX_VISITS:,}"),
        ("items of a `forEach`", f"{MAX_ITEMS:,}"),
        ("events that nobody waits for yet", f"{MAX_MAIL:,}; one more is refused"),
        ("child runs inside each other", f"{MAX_CHILDREN}"),
        ("a run's input", f"{MAX_RESULT_BYTES // _KIB} KiB"),
        ("what a child run that completed leaves to be undone with", f"{MAX_CALL_BYTES // _MIB} MiB; "),
        ("a result, what comes with an event", f"{MAX_RESULT_BYTES // _KIB} KiB; "),
        (
            "what one call's params fill in",
            f"{MAX_FETCHED_BYTES // _MIB} MiB; to a `taskQueue` of one's own {MAX_CALL_BYTES // _MIB} MiB",
        ),
    ],
)
def test_limits_are_as_they_are_told(what: str, limit: str) -> None:
    assert f"| {what} | {limit}" in section("Limits")
