"""A run whose workflow task fails again and again takes no update: the operator is told so, and may ask again."""

import pytest
from temporalio import workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from flowforge.errors import TemporalUnavailable
from flowforge.orders.contracts import Order, OrderOptions
from tests.workflow.shop import another_connection, open_counter

_TOO_OFTEN = 3
"""From this attempt of one task on Temporal brings no update to a run."""


@workflow.defn(name="OrderWorkflow", sandboxed=False)
class Broken:
    """A version that somebody deployed, and that cannot run."""

    @workflow.run
    async def run(self, _order: Order) -> None:
        """Break."""
        raise RuntimeError("a bug")


async def test_run_whose_task_keeps_failing_is_asked_something_fault_names_it(client: Client, sqlite_url: str) -> None:
    async with open_counter(await another_connection(client), sqlite_url, OrderOptions()) as counter:
        placed = await counter.place()
        handle = counter.client.get_workflow_handle(placed.workflow_id)
        async with Worker(
            client, task_queue=counter.task_queue, workflows=[Broken], workflow_runner=UnsandboxedWorkflowRunner()
        ):
            while (await handle.describe()).raw_description.pending_workflow_task.attempt < _TOO_OFTEN:
                pass  # Temporal has no event for it
        with pytest.raises(TemporalUnavailable, match="keeps failing"):
            await counter.control.pause(placed.order_id)
        await handle.terminate()
