"""Runs whose workflow was terminated before it had written anything: whoever repeats the request has them after all."""

from temporalio.client import Client

from flowforge.engine.gateway import NewRun
from flowforge.engine.retries import RetryWish
from tests.workflow.engine.stage import Stage, open_stage
from tests.workflow.engine.test_runs import chain, refuse


async def terminate(stage: Stage, temporal_id: str) -> None:
    await stage.client.get_workflow_handle(temporal_id).terminate(reason="by test")


async def test_terminated_before_its_first_turn_run_is_started_again_by_its_key(
    client: Client, sqlite_url: str
) -> None:
    async with open_stage(client, sqlite_url, at_work=False) as stage:
        execution_id = await stage.begin(chain("a"), idempotency_key="k")
        await terminate(stage, execution_id)
        definition = (await stage.definitions.list(limit=1))[0][1]
        again = await stage.gateway.start(NewRun(workflow_id=definition.workflow_id, input={}, idempotency_key="k"))
        assert (again.execution_id, again.status) == (execution_id, "pending")
        async with stage.hire():
            assert (await stage.end(execution_id)).status == "completed"


async def test_terminated_before_its_first_turn_run_begins_again_by_the_same_wish_or_another(
    client: Client, sqlite_url: str
) -> None:
    async with open_stage(client, sqlite_url, at_work=False) as stage:
        stage.actions.plays["b"] = refuse
        async with stage.hire():
            execution_id = await stage.begin(chain("a", "b", "c"))
            assert (await stage.end(execution_id)).status == "compensated"
        for wish in (RetryWish(), RetryWish(), RetryWish(values={"n": 1})):
            assert (await stage.retries.retry(execution_id, wish)).created
            await terminate(stage, f"{execution_id}~2")
        del stage.actions.plays["b"]
        async with stage.hire():
            assert (await stage.retries.retry(execution_id, RetryWish())).created
            assert (await stage.end(execution_id)).status == "completed"
