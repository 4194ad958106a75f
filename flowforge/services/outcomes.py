"""Recorded outcomes: how a result becomes JSON and back, and what a ledger row answers to a redelivery."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Literal, TypeVar

from flowforge.errors import REFUSALS, EffectFenced, Refusal

LedgerState = Literal["applied", "refused", "undone"]
Outcome = TypeVar("Outcome")


def to_json(outcome: Any) -> dict[str, Any]:
    """Return a flat dataclass as JSON."""
    return {field.name: getattr(outcome, field.name) for field in fields(outcome)}


def from_json(kind: type[Outcome], recorded: Mapping[str, Any]) -> Outcome:
    """Return a flat dataclass from its JSON; of what a later version noted beyond its fields, nothing is known here."""
    return kind(**{field.name: recorded[field.name] for field in fields(kind) if field.name in recorded})  # type: ignore[arg-type]


def refusal_to_json(refusal: Refusal | EffectFenced) -> dict[str, Any]:
    """Return a refusal as JSON; `answer` can raise one of the business again."""
    return {"code": refusal.code, "message": refusal.message}


def in_words(written_off: Mapping[str, Any]) -> str:
    """Return who gave an undo up and why, as people see it."""
    return f"{written_off['by']}: {written_off['reason']}"


def answer(
    state: LedgerState, recorded: Mapping[str, Any], result: type[Outcome], *, operation: str, saga_id: str
) -> Outcome:
    """Answer a forward delivery from a ledger row that is already there.

    Args:
        state: the row's state.
        recorded: the row's outcome.
        result: the dataclass that an applied outcome is.
        operation: the row's operation, for the message.
        saga_id: the row's saga, for the message.

    Returns:
        The recorded result, where the operation was applied.

    Raises:
        Refusal: the same as the first time.
        EffectFenced: the operation was undone, before or after it was applied.
    """
    if state == "applied":
        return from_json(result, recorded)
    if state == "refused":
        refusal = REFUSALS.get(recorded["code"], Refusal)(recorded["message"])
        refusal.code = recorded["code"]  # a later version's refusal is one here, too
        raise refusal
    raise EffectFenced(f"{operation} of {saga_id} was undone; it will not happen any more")
