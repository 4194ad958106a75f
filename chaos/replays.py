"""Histories that went through faults, replayed by this code: one that cannot be stays open for ever."""

from collections.abc import Callable
from typing import Final

from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

from chaos.world import World
from flowforge.engine.idempotency import unwinding_id
from flowforge.engine.workflow import RunWorkflow
from flowforge.ids import workflow_id_of_return, workflow_id_of_unwinding
from flowforge.orders.returning import ReturnWorkflow
from flowforge.orders.workflow import OrderWorkflow
from flowforge.temporal.converter import DATA_CONVERTER

Names = tuple[Callable[[str], str], ...]
"""From a workflow's name, the names of all that may have worked on the same."""

ORDERS: Final[Names] = (str, workflow_id_of_unwinding, workflow_id_of_return)
RUNS: Final[Names] = (str, unwinding_id)


async def replay(world: World, workflow_id: str, names: Names = ORDERS) -> int:
    """Replay an order's own run, the one that unwound it and the one that returned it, or a run's, where there are any.

    Returns:
        How many there were.

    Raises:
        AssertionError: one cannot be replayed; the message says which and why.
    """
    replayer = Replayer(
        workflows=[OrderWorkflow, ReturnWorkflow, RunWorkflow],
        data_converter=DATA_CONVERTER,
        workflow_runner=UnsandboxedWorkflowRunner(),
        debug_mode=True,  # without the search for deadlocks: a machine that is busy for two seconds is none
    )
    replayed = 0
    for name in (of(workflow_id) for of in names):
        try:
            history = await world.client.get_workflow_handle(name).fetch_history()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                continue
            raise
        outcome = await replayer.replay_workflow(history, raise_on_replay_failure=False)
        if outcome.replay_failure is not None:
            raise AssertionError(f"{name} cannot be replayed: {outcome.replay_failure}")
        replayed += 1
    return replayed
