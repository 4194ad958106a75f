"""What a fenced step carries: the key under which its service applies it once, undoes it once, or never lets it happen.

A service that keeps a ledger (one row per saga, operation and occurrence, written in the transaction of the effect)
can be called any number of times, in any order, before and after its undo. Such steps may run as local activities.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self


@dataclass(frozen=True, slots=True, kw_only=True)
class StepCall:
    """One delivery of a fenced step, forward or backward.

    Attributes:
        saga_id: the saga this step belongs to; a run that starts over has a new one.
        step: the forward step's name in the saga's table, for example `reserve_inventory`.
        undo: the undo's name when this call goes backward, else None.
        occurrence: counts repetitions of the step within the saga (loops, items), from 0.
        attempt: number of this delivery, from 1, over all placements.
        completed: the forward steps whose answers the workflow has seen when it made this call, in order.
        opening: what the saga was started with, as JSON, for the transaction that writes the owner's row.
        fail_at: name of the step in which a fault was asked for, or None.
        labels: what every log line of this saga's steps carries, for example the order's and the request's id.
        worker: the process that was given this delivery, as Temporal names it; empty until it is delivered.
        placement: `local` or `queue`: where it was delivered; empty until it is.
    """

    saga_id: str
    step: str
    undo: str | None = None
    occurrence: int = 0
    attempt: int = 1
    completed: tuple[str, ...] = ()
    opening: Mapping[str, Any] | None = None
    fail_at: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    worker: str = ""
    placement: str = ""

    def on_attempt(self, number: int, *, worker: str = "", placement: str = "") -> Self:
        """Return this call as Temporal's attempt `number` (from 1) of the placement it was made for."""
        return replace(self, attempt=self.attempt + number - 1, worker=worker, placement=placement)

    def idempotency_key(self, operation: str) -> str:
        """Return the key that a service outside our database gets: saga, operation and occurrence."""
        return f"{self.saga_id}:{operation}:{self.occurrence}"


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoStep:
    """Input of every fenced undo: the key is enough, because the ledger knows what was done under it."""

    call: StepCall


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """Result of a fenced undo.

    Attributes:
        status: `undone` when an effect was found and reversed, now or by an earlier delivery;
            `not_needed` when there was none: a tombstone keeps a late one from happening;
            `written_off` when one was found that an operator had given up: it stays, and that is settled.
        attempts: how many deliveries it took.
        written_off: who gave it up and why, where somebody did.
    """

    status: Literal["undone", "not_needed", "written_off"]
    attempts: int = 1
    written_off: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteOffStep:
    """Input of every write-off: an undo that never succeeds, who gives it up, and why."""

    call: StepCall
    by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenOff:
    """Result of a write-off.

    Attributes:
        status: `written_off` when an effect was found and stays; `undone` or `not_needed` when there was none to give
            up, as for `Undone`.
        attempts: how many deliveries of the undo and its write-off it took.
    """

    status: Literal["written_off", "undone", "not_needed"]
    attempts: int = 1
