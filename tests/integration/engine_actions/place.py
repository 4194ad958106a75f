"""Actions over real services, called as a run calls them."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text
from temporalio.testing import ActivityEnvironment

from flowforge.engine.actions.activity import ActionActivities
from flowforge.engine.actions.contract import ActionAnswer, ActionCall
from flowforge.engine.actions.offer import OfferOptions, open_offer
from flowforge.engine.actions.registry import ActionRegistry
from flowforge.orders.audit import audit
from flowforge.orders.journal import OrderJournal
from flowforge.persistence.database import Database
from flowforge.services.wiring import Services, build_services

RUN = f"exec-{7:032x}"

_ROW = text(
    "insert into executions (sequence, execution_id, workflow_id, revision, status, input, waiting, metadata,"
    " generation, run_id, history, turn, started_at, updated_at)"
    " values (1, :run, 'flow', 1, 'running', '{}', '[]', '{}', 1, 'r', 1, 1, 0, 0)"
)


@dataclass(frozen=True, kw_only=True)
class Place:
    """One worker's actions, on one database."""

    database: Database
    services: Services
    registry: ActionRegistry
    activities: ActionActivities

    @classmethod
    @asynccontextmanager
    async def over(cls, database: Database) -> AsyncIterator["Place"]:
        services = build_services(database, OrderJournal(database))
        async with open_offer(OfferOptions(), services=services, database=database) as offer:
            yield cls(database=database, services=services, registry=offer.registry, activities=offer.activities)

    async def act(
        self, action: str, params: Any = None, *, step: str, context: Mapping[str, Any] | None = None, **more: Any
    ) -> ActionAnswer:
        """Run an action as the step of a run."""
        given = {"execution_id": RUN, "workflow_id": "flow", "revision": 1, "key": f"{RUN}:1:{step}:1", **more}
        call = ActionCall(step_id=step, action=action, params=params, context=context or {}, **given)
        answer: ActionAnswer = await ActivityEnvironment().run(self.activities.act, call)
        return answer

    async def undo(self, action: str, *, step: str, result: Any = None, **more: Any) -> bool:
        """Run an action as the undo of a step; tell whether there was anything to undo."""
        context = {"undo": {"key": f"{RUN}:1:{step}:1", "result": result}}
        answer = await self.act(action, context, step=step, undo=True, context=context, **more)
        return not answer.not_needed

    async def violations(self) -> list[str]:
        """Return what the audit finds."""
        findings = await self.database.read(audit)
        return [finding.check.name for finding in findings if finding.is_violation]

    async def add_row(self) -> None:
        """Give the run its row."""

        def insert(connection: Connection) -> None:
            connection.execute(_ROW, {"run": RUN})

        await self.database.write(insert)
