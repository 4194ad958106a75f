"""Has a turn written to its run's row, from inside the workflow: once, and before anything comes of it."""

from dataclasses import replace
from datetime import timedelta
from typing import Final

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import FailureError

from flowforge.engine.contracts import Carried, RunRequest
from flowforge.engine.saving import SAVE, RunSaved, SaveRun

_RETRY: Final = RetryPolicy(initial_interval=timedelta(milliseconds=50), maximum_interval=timedelta(seconds=5))
_LONGEST_LOCAL_BACKOFF: Final = timedelta(seconds=2)


class CurrentTask:
    """Knows in which workflow task its run is, so that what a discarded one still writes can be told from it.

    A task that is tried a third time begins with the history of its second time, which Temporal does not keep: only
    when it began is another.
    """

    def __init__(self) -> None:
        self._history = 0
        self._begun_at = ""

    def sign(self, change: SaveRun) -> SaveRun:
        """Return what a turn tells with the name of who tells it, and since when."""
        info = workflow.info()
        history = info.get_current_history_length()
        if history != self._history:
            self._history, self._begun_at = history, workflow.now().isoformat()
        called_off = None if change.opening is None else workflow.cancellation_reason()
        return replace(change, run_id=info.run_id, history=history, task_at=self._begun_at, called_off=called_off)


async def save_turn(change: SaveRun, request: RunRequest, task: CurrentTask, *, rest: Carried | None) -> RunSaved:
    """Write what a turn has changed, tried until the database takes it; return the row as it is then.

    Args:
        change: what the turn tells.
        request: the accepted run.
        task: the one that the turn belongs to.
        rest: with what the run goes on, should somebody have it go on after this end.
    """
    try:
        # Never through the queue: it may be larger than what Temporal takes, and is for the database alone.
        saved: RunSaved = await workflow.execute_local_activity(
            SAVE,
            replace(task.sign(change), reopens=request.overruled is not None, rest=rest),
            result_type=RunSaved,
            start_to_close_timeout=timedelta(seconds=request.options.local_timeout_s),
            retry_policy=_RETRY,
            local_retry_threshold=_LONGEST_LOCAL_BACKOFF,
            summary=f"note {change.status}",
        )
    except FailureError as error:
        raise RuntimeError("what the run has done cannot be written") from error  # it must not end without undo
    return saved
