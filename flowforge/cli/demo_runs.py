"""The demo's runs of a definition: the order once more, as data, with the undo of each step beside it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from flowforge.cli.demo_orders import DemoClient
from flowforge.cli.demo_saga import Row, RowStatus

DEFINITION: Final = "OrderWorkflow"
"""The definition that is run; every stack comes with it."""

_ORDER: Final[dict[str, Any]] = {
    "orderId": "demo",
    "userId": "demo",
    "items": [{"sku": "SKU-001", "name": "Desk lamp", "quantity": 2, "price": 19.99}],
}
_STATUS: Final[dict[str, RowStatus]] = {
    "running": "running",
    "success": "done",
    "failed": "failed",
    "compensated": "undone",
}
_TOLD: Final[dict[RowStatus, str]] = {"running": "started", "done": "done", "undone": "undo done"}


@dataclass(slots=True)
class ShownRun:
    """One run on the screen.

    Attributes:
        title: what the run is there to show.
        should: the status with which it is meant to end.
        fail_at: the step that is asked to fail, or None.
        rows: the steps, then the undos as they come.
        verdict: how it ended, in one line; empty until then.
        is_as_it_should: whether it ended as it is meant to.
        execution_id: its name, once it is started.
    """

    title: str
    should: str
    fail_at: str | None = None
    rows: list[Row] = field(default_factory=list)
    verdict: str = ""
    is_as_it_should: bool = False
    execution_id: str = ""

    def take(self, event: dict[str, Any], undo_of: dict[str, str], accepted_at: datetime) -> Row | None:
        """Take in an event as the API tells it; return the row that it changed, if it is about one."""
        status, name = _STATUS.get(event["status"]), event["stepId"]
        if status is None or name is None:
            return None
        if status == "undone":
            name = undo_of.get(name, name)
        row = next((row for row in self.rows if row.name == name), None)
        if row is None:
            row = Row(name)
            self.rows.append(row)
        row.status = status
        # The row says already which step it is.
        row.told = event["message"].removesuffix(f" at {name}") if status == "failed" else _TOLD[status]
        row.after_ms = round((datetime.fromisoformat(event["timestamp"]) - accepted_at).total_seconds() * 1000)
        return row

    def end(self, run: dict[str, Any]) -> None:
        """Take in how the run ended, and judge it."""
        nothing = {undo["action"] for undo in run["compensations"] if undo["status"] == "not_needed"}
        for row in self.rows:
            if row.name in nothing:
                row.told = "there was nothing to undo"
        undone = [undo["action"] for undo in run["compensations"] if undo["status"] == "done"]
        settled = all(undo["status"] in {"done", "not_needed"} for undo in run["compensations"])
        self.is_as_it_should = run["status"] == self.should and settled
        if run["status"] == "completed":
            self.verdict = f"completed: {len(run['completedSteps'])} steps"
        elif run["status"] == "compensated" and settled:
            self.verdict = f"made whole: {', '.join(undone) or 'nothing had been done'}"
        else:
            self.verdict = f"{run['status'].replace('_', ' ')}, and not made whole"


async def start(client: DemoClient, run: ShownRun) -> None:
    """Start a run.

    Raises:
        FlowForgeError: the API refuses.
    """
    steps = await _steps(client)
    run.rows = [Row(step["id"]) for step in steps]
    given = _ORDER if run.fail_at is None else {**_ORDER, "_testFailAt": run.fail_at}
    run.execution_id = (await client.post("/workflows/start", {"type": DEFINITION, "input": given}))["executionId"]


async def follow(client: DemoClient, run: ShownRun) -> AsyncIterator[Row]:
    """Show a run's events as they happen, until it has ended and is judged; yield each row that changed.

    Raises:
        FlowForgeError: the API refuses.
    """
    undo_of = {step["id"]: step["compensation"]["action"] for step in await _steps(client) if step.get("compensation")}
    path = f"/executions/{run.execution_id}"
    accepted_at: datetime | None = None
    async for event in client.events(f"{path}/events"):
        if accepted_at is None:
            accepted_at = datetime.fromtimestamp((await client.get(path))["startTime"] / 1000, UTC)
        if (row := run.take(event, undo_of, accepted_at)) is not None:
            yield row
    run.end(await client.get(path))


async def _steps(client: DemoClient) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await client.get(f"/workflows/{DEFINITION}?form=canonical"))["definition"]["steps"]
    return found
