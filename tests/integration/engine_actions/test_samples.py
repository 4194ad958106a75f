"""The samples over a real ledger."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select
from temporalio.exceptions import ApplicationError

from flowforge.engine.actions.contract import ActionAnswer
from flowforge.engine.actions.samples.transfers import OPENED_WITH_MINOR
from flowforge.engine.validation.examine import examine
from flowforge.persistence.tables.accounts import SAMPLE_ACCOUNTS
from tests.integration.engine_actions.place import Place

_FIXTURES = Path(__file__).parents[2] / "fixtures" / "engine"

ORDER: dict[str, Any] = {
    "orderId": "ORD-123",
    "userId": "user-456",
    "items": [{"sku": "PROD-789", "quantity": 2, "price": 49.99}, {"sku": "P-2", "quantity": 3, "price": "0.10"}],
}
TRANSFER = {"fromAccount": "A", "toAccount": "B", "amount": 250.1}
TESTED: dict[str, tuple[str | None, Any]] = {
    "ChargePayment": ("RefundPayment", ORDER),
    "ReserveInventory": ("ReleaseInventory", ORDER),
    "CreateShipment": ("CancelShipment", ORDER),
    "DebitSource": ("CreditSource", TRANSFER),
    "CreditDestination": ("DebitDestination", TRANSFER),
    "MigrateToServiceA": ("RollbackServiceA", {}),
    "MigrateToServiceB": ("RollbackServiceB", {}),
    "MigrateToServiceC": ("RollbackServiceC", {}),
    "Reviewer1Approve": ("RevokeApproval1", {"approvals": {"reviewer1": True}}),
    "Reviewer2Approve": ("RevokeApproval2", {"approvals": {"reviewer2": True}}),
    "FinalApproval": ("RevokeFinalApproval", {"approvals": {"final": True}}),
}


async def do(place: Place, action: str, given: Any, **more: Any) -> Any:
    """Run a step without params: it is given the context."""
    return (await answer(place, action, given, **more)).result


async def answer(place: Place, action: str, given: Any, **more: Any) -> ActionAnswer:
    return await place.act(action, given, step=action, context=given, **more)


async def refusal(place: Place, action: str, given: Any) -> str | None:
    with pytest.raises(ApplicationError) as caught:
        await do(place, action, given)
    assert caught.value.non_retryable
    return caught.value.type


async def balances(place: Place) -> dict[str, int]:
    def read(connection: Connection) -> dict[str, int]:
        columns = SAMPLE_ACCOUNTS.c.account_id, SAMPLE_ACCOUNTS.c.balance_minor
        return {row.account_id: row.balance_minor for row in connection.execute(select(*columns))}

    return await place.database.read(read)


async def test_an_order_comes_to_its_exact_total(place: Place) -> None:
    validated = await do(place, "ValidateOrder", ORDER)
    assert validated == {
        "valid": True,
        "orderId": "ORD-123",
        "total": 100.28,
        "totalMinor": 10028,
        "currency": "USD",
    }
    assert json.dumps(validated["total"]) == "100.28"
    assert (await do(place, "ChargePayment", ORDER))["amountMinor"] == 10028


@pytest.mark.parametrize(
    ("order", "code"),
    [
        ({}, "invalid_order"),
        ({"items": []}, "invalid_order"),
        ({"items": [{"price": 1, "quantity": 0}]}, "invalid_order"),
        ({"items": [{"price": 0.001}]}, "bad_amount"),
        ({"items": [{"price": -1}]}, "bad_amount"),
        ({"items": [{"price": True}]}, "bad_amount"),
        ({"items": [{"price": "NaN"}]}, "bad_amount"),
        ({"total": "much"}, "bad_amount"),
    ],
)
async def test_an_order_that_is_none_is_refused(place: Place, order: Any, code: str) -> None:
    for action in ("ValidateOrder", "validate-order", "validatePayment"):
        assert await refusal(place, action, order) == code


@pytest.mark.parametrize("action", ["ChargePayment", "chargeCard"])
async def test_a_test_amount_above_its_limit_is_refused_each_time_and_there_is_nothing_to_refund(
    place: Place, action: str
) -> None:
    for _delivery in (1, 2):
        assert await refusal(place, action, {**ORDER, "_testAmount": 500.01}) == "card_declined"
    assert not await place.undo("RefundPayment", step=action)


async def test_a_test_amount_up_to_its_limit_is_charged(place: Place) -> None:
    assert (await do(place, "ChargePayment", {**ORDER, "_testAmount": 500}))["amount"] == 500


@pytest.mark.parametrize("action", TESTED)
async def test_a_sample_takes_effect_once_and_is_undone_once(place: Place, action: str) -> None:
    undo, given = TESTED[action]
    first = await do(place, action, given)
    assert first == await do(place, action, given)
    assert undo is not None
    for _delivery in (1, 2):
        assert await place.undo(undo, step=action, result=first)
    with pytest.raises(ApplicationError) as caught:
        await do(place, action, given)
    assert caught.value.type == "effect_fenced"
    await place.add_row()
    assert await place.violations() == []


@pytest.mark.parametrize("action", TESTED)
async def test_a_sample_that_is_undone_before_it_was_done_never_happens(place: Place, action: str) -> None:
    undo, given = TESTED[action]
    assert undo is not None
    assert not await place.undo(undo, step=action)
    assert await refusal(place, action, given) == "effect_fenced"


async def test_a_transfer_moves_money_once_and_loses_none(place: Place) -> None:
    for _delivery in (1, 2):
        await do(place, "DebitSource", TRANSFER)
        await do(place, "CreditDestination", TRANSFER)
    assert await balances(place) == {"A": OPENED_WITH_MINOR - 25010, "B": OPENED_WITH_MINOR + 25010}
    for _delivery in (1, 2):
        await place.undo("DebitDestination", step="CreditDestination")
        await place.undo("CreditSource", step="DebitSource")
    assert await balances(place) == {"A": OPENED_WITH_MINOR, "B": OPENED_WITH_MINOR}


async def test_transfers_side_by_side_keep_the_sum(place: Place) -> None:
    async def transfer(number: int) -> None:
        run = f"exec-{number:032x}"
        names = ["A", "B", "C"]
        given = {"fromAccount": names[number % 3], "toAccount": names[(number + 1) % 3], "amount": 10}
        await do(place, "DebitSource", given, execution_id=run)
        await do(place, "CreditDestination", given, execution_id=run)

    await asyncio.gather(*(transfer(number) for number in range(9)))
    assert sum((await balances(place)).values()) == 3 * OPENED_WITH_MINOR


async def test_an_account_that_has_not_enough_pays_nothing(place: Place) -> None:
    assert await refusal(place, "DebitSource", {**TRANSFER, "amount": 1000.01}) == "insufficient_funds"
    assert await balances(place) == {"A": OPENED_WITH_MINOR}
    assert not await place.undo("CreditSource", step="DebitSource")
    assert await balances(place) == {"A": OPENED_WITH_MINOR}


async def test_a_transfer_between_one_account_is_refused(place: Place) -> None:
    assert await refusal(place, "ValidateAccounts", {"from": "A", "to": "A", "amount": 1}) == "same_account"
    assert await refusal(place, "ValidateAccounts", {"from": "A", "to": "B", "amount": 0}) == "bad_amount"
    assert await refusal(place, "ValidateAccounts", {"from": "A", "amount": 1}) == "bad_params"


async def test_a_reviewer_who_has_not_decided_is_waited_for(place: Place) -> None:
    wait = (await answer(place, "Reviewer1Approve", {})).wait
    assert wait is not None
    assert (wait.event, wait.timeout_ms, wait.on_timeout) == ("reviewer1", 604_800_000, "fail")
    assert wait.schema["required"] == ["approved"]


async def test_a_rejection_stops_what_comes_after_and_revokes_only_what_was_approved(place: Place) -> None:
    said_no = {"Reviewer1Approve": {"approved": True}, "Reviewer2Approve": {"approved": False}}
    assert await refusal(place, "FinalApproval", said_no) == "rejected"
    assert not await place.undo("RevokeApproval2", step="Reviewer2Approve", result={"approved": False})
    assert await place.undo("RevokeApproval1", step="Reviewer1Approve", result={"approved": True})
    assert await refusal(place, "Reviewer1Approve", {"approvals": {"reviewer1": False}}) == "rejected"


@pytest.mark.parametrize(
    ("amount", "risk"), [({"amount": 99.99}, 0.09999), ({"amount": 300}, 0.3), ({"amount": 10**6}, 0.99), ({}, 0.1)]
)
async def test_a_fraud_score_grows_with_the_amount(place: Place, amount: dict[str, Any], risk: float) -> None:
    assert await do(place, "calculateFraudScore", amount) == {"risk": risk}


async def test_a_greeting_knows_whom_it_greets(place: Place) -> None:
    assert await do(place, "greet", {"user": "Ada"}) == {"message": "Hello, Ada!"}
    assert await do(place, "greet", {"name": "Bob", "id": 1}) == {"message": "Hello, Bob!"}
    assert await do(place, "greet", {}) == {"message": "Hello, you!"}


async def test_an_input_may_ask_for_failures(place: Place) -> None:
    assert await refusal(place, "MigrateToServiceB", {"_testFailAt": "MigrateToServiceB"}) == "test_failure"
    with pytest.raises(ApplicationError) as caught:
        await do(place, "callExternalApi", {"_testFailures": 1})
    assert not caught.value.non_retryable
    assert await do(place, "VerifyMigration", {"_testFailAt": ["x"], "_testFailures": 9}) == {"verified": True}


async def test_every_seed_is_valid_with_the_actions_that_are_offered(place: Place) -> None:
    files = sorted((_FIXTURES / "seeds").glob("0*.json"))
    problems = {file.stem: examine(file.read_bytes(), catalogue=place.registry).problems for file in files}
    assert problems == {file.stem: () for file in files}


async def test_what_is_offered_has_a_description(place: Place) -> None:
    listing = place.registry.listing()
    assert [each["name"] for each in listing if not each["description"]] == []
    assert {"http.request", "transform", "webhook", "inventory.reserve", "ChargePayment", "workflow"} <= {
        each["name"] for each in listing
    }
    assert json.loads(json.dumps(listing)) == listing
