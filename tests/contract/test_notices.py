"""What every service that tells customers something does."""

import pytest

from flowforge.errors import DatabaseUnavailable
from flowforge.services.notices.contracts import SendNotice
from tests.contract.worlds import World, forward


def _notice(attempt: int = 1) -> SendNotice:
    return SendNotice(
        call=forward("notify", attempt=attempt), order_id="ord_1", customer_id="cust_1", message="on its way"
    )


async def test_customer_is_told_once_however_often_it_is_asked_for(world: World) -> None:
    assert await world.notices.send(_notice()) == await world.notices.send(_notice(2))
    [notice] = await world.notices.sent("ord_1")
    assert (notice.order_id, notice.customer_id, notice.message) == ("ord_1", "cust_1", "on its way")
    assert world.journal.story == [("notices.send", "applied")]


async def test_notice_that_is_not_recorded_is_not_sent(world: World) -> None:
    world.journal.broken_by = DatabaseUnavailable("away")
    with pytest.raises(DatabaseUnavailable):
        await world.notices.send(_notice())
    assert await world.notices.sent("ord_1") == []
