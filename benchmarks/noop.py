"""The floor's workflow: four activities that do nothing, which is as little as an order could be."""

from datetime import timedelta

from temporalio import activity, workflow


@activity.defn(name="noop")
async def noop() -> None:
    """Do nothing."""


@workflow.defn(name="Noop")
class NoopWorkflow:
    """Runs four activities one after the other, inside the workflow task or through the queue."""

    @workflow.run
    async def run(self, local: bool) -> None:  # noqa: FBT001 -- a workflow's input comes by position
        """Run them."""
        for _ in range(4):
            if local:
                await workflow.execute_local_activity(noop, start_to_close_timeout=timedelta(seconds=10))
            else:
                await workflow.execute_activity(noop, start_to_close_timeout=timedelta(seconds=10))
