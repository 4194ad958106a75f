"""The activities that belong to a run itself: writing its row, and ending it as the row says."""

from datetime import timedelta
from typing import Final, Protocol

from temporalio import activity
from temporalio.exceptions import ApplicationError

from flowforge.engine.contracts import CANCEL_RUN, SAVE, CancelRun, RunSaved, SaveRun
from flowforge.errors import FlowForgeError

_RPC_TIMEOUT: Final = timedelta(seconds=5)


class Rows(Protocol):
    """Moves the runs' rows."""

    async def save(self, request: SaveRun) -> RunSaved:
        """Write what a turn has changed.

        Raises:
            DatabaseUnavailable: nothing was written; try again.
        """
        ...


class RunActivities:
    """Delivers the runs' calls to their rows."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    @activity.defn(name=SAVE)
    async def save(self, request: SaveRun) -> RunSaved:
        """Write what a turn has changed; a second time it changes nothing."""
        try:
            return await self._rows.save(request)
        except FlowForgeError as error:
            raise ApplicationError(error.message, type=error.code, non_retryable=not error.retryable) from error

    @activity.defn(name=CANCEL_RUN)
    async def cancel_run(self, request: CancelRun) -> None:
        """Ask Temporal to cancel the run that asks for this; a second time is nothing new."""
        info = activity.info()
        if info.workflow_id is None:
            raise RuntimeError("no run asked for this")
        run = activity.client().get_workflow_handle(info.workflow_id, run_id=info.workflow_run_id)
        await run.cancel(reason=request.reason, rpc_timeout=_RPC_TIMEOUT)
