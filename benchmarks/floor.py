"""The floor as a process: worker and client on one connection, no HTTP, no database.

python -m benchmarks.floor ADDRESS
"""

import asyncio
import os
import sys
import uuid
from typing import Any, Final

from temporalio.client import Client
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from benchmarks.line_service import run_load, serve_lines
from benchmarks.noop import NoopWorkflow, noop

_QUEUE: Final = "floor"
_AT_ONCE: Final = 100


async def main(address: str) -> None:
    """Run a worker, and workflows on request: `{"local": true, "eager": true, "count": 100, "in_flight": 50}`."""
    client = await Client.connect(address)
    # The sandbox is what every worker has that does not say otherwise; ours is passed through as the product's is.
    restrictions = SandboxRestrictions.default.with_passthrough_modules("benchmarks")
    worker = Worker(
        client,
        task_queue=_QUEUE,
        workflows=[NoopWorkflow],
        activities=[noop],
        workflow_runner=SandboxedWorkflowRunner(restrictions=restrictions),
        max_concurrent_activities=_AT_ONCE,
        max_concurrent_local_activities=_AT_ONCE,
        max_concurrent_workflow_tasks=_AT_ONCE,
    )

    async def measure(request: dict[str, Any]) -> dict[str, Any]:
        async def once(_lane: int, _number: int) -> None:
            await client.execute_workflow(
                NoopWorkflow.run,
                request["local"],
                id=f"noop-{uuid.uuid4().hex}",
                task_queue=_QUEUE,
                request_eager_start=request["eager"],
            )

        return await run_load(request["count"], request["in_flight"], once)

    async with worker:
        await serve_lines(measure)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
    sys.stdout.flush()
    os._exit(0)  # a process that ran a Temporal worker can crash while the interpreter shuts down
