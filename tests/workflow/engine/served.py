"""The application over a stage."""

from datetime import timedelta

from flowforge.api.dependencies import AppServices, EngineServices
from flowforge.api.feed import Feed
from flowforge.engine.store.records import ENDED
from flowforge.orders.backlog import TaskQueueBacklog
from flowforge.orders.contracts import OrderOptions
from flowforge.orders.control import OrderControl
from flowforge.orders.control_rows import ControlRows
from flowforge.orders.gateway import OrderGateway
from flowforge.orders.journal import OrderJournal
from flowforge.orders.read_model import ReadModel
from flowforge.orders.records import CLOSED
from flowforge.orders.returns import OrderReturns
from flowforge.orders.stats import Statistics
from flowforge.services.wiring import build_services
from tests.workflow.engine.stage import Stage


def services_of(stage: Stage) -> AppServices:
    """Return what the application works with: the orders' part as in real life, and the stage's runs."""
    client, database, queue = stage.client, stage.database, stage.task_queue
    reads, options = ReadModel(database), OrderOptions()
    shop = build_services(database, OrderJournal(database))
    orders = OrderGateway(client, reads, task_queue=queue, options=options)
    quick = timedelta(milliseconds=5)
    return AppServices(
        orders=orders,
        control=OrderControl(client, ControlRows(database), task_queue=queue, options=options),
        returns=OrderReturns(client, orders, task_queue=queue, options=options),
        read_model=reads,
        stats=Statistics(database).take,
        backlog=TaskQueueBacklog(client, queue).measure,
        feed=Feed(reads, ended=CLOSED, logged_as="order_id"),
        inventory=shop.inventory,
        payments=shop.payments,
        warehouse=shop.warehouse,
        shipping=shop.shipping,
        engine=EngineServices(
            definitions=stage.definitions,
            runs=stage.gateway,
            control=stage.control,
            retries=stage.retries,
            reads=stage.reads,
            feed=Feed(stage.reads, quickest=quick, slowest=quick * 4, ended=ENDED, logged_as="execution_id"),
            actions=lambda: [{"name": "do"}],
        ),
    )
