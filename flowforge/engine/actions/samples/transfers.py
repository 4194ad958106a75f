"""Samples that move money between accounts: every movement is in one transaction with its ledger row."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from pydantic import AliasChoices, BaseModel, ConfigDict, Field
from sqlalchemy import Connection, bindparam, insert, select, update

from flowforge.engine.actions.declaration import ActionContext, NotNeeded, Refused, Workflow, action
from flowforge.engine.actions.samples.amounts import amount, minor, number
from flowforge.engine.actions.samples.records import SampleRecords, play_along
from flowforge.engine.actions.units import by_itself, undo_of
from flowforge.errors import InsufficientFunds
from flowforge.persistence.postgres import alone
from flowforge.persistence.tables.accounts import SAMPLE_ACCOUNTS
from flowforge.services.ledger import SqlLedger

OPENED_WITH_MINOR: Final = 100_000
"""What an account has that nobody has named before: a thousand."""

_CATEGORY: Final = "samples"
_DEBIT: Final = "samples.debit"
_CREDIT: Final = "samples.credit"
_ID: Final = SAMPLE_ACCOUNTS.c.account_id == bindparam("id")
_FIND: Final = select(SAMPLE_ACCOUNTS.c.balance_minor).where(_ID).with_for_update()
_OPEN: Final = insert(SAMPLE_ACCOUNTS)
_MOVE: Final = (
    update(SAMPLE_ACCOUNTS).where(_ID).values(balance_minor=SAMPLE_ACCOUNTS.c.balance_minor + bindparam("by"))
)


class TransferParams(BaseModel):
    """From where to where, and how much."""

    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)

    source: str = Field(
        validation_alias=AliasChoices("fromAccount", "sourceAccount", "source", "from", "fromAccountId", "sourceId"),
        min_length=1,
        max_length=128,
    )
    destination: str = Field(
        validation_alias=AliasChoices(
            "toAccount", "destinationAccount", "destination", "to", "toAccountId", "destinationId"
        ),
        min_length=1,
        max_length=128,
    )
    amount: Any

    @property
    def exact(self) -> Decimal:
        """The amount, more than nothing.

        Raises:
            Refused: it is no such amount.
        """
        found = amount(self.amount, "amount")
        if not found:
            raise Refused("bad_amount", "a transfer moves more than nothing")
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """Money that came to an account, or left it, where it is negative."""

    account: str
    by_minor: int
    balance_minor: int


class TransferSamples(Workflow):
    """A transfer debits one account and credits another; what is not completed is taken back."""

    def __init__(self, ledger: SqlLedger) -> None:
        self._ledger = ledger
        self._records = SampleRecords(ledger)

    @action("ValidateAccounts", category=_CATEGORY, effect=False)
    async def validate(self, params: TransferParams, context: ActionContext) -> dict[str, Any]:
        """See that a transfer has an amount, and two accounts."""
        play_along(context)
        if params.source == params.destination:
            raise Refused("same_account", "a transfer is between two accounts")
        return {"valid": True, "from": params.source, "to": params.destination, "amount": number(params.exact)}

    @action("DebitSource", category=_CATEGORY, fenced=True)
    async def debit(self, params: TransferParams, context: ActionContext) -> dict[str, Any]:
        """Take money from the first account, which opens with 1000. Undone by CreditSource."""
        return await self._move(context, _DEBIT, params.source, -minor(params.exact))

    @action("CreditSource", category=_CATEGORY, fenced=True, only_undoes=True)
    async def credit_back(self, _params: Any, context: ActionContext) -> dict[str, Any] | NotNeeded:
        """Undo DebitSource."""
        return await self._take_back(context, _DEBIT)

    @action("CreditDestination", category=_CATEGORY, fenced=True)
    async def credit(self, params: TransferParams, context: ActionContext) -> dict[str, Any]:
        """Give money to the second account. Undone by DebitDestination."""
        return await self._move(context, _CREDIT, params.destination, minor(params.exact))

    @action("DebitDestination", category=_CATEGORY, fenced=True, only_undoes=True)
    async def debit_back(self, _params: Any, context: ActionContext) -> dict[str, Any] | NotNeeded:
        """Undo CreditDestination."""
        return await self._take_back(context, _CREDIT)

    @action("RecordAuditLog", category=_CATEGORY, fenced=True)
    async def record(self, params: TransferParams, context: ActionContext) -> dict[str, Any]:
        """Write down what was moved; nothing to undo."""
        told = {"from": params.source, "to": params.destination, "amount": number(params.exact)}
        return await self._records.once(context, told)

    @action("SendNotifications", category=_CATEGORY, fenced=True)
    async def notify(self, params: TransferParams, context: ActionContext) -> dict[str, Any]:
        """Tell both sides; nothing to undo."""
        return await self._records.once(context, {"notified": [params.source, params.destination]})

    async def _move(self, context: ActionContext, operation: str, account: str, by_minor: int) -> dict[str, Any]:
        play_along(context)
        call = by_itself(context.call)
        moved = await self._ledger.apply(call, operation, _movement(account, by_minor), Movement)
        return {
            "account": moved.account,
            "amount": number(Decimal(abs(moved.by_minor)) / 100),
            "balance": number(Decimal(moved.balance_minor) / 100),
        }

    async def _take_back(self, context: ActionContext, operation: str) -> dict[str, Any] | NotNeeded:
        def reverse(connection: Connection, outcome: dict[str, Any]) -> None:
            connection.execute(_MOVE, {"id": outcome["account"], "by": -outcome["by_minor"]})

        answer = await self._ledger.undo(undo_of(by_itself(context.call)).call, operation, reverse)
        if answer.status == "not_needed":
            return NotNeeded({"reason": "nothing was moved"})
        return {"takenBack": True}


def _movement(account: str, by_minor: int) -> Callable[[Connection], Movement]:
    def move(connection: Connection) -> Movement:
        balance = _balance(connection, account) + by_minor
        if balance < 0 and by_minor < 0:
            raise InsufficientFunds(f"the account {account} has not enough")
        connection.execute(_MOVE, {"id": account, "by": by_minor})
        return Movement(account=account, by_minor=by_minor, balance_minor=balance)

    return move


def _balance(connection: Connection, account: str) -> int:
    """Return what an account has, opening it where there is none, and let nobody else move anything meanwhile."""
    alone(connection, f"sample-account:{account}")
    found = connection.execute(_FIND, {"id": account}).first()
    if found is not None:
        balance: int = found.balance_minor
        return balance
    opened = {"opened_with_minor": OPENED_WITH_MINOR, "balance_minor": OPENED_WITH_MINOR}
    connection.execute(_OPEN, {"account_id": account, "opened_at": datetime.now(UTC), **opened})
    return OPENED_WITH_MINOR
