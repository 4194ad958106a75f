"""The namespace everything of ours lives in: which one it is, and making it anew where its Temporal has lost it."""

from datetime import timedelta
from typing import Final

from google.protobuf.duration_pb2 import Duration
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, RegisterNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from flowforge.errors import TemporalUnavailable
from flowforge.temporal.client import NamespaceMissing, absence_as_fault

RETENTION: Final = timedelta(days=3)
"""How long a namespace that we make keeps what has ended."""

_TIMEOUT: Final = timedelta(seconds=5)


async def namespace_id(client: Client) -> str | None:
    """Return the id that Temporal gave the client's namespace when it was made; None where there is no such namespace.

    A namespace that was lost and made again has another id, and so has the one of the same name in another Temporal.

    Raises:
        TemporalUnavailable: Temporal is away, or does not tell.
    """
    request = DescribeNamespaceRequest(namespace=client.namespace)
    try:
        with absence_as_fault():
            described = await client.workflow_service.describe_namespace(request, timeout=_TIMEOUT)
    except NamespaceMissing:
        return None
    except RPCError as error:
        raise TemporalUnavailable(f"Temporal does not tell of namespace {client.namespace!r}: {error}") from error
    return described.namespace_info.id


async def provide_namespace(client: Client) -> str:
    """Return the id of the client's namespace, making the namespace where Temporal does not have it.

    Raises:
        TemporalUnavailable: Temporal is away, or does not let us.
    """
    found = await namespace_id(client)
    if found is not None:
        return found
    retention = Duration(seconds=int(RETENTION.total_seconds()))
    request = RegisterNamespaceRequest(namespace=client.namespace, workflow_execution_retention_period=retention)
    try:
        with absence_as_fault():
            await client.workflow_service.register_namespace(request, timeout=_TIMEOUT)
    except RPCError as error:
        if error.status is not RPCStatusCode.ALREADY_EXISTS:
            raise TemporalUnavailable(f"namespace {client.namespace!r} cannot be made: {error}") from error
    found = await namespace_id(client)
    if found is None:
        raise TemporalUnavailable(f"namespace {client.namespace!r} was made, and Temporal does not know it yet")
    return found
