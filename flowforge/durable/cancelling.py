"""A run whose row says that it is cancelled, and that Temporal was not asked to cancel: an activity asks for it."""

from datetime import timedelta
from typing import Final

from temporalio import activity

_RPC_TIMEOUT: Final = timedelta(seconds=5)


async def cancel_own_run(reason: str) -> None:
    """Ask Temporal, from an activity, to cancel the run that has called it; a second time is nothing new.

    Args:
        reason: why, as Temporal shows it.

    Raises:
        RPCError: Temporal did not answer within 5 s, or not with a yes.
    """
    info = activity.info()
    if info.workflow_id is None:
        raise RuntimeError("no run asked for this")
    run = activity.client().get_workflow_handle(info.workflow_id, run_id=info.workflow_run_id)
    await run.cancel(reason=reason, rpc_timeout=_RPC_TIMEOUT)
