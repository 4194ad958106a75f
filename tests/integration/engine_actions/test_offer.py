"""What a process offers, as its settings say."""

import pytest

from flowforge.cli.workflows.known import KnownActions
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


async def test_what_is_known_of_actions_without_running_them_is_what_they_say_of_themselves(sqlite_url: str) -> None:
    modules = "tests.integration.engine_actions.own"
    registry, known = (await offered(sqlite_url, OfferOptions(modules=modules))).registry, KnownActions(modules)
    assert sorted(known.names()) == sorted(registry.names())
    assert [known.find(name) for name in registry.names()] == [registry.find(name) for name in registry.names()]


async def test_a_webhook_has_nothing_to_undo_and_is_in_history_before_it_is_sent(sqlite_url: str) -> None:
    registry = (await offered(sqlite_url, OfferOptions())).registry
    webhook = registry.find("webhook")
    assert webhook is not None
    assert not webhook.has_effect
    assert registry.has_effect("webhook", {"url": "https://shop.example"})  # so no workflow task sends it
