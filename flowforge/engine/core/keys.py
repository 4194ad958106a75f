"""What names one unit of work of a run: a step, the how-manieth visit to it, and the item where it has items."""

from typing import NamedTuple


class Key(NamedTuple):
    """One unit of work. Every effect's idempotency key is made of it, and an undo has its forward key.

    Attributes:
        step: the step's id.
        visit: the how-manieth time a loop, or a retry after a refusal, comes to the step; from 1.
        item: which item of a `forEach` this is, from 0; None for the step as a whole.
    """

    step: str
    visit: int = 1
    item: int | None = None

    def __str__(self) -> str:
        visit = f"#{self.visit}" if self.visit > 1 else ""
        item = f"[{self.item}]" if self.item is not None else ""
        return f"{self.step}{visit}{item}"
