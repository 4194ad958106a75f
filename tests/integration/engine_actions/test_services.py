"""The services as actions: once, undone once, or never at all, whatever is delivered how often and in which order."""

from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import insert
from temporalio.exceptions import ApplicationError

from flowforge.engine.actions.units import WITHIN_RUN
from flowforge.engine.audit import audit
from flowforge.persistence.tables.engine import EXECUTION_UNDOS
from tests.integration.engine_actions.place import RUN, Place

GOODS = {"productId": "SKU-001", "quantity": 2}
CARD = {"amountMinor": 3998, "currency": "USD", "paymentMethod": "tok_visa"}
FORWARD: tuple[tuple[str, str, Any, str | None], ...] = (
    ("quote", "inventory.quote", GOODS, None),
    ("reserve", "inventory.reserve", {"lines": [GOODS]}, "inventory.release"),
    ("charge", "payments.charge", {**CARD, "capture": False}, "payments.refund_by_key"),
    ("ship", "warehouse.apply", GOODS, "warehouse.revert"),
    ("parcel", "shipping.create", {}, "shipping.cancel"),
    ("tell", "notify.send", {"customerId": "c-1", "message": "It is on its way."}, None),
)


async def stock(place: Place) -> tuple[int, int, int]:
    level = next(level for level in await place.services.inventory.levels() if level.product_id == "SKU-001")
    return level.available, level.reserved, level.shipped


async def all_forward(place: Place) -> dict[str, Any]:
    results = {}
    for step, action, params, _ in FORWARD:
        for _delivery in (1, 2):
            results[step] = (await place.act(action, params, step=step)).result
    return results


async def standing(place: Place) -> Sequence[str]:
    """Return the effects of which the audit of runs says that they stand though they are undone."""
    findings = await place.database.read(audit)
    return next(each.examples for each in findings if each.check.name.startswith("no effect of a step stands"))


async def test_every_step_takes_effect_once_however_often_it_is_delivered(place: Place) -> None:
    available, _, shipped = await stock(place)
    results = await all_forward(place)
    assert await stock(place) == (available - 2, 0, shipped + 2)
    assert results["quote"]["quantity"] == 2
    assert results["reserve"] == {"productId": "SKU-001", "quantity": 2}
    charges = await place.services.payments.payments()
    assert [charge.charge_id for charge in charges] == [results["charge"]["chargeId"]]
    assert charges[0].phase == "authorised"
    assert results["tell"] == {"customerId": "c-1"}


async def test_what_was_authorised_is_captured_and_refunded(place: Place) -> None:
    charge = (await place.act("payments.charge", {**CARD, "capture": False}, step="charge")).result
    captured = await place.act("payments.capture", {"chargeId": charge["chargeId"]}, step="capture")
    assert captured.result == {"chargeId": charge["chargeId"], "capturedMinor": 3998}
    assert await place.undo("payments.refund_capture", step="capture")
    assert await place.undo("payments.refund_by_key", step="charge")
    found = await place.services.payments.payment(charge["chargeId"])
    assert found is not None
    assert (found.phase, found.left_minor) == ("refunded", 0)


async def test_undoing_everything_leaves_everything_as_it_was_and_the_audit_clean(place: Place) -> None:
    before = await stock(place)
    await all_forward(place)
    for step, _, _, undo in reversed(FORWARD):
        for _delivery in (1, 2):
            assert undo is None or await place.undo(undo, step=step)
    assert await stock(place) == before
    assert [charge.phase for charge in await place.services.payments.payments()] == ["voided"]
    await place.add_row()
    assert await place.violations() == []


async def test_undos_are_told_as_done_every_effect_that_stands_is_found(place: Place) -> None:
    undos = [(step, undo) for step, _, _, undo in FORWARD if undo is not None]
    rows = [
        {
            "execution_id": RUN,
            "key": step,
            "position": at,
            "step_id": step,
            "visit": 1,
            "action": undo,
            "status": "done",
        }
        for at, (step, undo) in enumerate(undos)
    ]
    await place.add_row()
    await place.database.write(lambda connection: connection.execute(insert(EXECUTION_UNDOS), rows))
    await all_forward(place)
    assert await standing(place) == tuple(sorted(f"{RUN}.1/{step}" for step, _ in undos))
    for step, undo in reversed(undos):
        assert await place.undo(undo, step=step)
    assert await standing(place) == ()


