"""The idempotency keys of a run's effects: the same for every attempt, and an undo's its own."""

from flowforge.engine.core.keys import Key


def forward_key(execution_id: str, generation: int, key: Key) -> str:
    """Return the key of an action: run, generation, step, visit, item."""
    item = "" if key.item is None else f":{key.item}"
    return f"{execution_id}:{generation}:{key.step}:{key.visit}{item}"


def undo_key(execution_id: str, generation: int, key: Key) -> str:
    """Return the key of an action's undo."""
    return f"{forward_key(execution_id, generation, key)}:undo"
