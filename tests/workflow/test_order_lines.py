"""Orders of several products on a real Temporal: all of their lines, or none."""

import pytest

from flowforge.errors import IdempotencyKeyReused
from flowforge.services.lines import Line
from tests.workflow.shop import Shop

LINES = (Line(product_id="SKU-002", quantity=1), Line(product_id="SKU-001", quantity=2))
PRODUCTS = ("SKU-001", "SKU-002", "SKU-003")


async def _stock(shop: Shop) -> list[tuple[int, int, int]]:
    return [await shop.stock(product_id) for product_id in PRODUCTS]


async def test_order_of_several_products_completes_with_one_total(shop: Shop) -> None:
    before = await _stock(shop)
    record = await shop.end(await shop.place(product_id=None, quantity=None, lines=LINES))
    assert (record.status, record.amount_minor) == ("completed", 4950 + 2 * 1999)
    assert (record.product_id, record.items) == (None, LINES)
    assert "charged 89.48 USD" in " ".join(event.message for event in record.events)
    after = await _stock(shop)
    assert [(now[0] - then[0], now[2] - then[2]) for now, then in zip(after, before, strict=True)] == [
        (-2, 2),
        (-1, 1),
        (0, 0),
    ]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (Line(product_id="SKU-404", quantity=1), "unknown_product"),
        (Line(product_id="SKU-003", quantity=1_000_001), "out_of_stock"),
    ],
)
async def test_one_line_that_cannot_be_had_fails_the_whole_order_and_is_named(
    shop: Shop, line: Line, code: str
) -> None:
    before = await _stock(shop)
    record = await shop.end(await shop.place(product_id=None, quantity=None, lines=(*LINES, line)))
    assert (record.status, record.failure_code) == ("failed", code)
    assert record.failure_reason is not None
    assert line.product_id in record.failure_reason
    assert await _stock(shop) == before


async def test_order_of_several_products_that_fails_at_its_end_is_undone_in_every_line(shop: Shop) -> None:
    before = await _stock(shop)
    record = await shop.end(await shop.place(product_id=None, quantity=None, lines=LINES, fail_at="warehouse"))
    assert record.status == "failed"
    assert await _stock(shop) == before


async def test_key_of_an_order_with_other_lines_is_refused_and_one_line_is_the_single_form(
    shop: Shop, placement: str
) -> None:
    several = {"product_id": None, "quantity": None, "lines": LINES, "idempotency_key": f"several {placement}"}
    await shop.end(await shop.place(**several))
    assert (await shop.place(**several)).replayed
    with pytest.raises(IdempotencyKeyReused):
        await shop.place(**{**several, "lines": LINES[::-1]})
    one = await shop.place(idempotency_key=f"one {placement}")
    await shop.end(one)
    line = Line(product_id="SKU-001", quantity=2)
    again = await shop.place(product_id=None, quantity=None, lines=(line,), idempotency_key=f"one {placement}")
    assert (again.order_id, again.replayed) == (one.order_id, True)
