"""Undos of a run over HTTP, as clients see them."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from flowforge.engine.core.outcomes import UndoStatus
from flowforge.engine.store.records import UndoCount, UndoRecord


class ErrorView(TypedDict):
    """Why something did not succeed."""

    code: str
    message: str


class UndoView(TypedDict):
    """An undo of a run that turned back, in the order in which they run."""

    name: str
    stepId: str
    item: int | None
    action: str
    status: UndoStatus
    error: ErrorView | None
    generation: Annotated[int, Field(description="Of which generation of the run this undo is.")]
    writtenOff: Annotated[str | None, Field(description="Who gave it up and why.")]


def undo_view(undo: UndoRecord, generation: int) -> UndoView:
    """Return an undo as clients see it.

    Args:
        undo: the undo.
        generation: the run's present one; the key of an undo of an earlier one has that before it.
    """
    return {
        "name": undo.key if undo.generation == generation else undo.key.partition(":")[2],
        "stepId": undo.step_id,
        "item": undo.item,
        "action": undo.action,
        "status": undo.status,
        "error": error_view(undo.error),
        "generation": undo.generation,
        "writtenOff": undo.written_off,
    }


def undo_totals(counts: Iterable[UndoCount]) -> dict[UndoStatus, int]:
    """Return how many undos are in which state."""
    totals: Counter[UndoStatus] = Counter()
    for each in counts:
        totals[each.status] += each.count
    return dict(totals)


def error_view(error: Mapping[str, str] | None) -> ErrorView | None:
    """Return why something did not succeed, None where nothing says that."""
    return None if error is None else {"code": error["code"], "message": error["message"]}
