"""The many spellings of a step, each turned into the canonical one.

`dependencies`, `type`, `config`, `maxRetries`, `retryDelay` and a compensation that is only a name are read wherever
steps are written; the canonical spelling passes as it is.
"""

from typing import Any, Final

from flowforge.engine.definition.pointers import join
from flowforge.engine.definition.step import NOOP
from flowforge.engine.dialects.draft import Draft

_TASK: Final = "task"
_HTTP: Final = "http"


def canonical_step(draft: Draft, step: Any, pointer: str) -> Any:
    """Return a step in the canonical spelling; what is not an object is returned as it is, for the model to refuse."""
    if not isinstance(step, dict):
        return step
    part = dict(step)
    draft.rename(part, pointer, "dependencies", "dependsOn")
    draft.rename(part, pointer, "config", "params")
    _action(draft, part, pointer)
    _retries(draft, part, pointer)
    if isinstance(part.get("compensation"), str):
        part["compensation"] = {"action": part["compensation"]}
        source = draft.origins.source_of(join(pointer, "compensation"))
        draft.origins.move(join(pointer, "compensation", "action"), source)
    return part


def _action(draft: Draft, part: dict[str, Any], pointer: str) -> None:
    kind = part.get("type")
    if kind == _TASK:
        del part["type"]
        if "action" not in part:
            draft.report("FF-1001", '"action" is missing', pointer, "a task says what it does")
            part["action"] = NOOP
    elif "type" in part:
        draft.rename(part, pointer, "type", "action")
        if kind == _HTTP and part["action"] == _HTTP:
            _whole_answer(part)
    part.setdefault("action", NOOP)


def _whole_answer(part: dict[str, Any]) -> None:
    """Spell the type `http`: a request whose result is not the body alone but status, headers and body."""
    part["action"] = "http.request"
    params = part.get("params", {})
    if isinstance(params, dict):
        part["params"] = {"response": "full", **params}


def _retries(draft: Draft, part: dict[str, Any], pointer: str) -> None:
    for old, new in (("maxRetries", "maxAttempts"), ("retryDelay", "initialDelay")):
        if old not in part:
            continue
        value = part.pop(old)
        source = join(draft.origins.source_of(pointer), old)
        if old == "maxRetries":
            if not isinstance(value, int) or isinstance(value, bool) or value < 0:
                draft.report("FF-1003", '"maxRetries": a whole number from 0', join(pointer, old))
                continue
            value += 1
        policy = part.get("retryPolicy", {})
        if not isinstance(policy, dict):
            continue  # the model says what is wrong with it
        if policy.get(new, value) != value:
            draft.report(
                "FF-1022", f'"{old}" and "retryPolicy.{new}" contradict each other', join(pointer, old), f'keep "{new}"'
            )
            continue
        part["retryPolicy"] = {**policy, new: value}
        draft.origins.move(join(pointer, "retryPolicy", new), source)
