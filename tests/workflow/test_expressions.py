"""Expressions, templates and durations in a real workflow, its sandbox passing nothing of ours through."""

from uuid import uuid4

from temporalio.client import Client
from temporalio.worker import Replayer, Worker

from tests.workflow.expression_workflow import Evaluate


async def test_workflow_evaluates_in_the_sandbox_and_replays_to_the_same_values(client: Client) -> None:
    texts = [
        "score.risk < 0.3",
        "context['charge-payment'].id + 1.5",
        "missing?.a ?? Math.round(2.5)",
        "items.includes('b') && 'é😀'.length",
        "missing.a",
        "+".join(["text"] * 700),
    ]
    data = {"score": {"risk": 0.2}, "charge-payment": {"id": "ch_"}, "items": ["a", "b"], "text": "x" * 10_000}
    queue = f"expressions-{uuid4()}"
    async with Worker(client, task_queue=queue, workflows=[Evaluate]):
        run = await client.start_workflow(
            Evaluate.run,
            args=[texts, {"all": ["${items}", "n: ${score.risk}"]}, "PT90S", data],
            id=queue,
            task_queue=queue,
        )
        values = await run.result()
    assert values == [
        True,
        "ch_1.5",
        3,
        3,
        "cannot_read",
        "too_many_steps",
        {"all": [["a", "b"], "n: 0.2"]},
        "1m30s",
    ]
    await Replayer(workflows=[Evaluate], debug_mode=True).replay_workflow(await run.fetch_history())
