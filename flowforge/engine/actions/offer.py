"""Everything that a worker offers to definitions: what is built in, the samples, and actions of one's own."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Final

import httpx2

from flowforge.engine.actions.activity import ActionActivities
from flowforge.engine.actions.basic import basic_actions
from flowforge.engine.actions.http_request import http_request
from flowforge.engine.actions.javascript.pool import JavaScriptPool
from flowforge.engine.actions.loading import actions_of, load_actions
from flowforge.engine.actions.registry import Action, ActionRegistry
from flowforge.engine.actions.samples.customers import CustomerSamples
from flowforge.engine.actions.samples.orders import OrderSamples
from flowforge.engine.actions.samples.processes import process_samples
from flowforge.engine.actions.samples.records import NoJournal, SampleRecords
from flowforge.engine.actions.samples.transfers import TransferSamples
from flowforge.engine.actions.services import ServiceActions
from flowforge.engine.actions.signing import read_secrets
from flowforge.engine.actions.transform import Transform
from flowforge.engine.actions.webhook import webhook
from flowforge.engine.filling import Filler
from flowforge.engine.store.values import RunValues
from flowforge.errors import StartupError
from flowforge.persistence.database import Database
from flowforge.security.egress import EgressPolicy
from flowforge.security.outbound import outbound_client
from flowforge.services.delivery import BindLogContext
from flowforge.services.fault_points import Reach, nowhere
from flowforge.services.ledger import SqlLedger
from flowforge.services.wiring import Services

_CONNECT_S: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferOptions:
    """What somebody decides about actions, as the settings have it.

    Attributes:
        modules: ACTIONS: modules with actions of one's own, separated by commas.
        egress_allow: EGRESS_ALLOW: hosts and networks that requests may reach although they are not public.
        webhook_secret: WEBHOOK_SECRET: what webhooks are signed with; empty for no signature.
        threads: how many plain functions may run at once.
        javascript_processes: how many transforms may run at once.
    """

    modules: str = ""
    egress_allow: str = ""
    webhook_secret: str = ""
    threads: int = 32
    javascript_processes: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """The actions of a process: to look at, and to run.

    Attributes:
        client: goes only where requests of definitions may.
        keys: what webhooks are signed with.
    """

    registry: ActionRegistry
    activities: ActionActivities
    client: httpx2.AsyncClient
    keys: tuple[bytes, ...]


@contextlib.asynccontextmanager
async def open_offer(
    options: OfferOptions,
    *,
    services: Services,
    database: Database,
    bind: BindLogContext | None = None,
    reach: Reach = nowhere,
) -> AsyncIterator[Offer]:
    """Put all actions together, and close what they hold afterwards.

    Args:
        options: see there.
        services: the fulfilment's own.
        database: where samples keep what they did.
        bind: binds the log context.
        reach: called at the fault points of the samples' transactions.

    Raises:
        StartupError: an option is wrong, or a module.
    """
    try:
        policy = EgressPolicy.parse(options.egress_allow)
    except ValueError as error:
        raise StartupError(f"EGRESS_ALLOW: {error}") from error
    try:
        keys = read_secrets(options.webhook_secret)
    except ValueError as error:
        raise StartupError(f"WEBHOOK_SECRET: {error}") from error
    pool = JavaScriptPool(options.javascript_processes)
    threads = ThreadPoolExecutor(options.threads, thread_name_prefix="action")
    try:
        async with outbound_client(policy, timeout_s=_CONNECT_S) as client:
            registry = ActionRegistry.of(
                [
                    *basic_actions(),
                    http_request(client),
                    webhook(client, keys),
                    *actions_of(Transform(pool)),
                    *(replace(each, in_ledger=True) for each in actions_of(ServiceActions(services))),
                ],
                sample_actions(database, reach),
                load_actions(options.modules),
            )
            filler = Filler(RunValues(database))
            activities = ActionActivities(registry, threads, bind, filler)
            yield Offer(registry=registry, activities=activities, client=client, keys=keys)
    finally:
        await pool.close()
        await asyncio.to_thread(threads.shutdown)


def sample_actions(database: Database, reach: Reach = nowhere) -> Iterator[Action]:
    """Yield every sample, over the database that keeps what they did."""
    ledger = SqlLedger(database, NoJournal(), reach)
    records = SampleRecords(ledger)
    for workflow in (OrderSamples(records), TransferSamples(ledger), CustomerSamples(records)):
        yield from actions_of(workflow)
    yield from process_samples(records)