def test_the_audit_knows_every_action_with_an_effect_in_the_saga_of_its_run(place: Place) -> None:
    known = [place.registry.find(name) for name in place.registry.names()]
    assert {facts.name for facts in known if facts and facts.once and facts.has_effect} == {*WITHIN_RUN.values()}


async def test_an_effect_of_a_run_without_a_row_is_found(place: Place) -> None:
    await place.act("payments.charge", CARD, step="charge")
    assert await place.violations() == ["no effect belongs to a run of a definition without a row"]
    await place.add_row()
    assert await place.violations() == []


@pytest.mark.parametrize(("step", "action", "params", "undo"), [each for each in FORWARD if each[3] is not None])
async def test_an_undo_that_comes_first_keeps_its_step_from_happening(
    place: Place, step: str, action: str, params: Any, undo: str
) -> None:
    assert not await place.undo(undo, step=step)
    with pytest.raises(ApplicationError) as caught:
        await place.act(action, params, step=step)
    assert (caught.value.type, caught.value.non_retryable) == ("effect_fenced", True)


async def test_a_refusal_is_an_outcome_and_needs_no_undo(place: Place) -> None:
    for _delivery in (1, 2):
        with pytest.raises(ApplicationError) as caught:
            await place.act("payments.charge", {**CARD, "paymentMethod": "tok_chargeDeclined"}, step="charge")
        assert (caught.value.type, caught.value.non_retryable) == ("card_declined", True)
    assert not await place.undo("payments.refund_by_key", step="charge")


async def test_visits_items_steps_and_generations_are_charged_each(place: Place) -> None:
    units: list[dict[str, Any]] = [{}, {"visit": 2}, {"item": 0}, {"item": 1}, {"visit": 2, "item": 1}]
    for unit in [*units, {"generation": 2}]:
        await place.act("payments.charge", CARD, step="charge", **unit)
    await place.act("payments.charge", CARD, step="another", item=0)
    assert len(await place.services.payments.payments()) == 7
    assert await place.undo("payments.refund_by_key", step="charge", item=1)
    phases = sorted(charge.phase for charge in await place.services.payments.payments())
    assert phases == [*6 * ["captured"], "refunded"]
    await place.add_row()
    assert await place.violations() == []


async def test_items_are_reserved_and_shipped_each(place: Place) -> None:
    before = await stock(place)
    for item in (0, 1):
        await place.act("inventory.reserve", GOODS, step="reserve", item=item)
        await place.act("warehouse.apply", GOODS, step="ship", item=item)
    assert await stock(place) == (before[0] - 4, 0, before[2] + 4)
    assert await place.undo("warehouse.revert", step="ship", item=0)
    assert await place.undo("inventory.release", step="reserve", item=0)
    assert await stock(place) == (before[0] - 2, 0, before[2] + 2)


async def test_an_undo_that_is_no_compensation_is_refused(place: Place) -> None:
    with pytest.raises(ApplicationError, match="compensation") as caught:
        await place.act("payments.refund_by_key", {}, step="refund")
    assert (caught.value.type, caught.value.non_retryable) == ("not_an_undo", True)


@pytest.mark.parametrize(
    ("action", "params"),
    [
        ("payments.charge", {**CARD, "amountMinor": -1}),
        ("payments.charge", {**CARD, "amountMinor": 1.5}),
        ("payments.charge", {**CARD, "currency": "usd"}),
        ("inventory.reserve", {"productId": "SKU-001"}),
        ("inventory.reserve", {**GOODS, "lines": [GOODS]}),
        ("inventory.reserve", {"lines": [GOODS, GOODS]}),
        ("inventory.reserve", {"lines": []}),
    ],
)
async def test_wrong_params_are_refused_before_anything_happens(place: Place, action: str, params: Any) -> None:
    with pytest.raises(ApplicationError) as caught:
        await place.act(action, params, step="step")
    assert (caught.value.type, caught.value.non_retryable) == ("bad_params", True)


async def test_effects_belong_to_their_run_and_to_no_order(place: Place) -> None:
    await all_forward(place)
    assert [charge.order_id for charge in await place.services.payments.payments()] == [f"{RUN}.1/charge"]
    assert [record.order_id for record in await place.services.warehouse.records()] == [f"{RUN}.1"]
