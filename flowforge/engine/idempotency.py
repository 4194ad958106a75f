"""The idempotency keys of a run's effects: the same for every attempt, and an undo's its own."""

import hashlib

from flowforge.engine.core.keys import Key


def forward_key(execution_id: str, generation: int, key: Key) -> str:
    """Return the key of an action: run, generation, step, visit, item."""
    item = "" if key.item is None else f":{key.item}"
    return f"{execution_id}:{generation}:{key.step}:{key.visit}{item}"


def undo_key(execution_id: str, generation: int, key: Key) -> str:
    """Return the key of an action's undo."""
    return f"{forward_key(execution_id, generation, key)}:undo"


def child_id(key: str) -> str:
    """Return the execution id of the run that a unit of work starts under its idempotency key."""
    return f"exec-{hashlib.sha256(key.encode()).hexdigest()[:32]}"


def start_id(execution_id: str, start: int) -> str:
    """Return the name at Temporal of a run's workflow: each start after the first has one of its own."""
    return execution_id if start == 1 else f"{execution_id}~{start}"


def unwinding_id(execution_id: str) -> str:
    """Return the name at Temporal of the workflow that undoes a run whose own is gone."""
    return f"{execution_id}~unwind"


def workflow_ids(execution_id: str, start: int) -> tuple[str, ...]:
    """Return the names at Temporal of all workflows that may work on a run in one of its starts."""
    return (start_id(execution_id, start), undo_run_id(execution_id), unwinding_id(execution_id))


def undo_run_id(execution_id: str) -> str:
    """Return the name at Temporal of the run that undoes a completed one."""
    return f"{execution_id}~undo"
