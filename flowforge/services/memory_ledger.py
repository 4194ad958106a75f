"""The ledger in memory, with the meaning of the SQL ledger: effect, row and journal entry happen together or not."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final, Literal, TypeVar

from flowforge.durable.fence import StepCall, Undone, WriteOffStep, WrittenOff
from flowforge.errors import EffectFenced, Refusal
from flowforge.services.journal import Journal, State, entry_of
from flowforge.services.memory_store import MemoryStore, MemoryTransaction
from flowforge.services.outcomes import LedgerState, answer, in_words, refusal_to_json, to_json

Outcome = TypeVar("Outcome")


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRow:
    """What is known of one operation of one saga; an undone row without an outcome is a tombstone."""

    state: LedgerState
    outcome: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenUp:
    """An undo that an operator gave up, by its saga and name."""

    by: str
    reason: str


class MemoryLedger:
    """Applies and undoes fenced operations whose effects are in a store of its own; see SqlLedger.

    Attributes:
        store: holds the effects of every adapter that is given this ledger.
    """

    def __init__(self, journal: Journal[Any]) -> None:
        """Take what writes the owner's rows."""
        self.store: Final = MemoryStore()
        self._journal = journal

    async def apply(
        self, call: StepCall, operation: str, effect: Callable[[MemoryTransaction], Outcome], result: type[Outcome]
    ) -> Outcome:
        """Bring `operation` about once; see SqlLedger.apply."""
        # In a thread, because the journal may wait for a database.
        outcome = await asyncio.to_thread(self._apply, call, operation, effect, result)
        if isinstance(outcome, Refusal | EffectFenced):
            raise outcome
        return outcome

    async def undo(
        self, call: StepCall, operation: str, reverse: Callable[[MemoryTransaction, Mapping[str, Any]], object | None]
    ) -> Undone:
        """Reverse `operation` once, or see to it that it never happens; see SqlLedger.undo."""
        return await asyncio.to_thread(self._undo, call, operation, reverse)

    async def write_off(
        self, request: WriteOffStep, operation: str, give_up: Callable[[MemoryTransaction, Mapping[str, Any]], None]
    ) -> WrittenOff:
        """Record that the undo of `operation` was given up, once; see SqlLedger.write_off."""
        return await asyncio.to_thread(self._write_off, request, operation, give_up)

    def _apply(
        self, call: StepCall, operation: str, effect: Callable[[MemoryTransaction], Outcome], result: type[Outcome]
    ) -> Outcome | Refusal | EffectFenced:
        started_at = datetime.now(UTC)
        key = (call.saga_id, operation, call.occurrence)
        with self.store.transaction() as transaction:
            ledger = transaction.rows(LedgerRow)
            row = ledger.get(key)
            outcome: Outcome | Refusal | EffectFenced
            if row is not None:
                told = row.outcome
                try:
                    outcome = answer(row.state, row.outcome, result, operation=operation, saga_id=call.saga_id)
                except (Refusal, EffectFenced) as error:
                    outcome, told = error, refusal_to_json(error)
                self._journal.redelivered(entry_of(call, operation, row.state, told, started_at), None)
                return outcome
            try:
                outcome = effect(transaction)
            except Refusal as refusal:
                outcome = refusal
                ledger[key] = LedgerRow(state="refused", outcome=refusal_to_json(refusal))
            else:
                ledger[key] = LedgerRow(state="applied", outcome=to_json(outcome))
            state: State = "refused" if isinstance(outcome, Refusal) else "applied"
            self._journal.record(entry_of(call, operation, state, ledger[key].outcome, started_at), None)
            return outcome

    def _undo(
        self,
        call: StepCall,
        operation: str,
        reverse: Callable[[MemoryTransaction, Mapping[str, Any]], object | None],
    ) -> Undone:
        started_at = datetime.now(UTC)
        key = (call.saga_id, operation, call.occurrence)
        with self.store.transaction() as transaction:
            ledger = transaction.rows(LedgerRow)
            row = ledger.get(key)
            if row is not None and row.state == "undone":
                found: Literal["undone", "not_needed"] = "undone" if row.outcome else "not_needed"
                self._journal.redelivered(entry_of(call, operation, found, row.outcome, started_at), None)
                return Undone(status=found, attempts=call.attempt)
            if row is not None and row.state == "applied":
                if (given_up := transaction.rows(GivenUp).get((call.saga_id, call.undo))) is not None:
                    told = to_json(given_up)
                    self._journal.redelivered(entry_of(call, operation, "written_off", told, started_at), None)
                    return Undone(status="written_off", attempts=call.attempt, written_off=in_words(told))
                done = reverse(transaction, row.outcome)
                ledger[key] = replace(row, state="undone")
                self._journal.record(entry_of(call, operation, "undone", row.outcome, started_at, done), None)
                return Undone(status="undone", attempts=call.attempt)
            if row is None:
                ledger[key] = LedgerRow(state="undone", outcome={})
            self._journal.record(entry_of(call, operation, "not_needed", {}, started_at), None)
            return Undone(status="not_needed", attempts=call.attempt)

    def _write_off(
        self,
        request: WriteOffStep,
        operation: str,
        give_up: Callable[[MemoryTransaction, Mapping[str, Any]], None],
    ) -> WrittenOff:
        call, started_at = request.call, datetime.now(UTC)
        key, told = (call.saga_id, operation, call.occurrence), {"by": request.by, "reason": request.reason}
        with self.store.transaction() as transaction:
            ledger, given_up = transaction.rows(LedgerRow), transaction.rows(GivenUp)
            row = ledger.get(key)
            if row is not None and row.state == "applied":
                if (call.saga_id, call.undo) in given_up:
                    self._journal.redelivered(entry_of(call, operation, "written_off", told, started_at), None)
                else:
                    give_up(transaction, row.outcome)
                    given_up[call.saga_id, call.undo] = GivenUp(**told)
                    self._journal.record(entry_of(call, operation, "written_off", told, started_at), None)
                return WrittenOff(status="written_off", attempts=call.attempt)
            if row is not None and row.state == "undone" and row.outcome:
                self._journal.redelivered(entry_of(call, operation, "undone", row.outcome, started_at), None)
                return WrittenOff(status="undone", attempts=call.attempt)
            if row is None:
                ledger[key] = LedgerRow(state="undone", outcome={})
            self._journal.record(entry_of(call, operation, "not_needed", {}, started_at), None)
            return WrittenOff(status="not_needed", attempts=call.attempt)
