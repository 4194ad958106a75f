"""Has a turn written to its run's row, from inside the workflow: once, and before anything comes of it."""

from dataclasses import replace
from datetime import timedelta
from typing import Final

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import FailureError

from flowforge.engine.contracts import Carried, RunOptions
from flowforge.engine.saving import SAVE, RunSaved, SaveRun

_RETRY: Final = RetryPolicy(initial_interval=timedelta(milliseconds=50), maximum_interval=timedelta(seconds=5))
_LONGEST_LOCAL_BACKOFF: Final = timedelta(seconds=2)


async def save_turn(change: SaveRun, options: RunOptions, *, reopens: bool, rest: Carried | None) -> RunSaved:
    """Write what a turn has changed, tried until the database takes it; return the row as it is then.

    Args:
        change: what the turn tells.
        options: how long an attempt may take.
        reopens: whether a run that had completed is undone after all.
        rest: with what the run goes on, should somebody have it go on after this end.
    """
    info = workflow.info()
    try:
        # Never through the queue: it may be larger than what Temporal takes, and is for the database alone.
        saved: RunSaved = await workflow.execute_local_activity(
            SAVE,
            replace(change, run_id=info.run_id, history=info.get_current_history_length(), reopens=reopens, rest=rest),
            result_type=RunSaved,
            start_to_close_timeout=timedelta(seconds=options.local_timeout_s),
            retry_policy=_RETRY,
            local_retry_threshold=_LONGEST_LOCAL_BACKOFF,
            summary=f"note {change.status}",
        )
    except FailureError as error:
        raise RuntimeError("what the run has done cannot be written") from error  # it must not end without undo
    return saved
