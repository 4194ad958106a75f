"""What a process offers, as its settings say."""

import pytest

from flowforge.engine.actions.offer import Offer, OfferOptions, open_offer
from flowforge.errors import StartupError
from flowforge.orders.journal import OrderJournal
from flowforge.persistence.database import Database
from flowforge.services.wiring import build_services


async def offered(url: str, options: OfferOptions) -> Offer:
    """Open an offer, and close it again."""
    database = Database(url)
    services = build_services(database, OrderJournal(database))
    try:
        async with open_offer(options, services=services, database=database) as offer:
            return offer
    finally:
        await database.close()


async def test_actions_of_ones_own_are_offered_beside_the_others(sqlite_url: str) -> None:
    options = OfferOptions(modules="tests.integration.engine_actions.own")
    registry = (await offered(sqlite_url, options)).registry
    listed = {each["name"]: each for each in registry.listing()}
    assert listed["ChargePayment"]["description"] == "Charge as this shop does."
    assert listed["RefundPayment"]["category"] == "samples"
    assert not registry.has_effect("http.request", {"url": "http://shop.example"})
    assert registry.has_effect("http.request", {"method": "POST"})


@pytest.mark.parametrize(
    ("options", "variable"),
    [
        (OfferOptions(modules="nowhere.at_all"), "ACTIONS"),
        (OfferOptions(egress_allow="http://shop"), "EGRESS_ALLOW"),
        (OfferOptions(webhook_secret="whsec_!"), "WEBHOOK_SECRET"),  # noqa: S106 -- it is none
    ],
)
async def test_an_option_that_is_wrong_stops_the_process_and_is_named(
    sqlite_url: str, options: OfferOptions, variable: str
) -> None:
    with pytest.raises(StartupError, match=variable):
        await offered(sqlite_url, options)
