"""Puts a process together: database, services, the door to the orders, the API, the worker. Closed in reverse order."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import structlog
from fastapi import FastAPI
from temporalio.client import Client
from temporalio.common import WorkerDeploymentVersion
from temporalio.worker import Worker

from flowforge.api.app import create_app
from flowforge.api.dependencies import AppServices
from flowforge.api.feed import Feed
from flowforge.cli.engine import Engine, open_engine
from flowforge.orders.activities import OrderActivities
from flowforge.orders.backlog import TaskQueueBacklog
from flowforge.orders.contracts import OrderOptions
from flowforge.orders.control import OrderControl
from flowforge.orders.control_rows import ControlRows
from flowforge.orders.gateway import OrderGateway
from flowforge.orders.journal import OrderJournal
from flowforge.orders.lost_returns import WatchedReturns
from flowforge.orders.read_model import ReadModel
from flowforge.orders.reconciling import WatchedOrders
from flowforge.orders.records import CLOSED
from flowforge.orders.returns import OrderReturns
from flowforge.orders.stats import Statistics
from flowforge.persistence.database import Database
from flowforge.persistence.leases import new_holder
from flowforge.persistence.migrations.migrate import migrate
from flowforge.reconciling.reconciler import Reconciler
from flowforge.services.fault_points import FaultPoint
from flowforge.services.wiring import Services, build_services
from flowforge.settings import Settings
from flowforge.temporal.client import identity
from flowforge.temporal.target import TemporalTarget
from flowforge.worker.app import build_worker
from flowforge.worker.registration import activities_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Fulfilment:
    """The application without its processes: everything that lives on the database.

    Attributes:
        settings: what the process was told.
        database: where all of it is.
        journal: writes the orders' rows.
        reads: reads them.
        services: inventory, payments, warehouse.
        engine: definitions and their runs.
    """

    settings: Settings
    database: Database
    journal: OrderJournal
    reads: ReadModel
    services: Services
    engine: Engine

    def gateway(self, client: Client) -> OrderGateway:
        """Return the door to the orders; the worker's own client makes their start eager."""
        return OrderGateway(client, self.reads, task_queue=self.settings.task_queue, options=self._order_options())

    def control(self, client: Client) -> OrderControl:
        """Return what an operator may do to orders."""
        rows = ControlRows(self.database)
        return OrderControl(client, rows, task_queue=self.settings.task_queue, options=self._order_options())

    def returns(self, client: Client) -> OrderReturns:
        """Return what takes completed orders back."""
        options = self._order_options()
        return OrderReturns(client, self.gateway(client), task_queue=self.settings.task_queue, options=options)

    def worker(self, client: Client, version: WorkerDeploymentVersion | None = None) -> Worker:
        """Return a worker that is not yet running, of a version or of none."""
        orders = OrderActivities(self.journal, structlog.contextvars.bind_contextvars)
        return build_worker(
            client,
            task_queue=self.settings.task_queue,
            activities=(*activities_of(self.services, orders), *self.engine.activities),
            max_concurrent_activities=self.settings.max_concurrent_activities,
            max_concurrent_workflow_tasks=self.settings.max_concurrent_workflow_tasks,
            version=version,
        )

    def reconciler(self, client: Client) -> Reconciler:
        """Return what looks after this worker's orders, and those of all others, while it runs beside it."""
        return Reconciler(
            client,
            self.database,
            [
                WatchedOrders(self.database, task_queue=self.settings.task_queue),
                WatchedReturns(self.database, task_queue=self.settings.task_queue),
                self.engine.watched,
            ],
            holder=new_holder(),
            interval=timedelta(seconds=self.settings.reconcile_interval_s),
        )

    def api(self, client: Client, target: TemporalTarget) -> FastAPI:
        """Return the API; whoever serves it closes its services when the server drains."""
        return create_app(
            AppServices(
                orders=self.gateway(client),
                control=self.control(client),
                returns=self.returns(client),
                read_model=self.reads,
                stats=Statistics(self.database).take,
                backlog=TaskQueueBacklog(client, self.settings.task_queue).measure,
                feed=Feed(self.reads, ended=CLOSED, logged_as="order_id"),
                inventory=self.services.inventory,
                payments=self.services.payments,
                warehouse=self.services.warehouse,
                shipping=self.services.shipping,
                engine=self.engine.services(client),
                fault_injection=self.settings.fault_injection,
                temporal_ui_url=ui_url(self.settings, target),
                namespace=target.namespace,
            )
        )

    def _order_options(self) -> OrderOptions:
        settings = self.settings
        return OrderOptions(
            placement=settings.step_placement,
            payment_capture=settings.payment_capture,
            deadline_s=settings.order_deadline_s,
            forward_max_interval_s=settings.forward_retry_max_interval_s,
            undo_max_interval_s=settings.undo_retry_max_interval_s,
        )


async def prepare_database(settings: Settings) -> None:
    """Bring the database up to date, making it where there is none.

    Raises:
        StartupError: it is newer than this code, or cannot be made, reached or written.
    """
    await asyncio.to_thread(migrate, settings.database_url)


@contextlib.asynccontextmanager
async def open_fulfilment(settings: Settings) -> AsyncIterator[Fulfilment]:
    """Open what lives on the database, which is up to date, and close it afterwards.

    Raises:
        StartupError: the fault point that was asked for does not exist.
    """
    reach = FaultPoint.reach(settings.fault_point, is_allowed=settings.fault_injection)
    database = Database(settings.database_url)
    try:
        journal = OrderJournal(database, reach)
        services = build_services(
            database,
            journal,
            fail_at=settings.fail_at,
            bind_log_context=structlog.contextvars.bind_contextvars,
            reach=reach,
            worker=identity(),
        )
        async with open_engine(settings, database, services, reach) as engine:
            yield Fulfilment(
                settings=settings,
                database=database,
                journal=journal,
                reads=ReadModel(database),
                services=services,
                engine=engine,
            )
    finally:
        await database.close()


def version_of(settings: Settings) -> WorkerDeploymentVersion | None:
    """Return the version that this process's worker was told to be, if any."""
    if not settings.worker_build_id:
        return None
    return WorkerDeploymentVersion(deployment_name=settings.worker_deployment, build_id=settings.worker_build_id)


def ui_url(settings: Settings, target: TemporalTarget) -> str:
    """Return where a browser finds Temporal's UI: where somebody said, else where the server that we use has it."""
    return settings.temporal_ui_url if "temporal_ui_url" in settings.model_fields_set else target.ui_url
