"""The samples' effects: each is a row of the ledger and nothing more, so repeats and undos are as they should be."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection

from flowforge.engine.actions.declaration import ActionContext, Failed, NotNeeded, Refused
from flowforge.engine.actions.units import by_itself, undo_of
from flowforge.errors import Refusal
from flowforge.services.journal import Entry, FailedAttempt
from flowforge.services.ledger import SqlLedger

OPERATION: Final = "samples.effect"
"""Every sample's effect; each step has a saga of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What a sample did, as it is kept.

    Attributes:
        told: its result.
    """

    told: dict[str, Any]


class NoJournal:
    """The journal of an owner who reads the ledger itself: nothing is written beside it."""

    def record(self, entry: Entry, transaction: Connection | None) -> None:
        """See Journal.record."""

    def redelivered(self, entry: Entry, transaction: Connection | None) -> None:
        """See Journal.redelivered."""

    def beyond_recall(self, saga_id: str, at: datetime, transaction: Connection | None) -> None:
        """See Journal.beyond_recall."""

    async def attempt_failed(self, attempt: FailedAttempt) -> None:
        """See Journal.attempt_failed."""


class SampleRecords:
    """Keeps what samples did."""

    def __init__(self, ledger: SqlLedger) -> None:
        self._ledger = ledger

    async def once(
        self, context: ActionContext, told: Mapping[str, Any], *, refusal: Refusal | None = None
    ) -> dict[str, Any]:
        """Do something once, and return what it told the first time.

        Args:
            context: of the action.
            told: its result.
            refusal: why it does not happen.

        Raises:
            Refusal: the one given, now or the first time.
            EffectFenced: it was undone.
            DatabaseUnavailable: nothing was written.
        """
        play_along(context)

        def effect(_connection: Connection) -> Effect:
            if refusal is not None:
                raise refusal
            return Effect(told=dict(told))

        return (await self._ledger.apply(by_itself(context.call), OPERATION, effect, Effect)).told

    async def back(self, context: ActionContext, **told: Any) -> dict[str, Any] | NotNeeded:
        """Undo what a sample did, and return what is told of it beside its own result.

        Raises:
            DatabaseUnavailable: nothing was written.
        """
        found: dict[str, Any] = {}

        def reverse(_connection: Connection, outcome: dict[str, Any]) -> None:
            found.update(outcome["told"])

        answer = await self._ledger.undo(undo_of(by_itself(context.call)).call, OPERATION, reverse)
        if answer.status == "not_needed":
            return NotNeeded({**told, "reason": "there was nothing to undo"})
        return {**(found or context.undone_result or {}), **told}


def play_along(context: ActionContext) -> None:
    """Fail where a run's input asks for it.

    `_testFailAt` names the step or action that is refused; `_testFailures` is how many attempts of `callExternalApi`,
    or of what `_testFailuresAt` names, fail first.

    Raises:
        Refused, Failed: it asks for it.
    """
    call, data = context.call, context.data
    names = (call.step_id, call.action)
    if not call.undo and data.get("_testFailAt") in names:
        raise Refused("test_failure", f"the input asks for a failure at {data['_testFailAt']}")
    failures = data.get("_testFailures", 0)
    is_meant = data.get("_testFailuresAt", "callExternalApi") in names
    if is_meant and isinstance(failures, int) and context.attempt <= failures:
        raise Failed("test_failure", f"attempt {context.attempt} of {failures} that are to fail")
