"""Definitions in a database: what comes with the package, and what happens when two publish at once."""

import asyncio
import json
from collections.abc import Iterable

from flowforge.engine.store.bundled import publish_bundled
from flowforge.engine.store.definitions import DefinitionStore
from flowforge.engine.validation.catalogue import ActionFacts, NoCatalogue
from flowforge.persistence.database import Database


class WithoutRefunds(NoCatalogue):
    """The catalogue of somebody who offers everything but refunds."""

    def find(self, name: str) -> ActionFacts | None:
        return None if name == "RefundPayment" else super().find(name)

    def names(self) -> Iterable[str]:
        return ()


async def test_bundled_definitions_are_published_once_where_their_actions_are_there(database_url: str) -> None:
    database = Database(database_url)
    store = DefinitionStore(database)
    others = ["ApprovalWorkflow", "MigrationWorkflow", "TransferWorkflow"]
    assert await publish_bundled(store, WithoutRefunds()) == others
    await store.delete("TransferWorkflow")
    assert await publish_bundled(store, NoCatalogue()) == ["OrderWorkflow"]
    assert await publish_bundled(store, NoCatalogue()) == []
    listed = [revision.workflow_id for _, revision in await store.list(limit=10)]
    assert listed == ["OrderWorkflow", "MigrationWorkflow", "ApprovalWorkflow"]
    await database.close()


async def test_definition_that_was_deleted_starts_runs_again_once_it_is_published_again(database_url: str) -> None:
    database = Database(database_url)
    store = DefinitionStore(database)
    body = json.dumps({"id": "x", "steps": [{"id": "a", "action": "noop"}]})
    await store.publish(body)
    await store.delete("x")
    again = await store.publish(body)
    assert (again.is_new, again.revision.is_deleted) == (False, False)
    assert again.revision == await store.get("x")
    await database.close()


async def test_bodies_that_are_published_at_once_have_different_revisions(database_url: str) -> None:
    database = Database(database_url)
    store = DefinitionStore(database)
    bodies = [json.dumps({"id": "x", "name": f"n{n % 4}", "steps": [{"id": "a", "action": "noop"}]}) for n in range(8)]
    published = await asyncio.gather(*(store.publish(body) for body in bodies))
    new = [each.revision.revision for each in published if each.is_new]
    assert sorted(new) == list(range(1, len(new) + 1))
    assert {each.revision.body["name"] for each in published} == {"n0", "n1", "n2", "n3"}
    await database.close()
