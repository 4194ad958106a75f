"""A state as JSON and back, for a run that goes on in another one.

Results may be something else than JSON, where a shell keeps large ones elsewhere: it says how to write and read them.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from datetime import timedelta
from functools import cache
from sys import intern
from typing import Any, Final

from flowforge.engine.core.keys import Key
from flowforge.engine.core.outcomes import Failure, StepError, Wait
from flowforge.engine.core.state import FailedItem, Items, State, StepState, Task, UndoEntry
from flowforge.engine.core.table import Table

Convert = Callable[[Any], Any]

_OF_ITEM: Final = "ofItem"


def _same(value: Any) -> Any:
    return value


def dump(state: State, *, value: Convert = _same) -> dict[str, Any]:
    """Return a state as JSON; `value` writes one result, an item list, an event's data or the output."""
    return {
        "generation": state.generation,
        "phase": state.phase,
        "paused": state.paused,
        "steps": {name: _bare(step, items=_dump_items(step.items, value)) for name, step in state.steps.items()},
        "tasks": [[*key, _bare(task, wait=_dump_wait(task.wait))] for key, task in state.tasks.items()],
        "backlog": [list(key) for key in state.backlog],
        "undos": [_dump_carried(undo, state.steps, value) for undo in state.undos],
        "cursor": state.cursor,
        "repeated": sorted([list(key) for key in state.repeated], key=str),
        "failure": None if state.failure is None else _bare(state.failure),
        "values": {name: value(result) for name, result in state.values.items()},
        "mail": [[name, value(data)] for name, data in state.mail],
        "output": value(state.output),
    }


def load(data: Mapping[str, Any], *, value: Convert = _same) -> State:
    """Return the state that `dump` wrote; `value` reads what its counterpart wrote."""
    steps = Table({name: _load_step(step, value) for name, step in data["steps"].items()})
    return State(
        **{
            **data,
            "steps": steps,
            "tasks": Table({Key(*task[:3]): _load_task(task[3]) for task in data["tasks"]}),
            "backlog": tuple(Key(*key) for key in data["backlog"]),
            "undos": tuple(_load_carried(undo, steps, value) for undo in data["undos"]),
            "repeated": frozenset(Key(*key) for key in data["repeated"]),
            "failure": None if data["failure"] is None else Failure(**_with_error(data["failure"])),
            "values": Table({name: value(result) for name, result in data["values"].items()}),
            "mail": tuple((name, value(content)) for name, content in data["mail"]),
            "output": value(data["output"]),
        }
    )


def dump_undo(undo: UndoEntry, *, value: Convert = _same) -> dict[str, Any]:
    """Return an undo as JSON; `value` writes its step's result, and its item."""
    item = value(undo.item[0]) if undo.item else None
    return _bare(undo, key=list(undo.key), result=value(undo.result), item=item)


def _dump_carried(undo: UndoEntry, steps: Mapping[str, StepState], value: Convert) -> dict[str, Any]:
    """Return an undo as JSON without its result where that is its item's, of which there may be ten thousand."""
    if undo.result is None or undo.result is not _result_of_item(undo.key, steps):
        return dump_undo(undo, value=value)
    return {**dump_undo(replace(undo, result=None), value=value), _OF_ITEM: True}


def _load_carried(data: Mapping[str, Any], steps: Mapping[str, StepState], value: Convert) -> UndoEntry:
    if _OF_ITEM not in data:
        return load_undo(data, value=value)
    found = load_undo({name: each for name, each in data.items() if name != _OF_ITEM}, value=value)
    return replace(found, result=_result_of_item(found.key, steps))


def _result_of_item(key: Key, steps: Mapping[str, StepState]) -> Any:
    step = steps.get(key.step)
    if step is None or step.items is None or key.item is None or key.item >= len(step.items.results):
        return None  # a later visit to the step has fewer items
    return step.items.results[key.item]


@cache
def _defaults(kind: type) -> tuple[tuple[str, Any], ...]:
    return tuple((field.name, field.default) for field in fields(kind))


def _bare(part: Any, **written: Any) -> dict[str, Any]:
    """Write a dataclass without what is as it is by default."""
    found = {}
    for name, default in _defaults(part.__class__):
        value = getattr(part, name)
        if value is not default and value != default:
            found[name] = written.get(name, value)
    if "error" in found:
        found["error"] = [found["error"].code, found["error"].message]
    return found


def _with_error(data: Mapping[str, Any]) -> dict[str, Any]:
    if "error" not in data:
        return dict(data)
    code, message = data["error"]
    return {**data, "error": StepError(code=code, message=message)}


def _dump_items(items: Items | None, value: Convert) -> dict[str, Any] | None:
    if items is None:
        return None
    return _bare(
        items,
        value=value(items.value),
        results=[value(result) for result in items.results],
        failed=[[failed.item, failed.visit, failed.kind] for failed in items.failed],
        again=[list(key) for key in items.again],
    )


def _dump_wait(wait: Wait | None) -> dict[str, Any] | None:
    if wait is None:
        return None
    timeout = None if wait.timeout is None else round(wait.timeout / timedelta(milliseconds=1))
    return _bare(wait, timeout=timeout)


def _load_step(data: Mapping[str, Any], value: Convert) -> StepState:
    found = _with_error(data)
    if "items" in found:
        items = _with_error(found["items"])
        items["value"] = value(items.get("value"))
        items["results"] = tuple(value(result) for result in items.get("results", ()))
        items["failed"] = tuple(
            FailedItem(item=item, visit=visit, kind=kind) for item, visit, kind in items.get("failed", ())
        )
        items["again"] = tuple(Key(*key) for key in items.get("again", ()))
        found["items"] = Items(**items)
    return StepState(**found)


def _load_task(data: Mapping[str, Any]) -> Task:
    if "wait" not in data:
        return Task(**data)
    wait = dict(data["wait"])
    if "timeout" in wait:
        wait["timeout"] = timedelta(milliseconds=wait["timeout"])
    return Task(stage=data["stage"], wait=Wait(**wait))


def load_undo(data: Mapping[str, Any], *, value: Convert = _same) -> UndoEntry:
    """Return the undo that `dump_undo` wrote."""
    found = _with_error(data)
    return UndoEntry(
        **{
            **found,
            "key": Key(intern(found["key"][0]), *found["key"][1:]),
            "result": value(found.get("result")),
            "item": (value(found["item"]),) if "item" in found else (),
        }
    )
