"""An undo of a saga as people see it."""

from dataclasses import dataclass
from typing import Literal

CompensationStatus = Literal["pending", "running", "completed", "not_needed", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Compensation:
    """What became of one undo.

    Attributes:
        name: the undo's name.
        status: `not_needed` means that it found nothing to undo and left a tombstone; `failed` that it can never
            succeed and waits for an operator, or was written off.
        attempts: how often it was delivered, as far as its activity tells.
        error: why it failed, else None.
        written_off: who gave it up and why, else None.
    """

    name: str
    status: CompensationStatus = "pending"
    attempts: int = 0
    error: str | None = None
    written_off: str | None = None

    @property
    def is_settled(self) -> bool:
        """Whether nothing is left to do or to decide."""
        return self.status in {"completed", "not_needed"} or self.written_off is not None
