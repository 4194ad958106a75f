"""Open runs as the reconciler looks after them: one whose workflow is gone is undone by another one, from its row."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from temporalio.client import Client, WorkflowExecutionDescription
from temporalio.exceptions import WorkflowAlreadyStartedError

from flowforge.engine.contracts import RunOptions
from flowforge.engine.idempotency import unwinding_id, workflow_ids
from flowforge.engine.launching import Launcher
from flowforge.engine.store.recall import recall
from flowforge.engine.store.standstill import StillRun, is_still, still_runs
from flowforge.persistence.database import Database
from flowforge.reconciling.sweeps import Sweep
from flowforge.reconciling.watched import Mended
from flowforge.reconciling.workflows import cancel_again, open_workflow

_LOG: Final = logging.getLogger(__name__)


async def open_run(client: Client, run: StillRun) -> WorkflowExecutionDescription | None:
    """Return the workflow that works on a run, its own or one that undoes it; None where there is none, for certain.

    Raises:
        TemporalUnavailable: Temporal is away, or does not know the namespace.
        RPCError: it answered something else; whether there is one is unknown.
    """
    return await open_workflow(client, *workflow_ids(run.execution_id, run.starts))


class WatchedRuns:
    """Open runs.

    Args:
        database: where they are.
        launcher: starts what undoes them.
        options: how that is tried.
        silence_s: seconds of silence after which a worker is taken for dead; by default as the options say.
    """

    noun = "run"

    def __init__(
        self, database: Database, *, launcher: Launcher, options: RunOptions, silence_s: float | None = None
    ) -> None:
        self._database = database
        self._launcher = launcher
        self._options = options
        self._silence_s = options.heartbeat_timeout_s if silence_s is None else silence_s

    async def still(self, sweep: Sweep, *, after: int, limit: int) -> Sequence[StillRun]:
        """See Watched.still."""
        return await self._database.read(still_runs, sweep, after=after, limit=limit)

    async def mend(self, client: Client, still: StillRun) -> Mended | None:
        """See Watched.mend."""
        workflow = await open_run(client, still)
        if workflow is None:
            # It may have ended, with its row, between the two looks.
            if await self._database.read(is_still, still) and await self._unwind(client, still):
                return "unwound"
        elif still.is_to_be_cancelled and await cancel_again(client, workflow, still.cancel_reason or ""):
            return "cancelled"
        return None

    async def tidy(self) -> Sequence[str]:
        """Do nothing: what a run holds, its undos give back."""
        return ()

    async def _unwind(self, client: Client, still: StillRun) -> bool:
        """Start the workflow that undoes a run; tell whether it was us who did."""
        request = await self._database.write(recall, still.execution_id, silence_s=self._silence_s)
        if request is None:
            return False
        try:
            await self._launcher.relaunch(
                client,
                replace(request, options=self._options),
                name=unwinding_id(still.execution_id),
                summary=f"undoes {still.execution_id}, whose own workflow is gone",
            )
        except WorkflowAlreadyStartedError:
            return False
        _LOG.info("the run (%s) has no workflow any more: it is undone", still.status, extra=dict(still.labels))
        return True
