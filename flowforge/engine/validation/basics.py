"""What the language's own actions take that no schema can say: lengths of time, instants, expressions."""

from collections.abc import Mapping
from typing import Any, Final

from flowforge.engine.core.plan import CONDITION
from flowforge.engine.core.waits import INSTANT_HINT, InstantError, instant_of
from flowforge.engine.definition.model import Definition
from flowforge.engine.definition.names import EVENT_NAME
from flowforge.engine.definition.pointers import join
from flowforge.engine.definition.step import Step
from flowforge.engine.durations import DurationError, parse
from flowforge.engine.placeholders import OPENING
from flowforge.engine.validation.findings import Findings, each_step
from flowforge.engine.validation.schemas import check_schema

_WAITS: Final = frozenset({"delay", "wait"})
_LENGTHS: Final = {"delay": ("duration", "timeout"), "wait": ("duration", "timeout"), "http.request": ("timeout",)}
_LIMITS: Final = ("duration", "until", "timeout")


def check_basics(definition: Definition, findings: Findings) -> None:
    """Check the params of the actions that come with the language, as far as they are written out."""
    for pointer, step in each_step(definition):
        if step.task_queue is None and step.heartbeat_timeout is not None:
            hint = "actions of this worker heartbeat by themselves"
            findings.add("FF-1003", "heartbeatTimeout is for a taskQueue", join(pointer, "heartbeatTimeout"), hint)
        if step.task_queue is None and isinstance(step.params, dict):
            _check(step, step.params, join(pointer, "params"), findings)


def asked_of(step: Step) -> str | None:
    """Return the expression that a step of the action `condition` evaluates, where it is one of its author's."""
    found = step.params.get("expression") if isinstance(step.params, dict) else None
    is_one = step.action == CONDITION and step.task_queue is None and isinstance(found, str)
    return str(found) if is_one and OPENING not in str(found) else None


def _check(step: Step, params: Mapping[str, Any], pointer: str, findings: Findings) -> None:
    for name in _LENGTHS.get(step.action, ()):
        if (found := _written(params.get(name))) is not None:
            _check_length(found, join(pointer, name), findings)
    if step.action in _WAITS:
        _check_wait(step, params, pointer, findings)
    asked = params.get("expression")
    if step.action == CONDITION and isinstance(asked, str) and OPENING in asked and not _is_whole(asked):
        hint = "write `score.risk`, not `${score.risk}`: what is filled in is never evaluated"
        findings.add("FF-1011", "an expression reads names as they are", join(pointer, "expression"), hint)


def _check_wait(step: Step, params: Mapping[str, Any], pointer: str, findings: Findings) -> None:
    limits = [name for name in _LIMITS if params.get(name) is not None]
    is_open = step.input is not None  # more may be merged into them
    if len(limits) > 1 or (not limits and params.get("event") is None and not is_open):
        findings.add("FF-1013", f"{step.action}: an event, and one of duration, until and timeout", pointer)
    event = _written(params.get("event"))
    if isinstance(event, str) and EVENT_NAME.fullmatch(event) is None:
        hint = "letters, digits and . _ : -, at most 128 in all"
        findings.add("FF-1013", f"{event[:40]!r} is no name of an event", join(pointer, "event"), hint)
    if isinstance(until := _written(params.get("until")), str):
        _check_instant(until, join(pointer, "until"), findings)
    schema = params.get("schema")
    if schema is not None and OPENING not in str(schema):
        check_schema(schema, "event", join(pointer, "schema"), findings)


def _check_length(value: Any, pointer: str, findings: Findings) -> None:
    if isinstance(value, str | int | float) and not isinstance(value, bool):  # else the action's schema says it
        try:
            parse(value)
        except DurationError as error:
            findings.add("FF-1008", error.message, pointer)


def _check_instant(value: str, pointer: str, findings: Findings) -> None:
    try:
        instant_of(value)
    except InstantError as error:
        findings.add("FF-1013", str(error), pointer, INSTANT_HINT)


def _written(value: Any) -> Any:
    """Return a value that is known before the step runs."""
    return None if isinstance(value, str) and OPENING in value else value


def _is_whole(text: str) -> bool:
    return text.startswith(OPENING) and text.find("}") == len(text) - 1
