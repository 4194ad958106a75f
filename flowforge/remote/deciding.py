"""What a client decides about runs: a half of `flowforge.client.FlowForge`."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from flowforge.engine.core.views import RunStatus
from flowforge.remote.answers import Accepted, Retried, Started
from flowforge.remote.asking import Api
from flowforge.remote.many import MAX_AT_ONCE, BulkAction, BulkItem, act_on_many
from flowforge.remote.reading import read_as


class RunDecisions:
    """Decides about runs over an API."""

    _api: Api

    async def pause(self, execution_id: str) -> Accepted:
        """Let no further action of a run start; what is in flight goes on, and its deadline stands still."""
        return await self._control(execution_id, "pause")

    async def resume(self, execution_id: str, data: Any = None, *, idempotency_key: str | None = None) -> Accepted:
        """Let a paused run go on; in any other one, wake what waits first, with `data` as its result.

        The same idempotency key again wakes nothing more.
        """
        return await self._control(execution_id, "resume", body={"data": data}, key=idempotency_key)

    async def signal(
        self, execution_id: str, name: str, data: Any = None, *, idempotency_key: str | None = None
    ) -> Accepted:
        """Bring an event to the step that waits for it, or to the first one that will.

        The same idempotency key again brings no other one.
        """
        return await self._control(execution_id, "signals", name, body={"data": data}, key=idempotency_key)

    async def cancel(self, execution_id: str, *, reason: str = "cancelled", source: str | None = None) -> Accepted:
        """Call a run off: no further action starts, and what was done is undone; reason and source are kept with it."""
        return await self._control(execution_id, "cancel", body={"reason": reason, "source": source})

    async def retry(
        self,
        execution_id: str,
        *,
        from_step: str | None = None,
        context: Mapping[str, Any] | None = None,
        revision: int | None = None,
    ) -> Retried:
        """Have a run begin again that failed or was called off: on from what failed, or over where it was undone.

        Args:
            execution_id: the run.
            from_step: it, and everything after it, runs again; by default what failed alone.
            context: results and input keys that are edited first.
            revision: the revision of the definition with which it goes on; its own by default.
        """
        wishes = {"fromStep": from_step, "context": None if context is None else dict(context), "revision": revision}
        body = {name: value for name, value in wishes.items() if value is not None}
        return read_as(Retried, await self._api.post("executions", execution_id, "retry", body=body))

    async def replay(self, execution_id: str, *, idempotency_key: str | None = None) -> Started:
        """Start a new run with the input, the revision and the labels of one, whatever became of that.

        The same idempotency key again gives the same new run.
        """
        return read_as(Started, await self._api.post("executions", execution_id, "replay", key=idempotency_key))

    async def compensate(self, execution_id: str) -> Accepted:
        """Have a run undone that is held open after a failure."""
        return await self._control(execution_id, "compensate")

    async def retry_compensation(self, execution_id: str, step: str) -> Accepted:
        """Try a step's undos again that failed for good."""
        return await self._control(execution_id, "compensations", step, "retry")

    async def write_off(self, execution_id: str, step: str, *, by: str, reason: str) -> Accepted:
        """Give a step's undos up that can never succeed; who and why is kept with them."""
        return await self._control(execution_id, "compensations", step, "write-off", body={"by": by, "reason": reason})

    async def bulk(
        self,
        action: BulkAction,
        *,
        ids: Sequence[str] | None = None,
        workflow_id: str | None = None,
        status: RunStatus | None = None,
        metadata: tuple[str, str] | None = None,
        since: datetime | None = None,
        reason: str = "cancelled",
        limit: int = MAX_AT_ONCE,
    ) -> list[BulkItem]:
        """Do one thing to many runs: those with these ids, or those of which all else is true, the newest first.

        Each run answers for itself: one that is refused keeps no other from it. All runs there are is never meant.

        Args:
            action: `pause`, `resume`, `cancel`, `retry` or `replay`.
            ids: these runs, and no others.
            workflow_id: only runs of this definition.
            status: only runs in this state.
            metadata: only runs with this label and its text.
            since: only runs that were started then or later; a time with a zone.
            reason: why, for a cancellation; it is kept with each run.
            limit: to how many runs at most; a hundred are asked for at a time.
        """
        chosen = {
            "workflowId": workflow_id,
            "status": status,
            "metadata": None if metadata is None else ":".join(metadata),
            "since": None if since is None else since.isoformat(),
        }
        wish = {name: value for name, value in chosen.items() if value is not None}
        return await act_on_many(self._api, action, wish, ids=ids, reason=reason, limit=limit)

    async def _control(
        self, execution_id: str, *what: str, body: Mapping[str, Any] | None = None, key: str | None = None
    ) -> Accepted:
        return read_as(Accepted, await self._api.post("executions", execution_id, *what, body=body, key=key))
