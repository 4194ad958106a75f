"""How much a run carries itself, and how large an answer may therefore be to be carried too."""

from typing import Any

from flowforge.engine.core.state import State
from flowforge.engine.core.stored import Stored
from flowforge.engine.sizes import (
    FEW_ITEMS,
    MAX_INLINE_BYTES,
    MAX_INLINE_TOTAL,
    SMALL_ITEM_BYTES,
    TINY_BYTES,
    size_of,
)

_NOTHING = 0


class Burden:
    """The values that a run carries.

    A run is never far over `MAX_INLINE_TOTAL`: once it has come to that, what is more than tiny is kept elsewhere. Of
    many items every result is, so that a list of them is one reference.
    """

    def __init__(self) -> None:
        self._bytes = 0

    def take_over(self, state: State) -> None:
        """Count what a state holds that comes from another run."""
        values: list[Any] = [*state.values.values(), *(entry.result for entry in state.undos)]
        values += [data for _, data in state.mail]
        values += [result for step in state.steps.values() if step.items is not None for result in step.items.results]
        self._bytes = sum(size_of(value) for value in values if value is not None and not isinstance(value, Stored))

    def add(self, size: int) -> None:
        """Count an answer of so many bytes that is carried."""
        self._bytes += size

    def room(self, items: int | None = None) -> int:
        """Return how large an answer may be to be carried; of one of so many items."""
        if items is not None and items > FEW_ITEMS:
            return _NOTHING
        if self._bytes > MAX_INLINE_TOTAL:
            return TINY_BYTES
        return MAX_INLINE_BYTES if items is None else SMALL_ITEM_BYTES
