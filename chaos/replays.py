"""Histories of orders that went through faults, replayed by this code: one that cannot be stays open for ever."""

from typing import Final

from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

from chaos.world import World
from flowforge.ids import workflow_id_of_return, workflow_id_of_unwinding
from flowforge.orders.returning import ReturnWorkflow
from flowforge.orders.workflow import OrderWorkflow

_RUNS: Final = (str, workflow_id_of_unwinding, workflow_id_of_return)


async def replay(world: World, workflow_id: str) -> int:
    """Replay an order's own run, the one that unwound it and the one that returned it, where there are any.

    Returns:
        How many there were.

    Raises:
        AssertionError: one cannot be replayed; the message says which and why.
    """
    replayer = Replayer(
        workflows=[OrderWorkflow, ReturnWorkflow],
        data_converter=pydantic_data_converter,
        workflow_runner=UnsandboxedWorkflowRunner(),
        debug_mode=True,  # without the search for deadlocks: a machine that is busy for two seconds is none
    )
    replayed = 0
    for name in (run(workflow_id) for run in _RUNS):
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
