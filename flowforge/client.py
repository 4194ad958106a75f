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
from typing import Any, Final, Self

from pydantic import ValidationError

from flowforge.engine.core.views import RunStatus
from flowforge.errors import FlowForgeError
from flowforge.remote.answers import (
    DefinitionBody,
    Execution,
    ExecutionSummary,
    Form,
    Published,
    Revision,
    RunEvent,
    Started,
)
from flowforge.remote.asking import Api
from flowforge.remote.deciding import RunDecisions
from flowforge.remote.following import AWAY, Patience, follow
from flowforge.remote.reading import in_milliseconds, not_understood, read_as
from flowforge.remote.sources import body_of

DEFAULT_URL: Final = "http://localhost:8000"
_EVERY: Final = 10_000_000


class WaitTimeout(FlowForgeError, TimeoutError):
    """A run had not ended when the time to wait for it was over; it goes on."""

    code = "wait_timeout"
    retryable = True


class FlowForge(RunDecisions):
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
        return read_as(Published, await self._api.send("workflows", text=text, media_type=media_type, strict=wanted))

    async def get_definition(
        self, workflow_id: str, *, revision: int | None = None, form: Form = "source"
    ) -> DefinitionBody:
        """Return a definition's latest revision, or that one."""
        path = () if revision is None else ("revisions", str(revision))
        return read_as(DefinitionBody, await self._api.get("workflows", workflow_id, *path, form=form))

    async def list_definitions(self, *, limit: int = 50) -> list[Revision]:
        """Return the definitions that start runs, the newest first, each with its latest revision."""
        found, _ = await self._api.all("workflows", at_most=limit)
        return [read_as(Revision, each) for each in found]

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
            "idempotencyTTL": in_milliseconds(idempotency_ttl),
            "timeout": in_milliseconds(timeout),
            "metadata": None if metadata is None else dict(metadata),
            "tenantId": tenant_id,
            "parentExecutionId": parent_execution_id,
        }
        body: dict[str, Any] = {"workflowId": workflow_id, "context": dict(input or {})}
        body |= {name: value for name, value in wishes.items() if value is not None}
        return read_as(Started, await self._api.post("executions", "start", body=body))

    async def status(self, execution_id: str) -> Execution:
        """Return a run as it is: its steps, their results, its undos, what it waits for."""
        return read_as(Execution, await self._api.get("executions", execution_id))

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
                    raise not_understood(RunEvent, error) from None
                yield found

    async def history(self, execution_id: str) -> list[RunEvent]:
        """Return everything that has happened to a run so far, the oldest first."""
        found, _ = await self._api.all("executions", execution_id, "history", at_most=_EVERY)
        return [read_as(RunEvent, each) for each in found]

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
        return [read_as(ExecutionSummary, each) for each in found]

    async def _patiently(self, execution_id: str) -> Execution:
        patience = Patience()
        while True:
            try:
                return await self.status(execution_id)
            except AWAY as away:
                await patience.pause(away)
