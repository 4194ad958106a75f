"""The activities that belong to a run itself: writing its row, and ending it as the row says."""

from datetime import timedelta
from typing import Final, Protocol

from temporalio import activity
from temporalio.exceptions import ApplicationError

from flowforge.engine.contracts import CANCEL_RUN, PREPARE_CHILD, CancelRun, PrepareChild, RunRequest
from flowforge.engine.saving import SAVE, RunSaved, SaveRun
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


class Prepares(Protocol):
    """Prepares runs that runs start."""

    async def prepare(self, wish: PrepareChild) -> RunRequest:
        """Return the run that a step starts.

        Raises:
            DatabaseUnavailable: try again.
            Exception: it cannot be started.
        """
        ...


class RunActivities:
    """Delivers the runs' calls to their rows, and to whoever knows what they may start."""

    def __init__(self, rows: Rows, children: Prepares) -> None:
        self._rows = rows
        self._children = children

    @activity.defn(name=SAVE)
    async def save(self, request: SaveRun) -> RunSaved:
        """Write what a turn has changed; a second time it changes nothing."""
        try:
            return await self._rows.save(request)
        except FlowForgeError as error:
            raise ApplicationError(error.message, type=error.code, non_retryable=not error.retryable) from error

    @activity.defn(name=PREPARE_CHILD)
    async def prepare_child(self, wish: PrepareChild) -> RunRequest:
        """Look up what a run needs that a step starts; nothing is started yet."""
        try:
            return await self._children.prepare(wish)
        except FlowForgeError as error:
            raise ApplicationError(error.message, type=error.code, non_retryable=not error.retryable) from error
        except ValueError as error:
            raise ApplicationError(str(error), type="bad_params", non_retryable=True) from error

    @activity.defn(name=CANCEL_RUN)
    async def cancel_run(self, request: CancelRun) -> None:
        """Ask Temporal to cancel the run that asks for this; a second time is nothing new."""
        info = activity.info()
        if info.workflow_id is None:
            raise RuntimeError("no run asked for this")
        run = activity.client().get_workflow_handle(info.workflow_id, run_id=info.workflow_run_id)
        await run.cancel(reason=request.reason, rpc_timeout=_RPC_TIMEOUT)
