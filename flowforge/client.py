"""The Python client of a running FlowForge: publish definitions, start runs, follow them, and decide about them.

    async with FlowForge("http://localhost:8000") as flowforge:
        await flowforge.register(Path("checkout.yaml"))
        run = await flowforge.start("checkout", {"sku": "SKU-001"})
        ended = await flowforge.wait(run.execution_id, timeout_s=60)

It needs nothing of the server: its answers are `flowforge.remote.answers`, its errors `flowforge.remote.problems`.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from pydantic import ValidationError

from flowforge.engine.core.views import RunStatus
from flowforge.errors import FlowForgeError
from flowforge.remote.answers import (
    Accepted,
    Answer,
    DefinitionBody,
    Execution,
    ExecutionSummary,
    Form,
    Published,
    Retried,
    Revision,
    RunEvent,
    Started,
)
from flowforge.remote.asking import Api
from flowforge.remote.following import AWAY, Patience, follow
from flowforge.remote.problems import NotUnderstood
from flowforge.remote.sources import body_of

DEFAULT_URL: Final = "http://localhost:8000"
_EVERY: Final = 10_000_000

_A = TypeVar("_A", bound=Answer)


class WaitTimeout(FlowForgeError, TimeoutError):
    """A run had not ended when the time to wait for it was over; it goes on."""

    code = "wait_timeout"
    retryable = True


class FlowForge:
    """A client, as an async context manager. Several may be open; they share nothing.

    Every method raises ApiError where the server refuses (ApiNotFound, ApiConflict, ApiInvalid with all its findings,
    ApiUnavailable), Unreachable where it is away, and NotUnderstood where something else answers.

    Args:
        url: where the server is.
        timeout_s: how long one answer may take, in seconds.
        hint: what is said besides when the server is away, for commands that know a remedy.
    """

    def __init__(self, url: str = DEFAULT_URL, *, timeout_s: float = 30.0, hint: str = "") -> None:
        self._api = Api(url, timeout_s=timeout_s, hint=hint)

    async def __aenter__(self) -> Self:
        await self._api.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._api.__aexit__(kind, error, trace)

    async def register(self, definition: Mapping[str, Any] | str | Path, *, strict: bool = False) -> Published:
        """Publish a definition. A body that is the latest revision already changes nothing.

        Args:
            definition: a mapping, a text in JSON or YAML, or a file: a Path, or its name.
            strict: whether warnings forbid it, too.

        Raises:
            ApiInvalid: it has problems; `findings` names all of them, with their places.
        """
        text, media_type = body_of(definition)
        wanted = "true" if strict else None
        return _read(Published, await self._api.send("workflows", text=text, media_type=media_type, strict=wanted))

    async def get_definition(
        self, workflow_id: str, *, revision: int | None = None, form: Form = "source"
    ) -> DefinitionBody:
        """Return a definition's latest revision, or that one."""
        path = () if revision is None else ("revisions", str(revision))
        return _read(DefinitionBody, await self._api.get("workflows", workflow_id, *path, form=form))

    async def list_definitions(self, *, limit: int = 50) -> list[Revision]:
        """Return the definitions that start runs, the newest first, each with its latest revision."""
        found, _ = await self._api.all("workflows", at_most=limit)
        return [_read(Revision, each) for each in found]

    async def delete_definition(self, workflow_id: str) -> None:
        """Let a definition start no runs any more; those that it started go on."""
        await self._api.delete("workflows", workflow_id)

    async def start(
        self,
        workflow_id: str,
        input: Mapping[str, Any] | None = None,  # noqa: A002  as the API calls it
        *,
        revision: int | None = None,
        idempotency_key: str | None = None,
        idempotency_ttl: timedelta | str | None = None,
        timeout: timedelta | str | None = None,  # noqa: ASYNC109  the run's, which the server keeps
        metadata: Mapping[str, str | float | bool | None] | None = None,
        tenant_id: str | None = None,
        parent_execution_id: str | None = None,
    ) -> Started:
        """Start a run.

        After Unreachable or ApiUnavailable it is unknown whether the run was accepted: starting it again with the same
        idempotency key is safe.

        Args:
            workflow_id: the definition.
            input: what the run is given.
            revision: which revision; the latest by default.
            idempotency_key: the same key and the same wish again give the run that was started first.
            idempotency_ttl: how long the key stands for that run, for example `1h`; for ever by default.
            timeout: how long the run may go forward before it is undone; as its definition says by default.
            metadata: labels.
            tenant_id: a label; it isolates nothing.
            parent_execution_id: the run on whose behalf this is.
        """
        wishes: dict[str, Any] = {
            "revision": revision,
            "idempotencyKey": idempotency_key,
            "idempotencyTTL": _duration(idempotency_ttl),
            "timeout": _duration(timeout),
            "metadata": None if metadata is None else dict(metadata),
            "tenantId": tenant_id,
            "parentExecutionId": parent_execution_id,
        }
        body: dict[str, Any] = {"workflowId": workflow_id, "context": dict(input or {})}
        body |= {name: value for name, value in wishes.items() if value is not None}
        return _read(Started, await self._api.post("executions", "start", body=body))

    async def status(self, execution_id: str) -> Execution:
        """Return a run as it is: its steps, their results, its undos, what it waits for."""
        return _read(Execution, await self._api.get("executions", execution_id))

    async def wait(self, execution_id: str, *, timeout_s: float | None = None) -> Execution:
        """Wait for a run's end, and return it. A run that waits for an event or an operator is waited for.

        It follows the run's events: nothing is asked again and again, and a connection that breaks is made anew.

        Args:
            execution_id: the run.
            timeout_s: how long to wait, in seconds; for as long as it takes by default.

        Raises:
            WaitTimeout: it had not ended by then.
            Unreachable, ApiUnavailable: the server was away for longer than a restart takes.
        """
        try:
            async with asyncio.timeout(timeout_s):
                async with aclosing(self.events(execution_id)) as events:
                    async for _ in events:
                        pass
                return await self._patiently(execution_id)
        except TimeoutError:
            raise WaitTimeout(f"{execution_id} has not ended within {timeout_s:g} s; it goes on") from None

    async def events(self, execution_id: str, *, after: int = 0) -> AsyncGenerator[RunEvent, None]:
        """Yield what happens to a run, from its beginning (or from behind the event `after`) to its end, live."""
        path = ("executions", execution_id, "events")
        async with aclosing(follow(self._api, *path, after=str(after) if after else None)) as told:
            async for event in told:
                try:
                    found = RunEvent.model_validate_json(event.data)
                except ValidationError as error:
                    raise _not_understood(RunEvent, error) from None
                yield found

    async def history(self, execution_id: str) -> list[RunEvent]:
        """Return everything that has happened to a run so far, the oldest first."""
        found, _ = await self._api.all("executions", execution_id, "history", at_most=_EVERY)
        return [_read(RunEvent, each) for each in found]

    async def list_executions(
        self,
        *,
        workflow_id: str | None = None,
        status: RunStatus | None = None,
        metadata: tuple[str, str] | None = None,
        since: datetime | None = None,
        limit: int = 50,
    ) -> list[ExecutionSummary]:
        """Return runs, the newest first.

        Args:
            workflow_id: only runs of this definition.
            status: only runs in this state.
            metadata: only runs with this label and its text.
            since: only runs that were started then or later; a time with a zone.
            limit: how many at most; as many pages are read as that takes.
        """
        filters = {
            "workflowId": workflow_id,
            "status": status,
            "metadata": None if metadata is None else ":".join(metadata),
            "since": None if since is None else since.isoformat(),
        }
        found, _ = await self._api.all("executions", at_most=limit, **filters)
        return [_read(ExecutionSummary, each) for each in found]

    async def pause(self, execution_id: str) -> Accepted:
        """Let no further action of a run start; what is in flight goes on, and its deadline stands still."""
        return await self._control(execution_id, "pause")

    async def resume(self, execution_id: str, data: Any = None) -> Accepted:
        """Let a paused run go on; in any other one, wake what waits first, with `data` as its result."""
        return await self._control(execution_id, "resume", body={"data": data})

    async def signal(self, execution_id: str, name: str, data: Any = None) -> Accepted:
        """Bring an event to the step that waits for it, or to the first one that will."""
        return await self._control(execution_id, "signals", name, body={"data": data})

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
        return _read(Retried, await self._api.post("executions", execution_id, "retry", body=body))

    async def replay(self, execution_id: str, *, idempotency_key: str | None = None) -> Started:
        """Start a new run with the input, the revision and the labels of one, whatever became of that.

        The same idempotency key again gives the same new run.
        """
        return _read(Started, await self._api.post("executions", execution_id, "replay", key=idempotency_key))

    async def compensate(self, execution_id: str) -> Accepted:
        """Have a run undone that is held open after a failure."""
        return await self._control(execution_id, "compensate")

    async def retry_compensation(self, execution_id: str, step: str) -> Accepted:
        """Try a step's undos again that failed for good."""
        return await self._control(execution_id, "compensations", step, "retry")

    async def write_off(self, execution_id: str, step: str, *, by: str, reason: str) -> Accepted:
        """Give a step's undos up that can never succeed; who and why is kept with them."""
        return await self._control(execution_id, "compensations", step, "write-off", body={"by": by, "reason": reason})

    async def _control(self, execution_id: str, *what: str, body: Mapping[str, Any] | None = None) -> Accepted:
        return _read(Accepted, await self._api.post("executions", execution_id, *what, body=body))

    async def _patiently(self, execution_id: str) -> Execution:
        patience = Patience()
        while True:
            try:
                return await self.status(execution_id)
            except AWAY as away:
                await patience.pause(away)


def _read(kind: type[_A], answer: Any) -> _A:
    try:
        return kind.model_validate(answer)
    except ValidationError as error:
        raise _not_understood(kind, error) from None


def _not_understood(kind: type[Answer], error: ValidationError) -> NotUnderstood:
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"]) or "it"
    return NotUnderstood(f"the server's answer is no {kind.__name__}: {place}: {first['msg']}")


def _duration(length: timedelta | str | None) -> str | float | None:
    return length / timedelta(milliseconds=1) if isinstance(length, timedelta) else length
