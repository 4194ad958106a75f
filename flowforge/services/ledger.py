"""The SQL ledger: an effect, its row and its owner's rows in one transaction, once, undone once, or never at all."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from flowforge.durable.fence import StepCall, Undone, WriteOffStep, WrittenOff
from flowforge.errors import EffectFenced, Refusal
from flowforge.persistence.database import Database
from flowforge.persistence.postgres import alone
from flowforge.persistence.tables.control import WRITE_OFFS
from flowforge.persistence.tables.ledger import LEDGER
from flowforge.services.fault_points import Reach, nowhere
from flowforge.services.journal import Entry, Journal, entry_of
from flowforge.services.outcomes import answer, in_words, refusal_to_json, to_json

Outcome = TypeVar("Outcome")

_KEY: Final = (
    (LEDGER.c.saga_id == bindparam("key_saga_id"))
    & (LEDGER.c.operation == bindparam("key_operation"))
    & (LEDGER.c.occurrence == bindparam("key_occurrence"))
)
_FIND: Final = select(LEDGER.c.state, LEDGER.c.outcome).where(_KEY).with_for_update()
_INSERT: Final = insert(LEDGER)
_UNDO: Final = update(LEDGER).where(_KEY).values(state="undone", undone_at=bindparam("at"))
_WRITE_OFF: Final = insert(WRITE_OFFS)
_FIND_WRITE_OFF: Final = select(WRITE_OFFS.c.decided_by, WRITE_OFFS.c.reason).where(
    WRITE_OFFS.c.order_id == bindparam("of"), WRITE_OFFS.c.name == bindparam("undo")
)


class SqlLedger:
    """Applies and undoes fenced operations in the database that holds their effects.

    A row is `applied`, `undone` (with the outcome that was reversed, or without one: a tombstone) or `refused`.
    """

    def __init__(self, database: Database, journal: Journal[Connection], reach: Reach = nowhere) -> None:
        """Take the database of the effects, what writes the owner's rows, and what is called at fault points."""
        self._database = database
        self._journal = journal
        self._reach = reach

    async def apply(
        self, call: StepCall, operation: str, effect: Callable[[Connection], Outcome], result: type[Outcome]
    ) -> Outcome:
        """Bring `operation` about once; a redelivery gets the recorded outcome.

        Args:
            call: the delivery; saga, operation and occurrence are the key.
            operation: the operation's name, for example `payments.charge`.
            effect: writes the effect and returns its outcome, a flat dataclass. It raises a Refusal *before* it wrote
                anything: the refusal is then recorded, and what had been written would be kept with it.
            result: the outcome's class.

        Raises:
            Refusal: what the effect raised, now or the first time.
            EffectFenced: the operation was undone; nothing is written.
            DatabaseUnavailable: nothing was written.
        """
        work = partial(self._apply, call, operation, effect, result, datetime.now(UTC))
        self._reach(operation, "before")
        outcome = await self._database.write(work)
        self._reach(operation, "after-commit")
        if isinstance(outcome, Refusal | EffectFenced):
            raise outcome
        return outcome

    async def undo(
        self, call: StepCall, operation: str, reverse: Callable[[Connection, dict[str, Any]], object | None]
    ) -> Undone:
        """Reverse `operation` once; where it never happened, see to it that it never will.

        Args:
            call: the delivery, with `undo` set.
            operation: the forward operation's name.
            reverse: undoes the effect; gets the recorded outcome. What it did is told to the journal where it returns
                that, a flat dataclass.

        Returns:
            What became of it. Where the undo was written off that is its answer, whoever asks: the effect stays.

        Raises:
            DatabaseUnavailable: nothing was written.
        """
        work = partial(self._undo, call, operation, reverse, datetime.now(UTC))
        self._reach(f"{operation}.undo", "before")
        undone = await self._database.write(work)
        self._reach(f"{operation}.undo", "after-commit")
        return undone

    async def write_off(
        self, request: WriteOffStep, operation: str, give_up: Callable[[Connection, dict[str, Any]], None]
    ) -> WrittenOff:
        """Record that the undo of `operation` was given up, once; it can not be undone any more after that.

        Args:
            request: the delivery, with `undo` set, who gives it up and why.
            operation: the forward operation's name; its row stays applied, since its effect stays.
            give_up: counts what is lost, in the service's own tables; gets the recorded outcome.

        Returns:
            What became of it: where there is no effect, nothing is given up, and none can come any more.

        Raises:
            DatabaseUnavailable: nothing was written.
        """
        work = partial(self._write_off, request, operation, give_up, datetime.now(UTC))
        self._reach(f"{operation}.write_off", "before")
        written_off = await self._database.write(work)
        self._reach(f"{operation}.write_off", "after-commit")
        return written_off

    def _apply(
        self,
        call: StepCall,
        operation: str,
        effect: Callable[[Connection], Outcome],
        result: type[Outcome],
        started_at: datetime,
        connection: Connection,
    ) -> Outcome | Refusal | EffectFenced:
        alone(connection, call.saga_id)
        row = _find(connection, call, operation)
        outcome: Outcome | Refusal | EffectFenced
        if row is not None:
            told = row.outcome
            try:
                outcome = answer(row.state, row.outcome, result, operation=operation, saga_id=call.saga_id)
            except (Refusal, EffectFenced) as error:
                outcome, told = error, refusal_to_json(error)
            self._journal.redelivered(entry_of(call, operation, row.state, told, started_at), connection)
            return outcome
        try:
            outcome = effect(connection)
        except Refusal as refusal:
            outcome = refusal
            entry = entry_of(call, operation, "refused", refusal_to_json(refusal), started_at)
        else:
            entry = entry_of(call, operation, "applied", to_json(outcome), started_at)
        _record(connection, entry)
        self._journal.record(entry, connection)
        self._reach(operation, "inside")
        return outcome

    def _undo(
        self,
        call: StepCall,
        operation: str,
        reverse: Callable[[Connection, dict[str, Any]], object | None],
        started_at: datetime,
        connection: Connection,
    ) -> Undone:
        alone(connection, call.saga_id)
        row = _find(connection, call, operation)
        if row is None:
            entry = entry_of(call, operation, "not_needed", {}, started_at)
            _record(connection, entry)
        elif row.state == "applied":
            if (told := _written_off(connection, call)) is not None:
                self._journal.redelivered(entry_of(call, operation, "written_off", told, started_at), connection)
                return Undone(status="written_off", attempts=call.attempt, written_off=in_words(told))
            done = reverse(connection, row.outcome)
            entry = entry_of(call, operation, "undone", row.outcome, started_at, done)
            connection.execute(_UNDO, {**_key(call, operation), "at": entry.at})
        elif row.state == "refused":
            entry = entry_of(call, operation, "not_needed", {}, started_at)
        else:
            entry = entry_of(call, operation, "undone" if row.outcome else "not_needed", row.outcome, started_at)
            self._journal.redelivered(entry, connection)
            return _undone(entry)
        self._journal.record(entry, connection)
        self._reach(f"{operation}.undo", "inside")
        return _undone(entry)

    def _write_off(
        self,
        request: WriteOffStep,
        operation: str,
        give_up: Callable[[Connection, dict[str, Any]], None],
        started_at: datetime,
        connection: Connection,
    ) -> WrittenOff:
        call, told = request.call, {"by": request.by, "reason": request.reason}
        alone(connection, call.saga_id)
        row = _find(connection, call, operation)
        if row is not None and row.state == "applied":
            entry = entry_of(call, operation, "written_off", told, started_at)
            if _written_off(connection, call) is not None:
                self._journal.redelivered(entry, connection)
                return WrittenOff(status="written_off", attempts=call.attempt)
            give_up(connection, row.outcome)
            connection.execute(
                _WRITE_OFF,
                {
                    "order_id": call.saga_id,
                    "name": call.undo,
                    "decided_by": request.by,
                    "reason": request.reason,
                    "at": entry.at,
                },
            )
        elif row is not None and row.state == "undone" and row.outcome:
            entry = entry_of(call, operation, "undone", row.outcome, started_at)
            self._journal.redelivered(entry, connection)
            return WrittenOff(status="undone", attempts=call.attempt)
        else:
            entry = entry_of(call, operation, "not_needed", {}, started_at)
            if row is None:
                _record(connection, entry)
        self._journal.record(entry, connection)
        self._reach(f"{operation}.write_off", "inside")
        return WrittenOff(status="written_off" if entry.state == "written_off" else "not_needed", attempts=call.attempt)


def _written_off(connection: Connection, call: StepCall) -> dict[str, Any] | None:
    row = connection.execute(_FIND_WRITE_OFF, {"of": call.saga_id, "undo": call.undo}).first()
    return None if row is None else {"by": row.decided_by, "reason": row.reason}


def _undone(entry: Entry) -> Undone:
    return Undone(status="undone" if entry.state == "undone" else "not_needed", attempts=entry.call.attempt)


def _key(call: StepCall, operation: str) -> dict[str, Any]:
    return {"key_saga_id": call.saga_id, "key_operation": operation, "key_occurrence": call.occurrence}


def _find(connection: Connection, call: StepCall, operation: str) -> Row[str, dict[str, Any]] | None:
    return connection.execute(_FIND, _key(call, operation)).first()


def _record(connection: Connection, entry: Entry) -> None:
    fenced = entry.state == "not_needed"
    connection.execute(
        _INSERT,
        {
            "saga_id": entry.call.saga_id,
            "operation": entry.operation,
            "occurrence": entry.call.occurrence,
            "state": "undone" if fenced else entry.state,
            "outcome": entry.outcome,
            "created_at": entry.at,
            "undone_at": entry.at if fenced else None,
        },
    )
