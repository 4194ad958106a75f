"""Connecting to Temporal, and telling its absence from its answers."""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Final

from temporalio.api.errordetails.v1 import NamespaceNotFoundFailure, WorkflowNotReadyFailure
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.runtime import Runtime
from temporalio.service import RPCError, RPCStatusCode

from flowforge.errors import StartupError, TemporalUnavailable
from flowforge.temporal.converter import DATA_CONVERTER
from flowforge.temporal.target import TemporalTarget

_ATTEMPT_S: Final = 5.0
_PAUSE_S: Final = 0.25
_AWAY: Final = frozenset(
    {
        RPCStatusCode.CANCELLED,
        RPCStatusCode.UNKNOWN,
        RPCStatusCode.DEADLINE_EXCEEDED,
        RPCStatusCode.RESOURCE_EXHAUSTED,
        RPCStatusCode.ABORTED,
        RPCStatusCode.INTERNAL,
        RPCStatusCode.UNAVAILABLE,
        RPCStatusCode.DATA_LOSS,
    }
)


_DENIED: Final = frozenset({RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNAUTHENTICATED})


def identity() -> str:
    """Return what this process is called at Temporal: its id, `@` and its host, as the SDK has it too."""
    return f"{os.getpid()}@{socket.gethostname()}"


Restore = Callable[[Client], Awaitable[None]]
"""Gets a client whose namespace Temporal does not know, and may make it."""


class NamespaceMissing(TemporalUnavailable):
    """Temporal answers, and does not know the namespace (yet)."""


class AccessDenied(TemporalUnavailable):
    """Temporal answers, and does not let us: a key that has expired, a certificate, or what they are allowed to do."""


async def connect(target: TemporalTarget, *, runtime: Runtime | None = None) -> Client:
    """Connect once.

    Returns:
        A client that speaks the project's payload format (Pydantic's JSON).

    Raises:
        TemporalUnavailable: nothing answers there, or not as Temporal does.
        StartupError: the target's credentials cannot be read.
    """
    config = target.connect_config()
    try:
        async with asyncio.timeout(_ATTEMPT_S):
            return await Client.connect(**config, data_converter=DATA_CONVERTER, runtime=runtime, identity=identity())
    except TimeoutError:
        raise TemporalUnavailable(f"Temporal at {target.address} did not answer within {_ATTEMPT_S:g} s") from None
    except (RuntimeError, RPCError) as error:
        raise TemporalUnavailable(f"Temporal at {target.address} does not answer: {_reason(error)}") from error


async def connect_with_retry(
    target: TemporalTarget,
    *,
    for_s: float = 30,
    runtime: Runtime | None = None,
    restore: Restore | None = None,
) -> Client:
    """Connect, waiting up to `for_s` seconds for Temporal and its namespace to be there.

    Args:
        target: where to.
        for_s: how long to try, in seconds.
        runtime: the SDK's; its default by default.
        restore: called when Temporal does not know the namespace; may make it.

    Raises:
        StartupError: it was not to be; the message says what was tried last and what to do.
    """
    last = TemporalUnavailable(f"Temporal at {target.address} did not answer")
    try:
        async with asyncio.timeout(for_s):
            while True:
                try:
                    client = await connect(target, runtime=runtime)
                    try:
                        await check(client)
                    except NamespaceMissing:
                        if restore is not None:
                            await restore(client)
                        raise
                except TemporalUnavailable as error:
                    last = error
                    await asyncio.sleep(_PAUSE_S)
                else:
                    return client
    except TimeoutError:
        raise StartupError(
            f"{last.message} (tried for {for_s:g} s); start Temporal there or correct TEMPORAL_HOST"
        ) from None


async def check(client: Client, *, within_s: float = 2) -> None:
    """Make sure that Temporal serves the client's namespace now.

    Raises:
        NamespaceMissing: it does not know the namespace (yet).
        TemporalUnavailable: it does not answer in time.
    """
    try:
        async with asyncio.timeout(within_s):
            await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=client.namespace))
    except TimeoutError:
        raise TemporalUnavailable(f"Temporal did not answer within {within_s:g} s") from None
    except RuntimeError as error:
        raise TemporalUnavailable(f"Temporal does not answer: {_reason(error)}") from error
    except RPCError as error:
        kind = NamespaceMissing if error.status is RPCStatusCode.NOT_FOUND else TemporalUnavailable
        raise kind(f"Temporal refuses namespace {client.namespace!r}: {_reason(error)}") from error


@contextmanager
def absence_as_fault() -> Iterator[None]:
    """Turn "Temporal is away" inside the block into `TemporalUnavailable`; what Temporal *answers* passes unchanged.

    After it the outcome of the call is unknown: it may have reached Temporal. A Temporal that has lost the namespace is
    away, too: it answers for nothing that was ever in it. So is one that does not let us in, except that it then has
    done nothing: `AccessDenied`. A run whose task fails again and again takes no update: that may pass, too.
    """
    try:
        yield
    except RPCError as error:
        if error.status in _AWAY:
            raise TemporalUnavailable(f"Temporal is away: {_reason(error)}") from error
        if error.status in _DENIED:
            known = "TEMPORAL_API_KEY, TEMPORAL_TLS_* and what they may do in the namespace"
            raise AccessDenied(f"Temporal does not let FlowForge in ({_reason(error)}): check {known}") from error
        if any(detail.Is(WorkflowNotReadyFailure.DESCRIPTOR) for detail in error.grpc_status.details):
            raise TemporalUnavailable("the run's task keeps failing, and nothing can be brought to it now") from error
        if any(detail.Is(NamespaceNotFoundFailure.DESCRIPTOR) for detail in error.grpc_status.details):
            raise NamespaceMissing(f"Temporal has lost the namespace: {_reason(error)}") from error
        raise


def _reason(error: Exception) -> str:
    """Shorten what the SDK says to the words that help."""
    text = " ".join(str(error).split())
    for known in ("Connection refused", "dns error", "UnknownIssuer", "timed out"):
        if known.lower() in text.lower():
            return known.lower()
    return text[:200]
