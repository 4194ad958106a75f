"""One order, as a terminal shows it."""

from typing import Any, cast

import pytest

from flowforge.api.schemas.orders import ORDER_EXAMPLE
from flowforge.cli.orders.showing import print_order
from flowforge.remote.asking import Api


class OneOrder:
    """An API that knows one order."""

    def __init__(self, order: dict[str, Any]) -> None:
        self._order = order

    async def get(self, *_path: str) -> dict[str, Any]:
        return self._order


async def test_undo_that_was_written_off_is_shown_as_that(capsys: pytest.CaptureFixture[str]) -> None:
    undos = [dict(undo) for undo in ORDER_EXAMPLE["compensations"]]
    undos[0] |= {"status": "failed", "error": "it broke", "written_off": "ada: paid by hand"}
    undos[1] |= {"status": "failed", "error": "it broke"}
    order = {**ORDER_EXAMPLE, "status": "needs_attention", "compensations": undos}
    await print_order(cast("Api", OneOrder(order)), "ord_7f3a", with_history=False, as_json=False)
    shown = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert "✖ revert_warehouse: written off, 1 attempt" in shown
    assert "written off by ada: paid by hand" in shown
    assert "✖ refund_payment_by_idempotency_key: failed, 1 attempt" in shown
    assert [line for line in shown if "retry-compensation" in line] == [
        "main.py orders retry-compensation ord_7f3a refund_payment_by_idempotency_key"
    ]
