"""The versions of the workers: which one begins new orders, and which still have orders to bring to their end."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from temporalio.api.enums.v1 import WorkerDeploymentVersionStatus
from temporalio.api.workflowservice.v1 import DescribeWorkerDeploymentRequest, SetWorkerDeploymentCurrentVersionRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from flowforge.errors import Conflict, TemporalUnavailable

_WITHIN: Final = timedelta(seconds=10)
_PREFIX: Final = "WORKER_DEPLOYMENT_VERSION_STATUS_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A version of the workers, as Temporal knows it.

    Attributes:
        status: `current` begins new orders; `draining` has orders that are not at their end; `drained` has none, so its
            workers may go; `inactive` was never current.
    """

    build_id: str
    status: str


async def versions(client: Client, deployment: str) -> list[Version]:
    """Return the versions of a deployment, newest first; none when no worker of it was ever seen.

    Raises:
        TemporalUnavailable: Temporal does not tell.
    """
    request = DescribeWorkerDeploymentRequest(namespace=client.namespace, deployment_name=deployment)
    try:
        described = await client.workflow_service.describe_worker_deployment(request, timeout=_WITHIN)
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return []
        raise TemporalUnavailable(f"Temporal does not tell the workers' versions: {error.message}") from error
    summaries = sorted(
        described.worker_deployment_info.version_summaries,
        key=lambda each: each.create_time.ToNanoseconds(),
        reverse=True,
    )
    return [
        Version(
            build_id=each.deployment_version.build_id,
            status=WorkerDeploymentVersionStatus.Name(each.status).removeprefix(_PREFIX).lower(),
        )
        for each in summaries
    ]


async def set_current(client: Client, deployment: str, build_id: str) -> None:
    """Let a version begin all new orders from now on; those that others began stay with them.

    Raises:
        Conflict: it has no workers, or they do not yet ask for everything that those of the current one do.
        TemporalUnavailable: Temporal does not answer.
    """
    request = SetWorkerDeploymentCurrentVersionRequest(
        namespace=client.namespace,
        deployment_name=deployment,
        build_id=build_id,
        identity=client.identity,
    )
    try:
        await client.workflow_service.set_worker_deployment_current_version(request, timeout=_WITHIN)
    except RPCError as error:
        if error.status in {RPCStatusCode.NOT_FOUND, RPCStatusCode.FAILED_PRECONDITION}:
            raise Conflict(
                f"the workers of {build_id} are not ready to be the current ones: {error.message}"
            ) from error
        raise TemporalUnavailable(f"the current version was not set: {error.message}") from error
