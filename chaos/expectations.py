"""How an order may end whose worker died at a point, and which marks each of its ledger rows may then have."""

from collections.abc import Mapping
from typing import Final

from chaos.points import FORWARD, UNDOABLE, Point, Route
from flowforge.durable.placement import Placement

_ALWAYS: Final[Mapping[Route, str]] = {"never begins": "cancelled", "is returned": "returned"}


def ends(point: Point, route: Route, *, is_cancelled: bool, is_frozen: bool = False) -> set[str]:
    """Return how the order may end.

    Args:
        point: where its worker died.
        route: what happened to it before.
        is_cancelled: whether it was cancelled after that.
        is_frozen: whether its worker did not die but froze, and went on.
    """
    fails = route in {"fails", "needs attention", "is given up"}
    if not is_cancelled:
        return {_ALWAYS.get(route, "failed" if fails else "completed")}
    if is_frozen:
        # It goes on with what it had begun, maybe faster than the one that unwinds.
        return {"failed" if fails else "completed", "cancelled"}
    committed = point.moment == "after-commit"
    match point.operation:
        case "orders.close.completed":
            return {"completed"} if committed else {"completed", "cancelled"}
        case "orders.close.compensating":
            # Until the row is taken from running, the failure is known to the dead worker alone.
            return {"failed"} if committed else {"failed", "cancelled"}
        case _:
            return {"failed" if fails else "cancelled"}


def marks(
    point: Point, route: Route, ended: str, *, is_cancelled: bool, placement: Placement | None
) -> Mapping[str, set[str | None]]:
    """Return the marks that each of its ledger rows may have; None is no row.

    Args:
        point: where its worker died.
        route: what happened to it before.
        ended: how it ended.
        is_cancelled: whether it was cancelled after the kill.
        placement: where its steps ran first; None where its worker froze and went on.
    """
    if ended in {"completed", "returned"}:
        return {operation: {"applied"} for operation in FORWARD}
    if route == "never begins":
        return {operation: {"tombstone"} for operation in UNDOABLE}
    if placement is None and is_cancelled:
        return {operation: {"undone", "tombstone"} for operation in UNDOABLE}
    allowed: dict[str, set[str | None]] = {operation: {"undone"} for operation in UNDOABLE}
    if route == "is given up":
        del allowed[point.operation.removesuffix(".write_off")]  # it depends on the service
    if not is_cancelled or point.operation not in FORWARD:
        return allowed
    killed_at = FORWARD.index(point.operation)
    for operation in UNDOABLE:
        if FORWARD.index(operation) > killed_at:
            allowed[operation] = {"tombstone"}
    if point.operation in UNDOABLE and point.moment != "after-commit":
        # Rolled back; through the queue it may be delivered again before the cancellation arrives.
        allowed[point.operation] = {"tombstone"} if placement == "auto" else {"tombstone", "undone"}
    return allowed
