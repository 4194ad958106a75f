"""What an order can be is either open or closed: only an open one may ever be unwound."""

from typing import get_args

from flowforge.orders.contracts import OrderStatus
from flowforge.orders.records import CLOSED, OPEN


def test_every_status_is_open_or_closed_and_none_is_both() -> None:
    assert set(get_args(OrderStatus)) == OPEN | CLOSED
    assert not OPEN & CLOSED
