"""Puts the engine together: the actions that this process offers, definitions, and the door to their runs."""

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from temporalio.client import Client

from flowforge.api.dependencies import EngineServices
from flowforge.api.feed import Feed
from flowforge.engine.actions.activity import ActionActivities
from flowforge.engine.actions.offer import OfferOptions, open_offer
from flowforge.engine.actions.registry import ActionRegistry
from flowforge.engine.activities import RunActivities
from flowforge.engine.contracts import RunOptions
from flowforge.engine.control import RunControl
from flowforge.engine.delivery import WebhookDelivery
from flowforge.engine.filling import Filler
from flowforge.engine.gateway import RunGateway
from flowforge.engine.launching import Launcher
from flowforge.engine.preparing import ChildRuns
from flowforge.engine.reconciling import WatchedRuns
from flowforge.engine.retries import RunRetries
from flowforge.engine.store.again import RunRests
from flowforge.engine.store.bundled import publish_bundled
from flowforge.engine.store.definitions import DefinitionStore
from flowforge.engine.store.keys import StartKeys
from flowforge.engine.store.reads import RunReads
from flowforge.engine.store.records import ENDED
from flowforge.engine.store.rows import RunRows
from flowforge.engine.store.values import RunValues
from flowforge.persistence.database import Database
from flowforge.persistence.leases import new_holder
from flowforge.services.fault_points import Reach, nowhere
from flowforge.services.wiring import Services
from flowforge.settings import Settings
from flowforge.worker.registration import activities_of_runs


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """The engine without its processes.

    Attributes:
        settings: what the process was told.
        database: where definitions and runs are.
        registry: the actions that it offers.
        actions: runs them.
        definitions: publishes and finds definitions.
        launcher: starts the workflows of runs.
        delivery: delivers what definitions' webhooks are told.
    """

    settings: Settings
    database: Database
    registry: ActionRegistry
    actions: ActionActivities
    definitions: DefinitionStore
    launcher: Launcher
    delivery: WebhookDelivery

    @property
    def activities(self) -> Sequence[Callable[..., Any]]:
        """What a worker runs for it."""
        filler = Filler(RunValues(self.database))
        children = ChildRuns(self.definitions, self.registry, filler)
        runs = RunActivities(RunRows(self.database), children, filler, self.actions.act)
        return (*activities_of_runs(runs), self.actions.act)

    async def publish_bundled(self) -> None:
        """Publish the definitions that come with this package, where they never were.

        Raises:
            DatabaseUnavailable: try again.
        """
        await publish_bundled(self.definitions, self.registry)

    def services(self, client: Client) -> EngineServices:
        """Return what the API works with; the worker's own client makes the start of runs eager."""
        reads = RunReads(self.database)
        runs = RunGateway(
            client,
            definitions=self.definitions,
            reads=reads,
            keys=StartKeys(self.database),
            filler=Filler(RunValues(self.database)),
            effects=self.registry,
            launcher=self.launcher,
            options=self._options,
        )
        control = RunControl(client, runs=runs, rows=RunRows(self.database))
        return EngineServices(
            definitions=self.definitions,
            runs=runs,
            control=control,
            retries=RunRetries(
                runs=runs,
                control=control,
                definitions=self.definitions,
                rests=RunRests(self.database),
                effects=self.registry,
            ),
            reads=reads,
            feed=Feed(reads, ended=ENDED, logged_as="execution_id"),
            actions=self.registry.listing,
        )

    @property
    def watched(self) -> WatchedRuns:
        """Open runs, for the reconciler."""
        return WatchedRuns(self.database, launcher=self.launcher, options=self._options)

    @property
    def _options(self) -> RunOptions:
        return RunOptions(
            forward_max_interval_s=self.settings.forward_retry_max_interval_s,
            undo_max_interval_s=self.settings.undo_retry_max_interval_s,
            placement=self.settings.step_placement,
            joins_saves=True,
        )


@contextlib.asynccontextmanager
async def open_engine(
    settings: Settings, database: Database, services: Services, reach: Reach = nowhere
) -> AsyncIterator[Engine]:
    """Open the engine over a database that is up to date, and close what its actions hold afterwards.

    Args:
        settings: what the process was told.
        database: where definitions and runs are.
        services: the fulfilment's own.
        reach: called at the fault points of the sample actions' transactions.

    Raises:
        StartupError: ACTIONS, EGRESS_ALLOW or WEBHOOK_SECRET is wrong.
    """
    options = OfferOptions(
        modules=settings.actions, egress_allow=settings.egress_allow, webhook_secret=settings.webhook_secret
    )
    bind = structlog.contextvars.bind_contextvars
    async with open_offer(options, services=services, database=database, bind=bind, reach=reach) as offer:
        yield Engine(
            settings=settings,
            database=database,
            registry=offer.registry,
            actions=offer.activities,
            definitions=DefinitionStore(database, offer.registry),
            launcher=Launcher(settings.task_queue),
            delivery=WebhookDelivery(offer.client, database, offer.keys, holder=new_holder()),
        )
