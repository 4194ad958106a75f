"""The four ways to write a definition, told apart and brought into the canonical form.

- canonical: a list of steps with `dependsOn`, or with `initialStepId` and `transitions`;
- task lists: the same with `dependencies`, `type: "task"`, `maxRetries`, milliseconds;
- state maps: `initialStepId` and an object of steps by id, each with `type`, `config` and `transitions`;
- sagas by name: `{type, steps: [{name, compensation}]}`, in order, each step and undo an action of that name.
"""

from dataclasses import dataclass
from typing import Any

from flowforge.engine.definition.pointers import join
from flowforge.engine.definition.problems import Problem
from flowforge.engine.dialects.draft import Draft
from flowforge.engine.dialects.origins import Origins
from flowforge.engine.dialects.steps import canonical_step


@dataclass(frozen=True, slots=True)
class Normalised:
    """A definition in the canonical form, not yet checked.

    Attributes:
        body: its JSON value.
        origins: where its parts are in the author's text.
        problems: what could not be understood.
    """

    body: Any
    origins: Origins
    problems: tuple[Problem, ...]


def normalise(source: Any) -> Normalised:
    """Bring a definition's JSON value into the canonical form; a canonical one stays as it is."""
    draft = Draft()
    body = _body(draft, source) if isinstance(source, dict) else source
    return Normalised(body, draft.origins, tuple(draft.problems))


def _body(draft: Draft, source: dict[str, Any]) -> dict[str, Any]:
    steps = source.get("steps")
    body = dict(source)
    if isinstance(steps, dict):
        body["steps"] = _from_map(draft, steps)
    elif isinstance(steps, list):
        if "type" in source and "id" not in source:
            draft.rename(body, "", "type", "id")
            steps = _in_order(draft, steps)
        body["steps"] = [canonical_step(draft, step, join("/steps", index)) for index, step in enumerate(steps)]
    if isinstance(body.get("version"), int | float) and not isinstance(body["version"], bool):
        body["version"] = str(body["version"])  # `version: 1.0` in YAML is a number and means a label
    return body


def _from_map(draft: Draft, steps: dict[str, Any]) -> list[Any]:
    found: list[Any] = []
    for index, (key, step) in enumerate(steps.items()):
        pointer = join("/steps", index)
        draft.origins.move(pointer, join("/steps", key))
        if not isinstance(step, dict):
            found.append(step)
            continue
        if step.get("id", key) != key:
            draft.report("FF-1022", f'the step "{key}" has another id inside', join(pointer, "id"), f'use "{key}"')
        part = canonical_step(draft, {**step, "id": key}, pointer)
        part.setdefault("transitions", {})
        if part.get("params") == {} and "input" in part:
            del part["params"]
        found.append(part)
    return found


def _in_order(draft: Draft, steps: list[Any]) -> list[Any]:
    """Give each named step an id and an action of that name, and have it follow the one before."""
    found: list[Any] = []
    previous: Any = None
    for index, step in enumerate(steps):
        if not isinstance(step, dict) or "name" not in step:
            found.append(step)
            continue
        part = dict(step)
        name, pointer = part["name"], join("/steps", index)
        if "id" not in part:
            part["id"] = part.pop("name")
            draft.origins.move(join(pointer, "id"), join(pointer, "name"))
        if "type" not in part and "action" not in part:
            part["action"] = name
            draft.origins.move(join(pointer, "action"), join(pointer, "name"))
        if previous is not None and "dependsOn" not in part and "dependencies" not in part:
            part["dependsOn"] = [previous]
        previous = part["id"]
        found.append(part)
    return found
