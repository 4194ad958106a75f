"""Published definitions: each changed body is the next revision, and no revision ever changes."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, bindparam, insert, select, update

from flowforge.engine.definition.address import address_of
from flowforge.engine.definition.difference import Change, difference
from flowforge.engine.definition.document import Form
from flowforge.engine.definition.model import Definition
from flowforge.engine.definition.problems import Problem
from flowforge.engine.validation.catalogue import ActionCatalogue
from flowforge.engine.validation.examine import examine
from flowforge.errors import NotFound
from flowforge.persistence.database import Database
from flowforge.persistence.postgres import alone
from flowforge.persistence.tables.engine import DEFINITIONS, REVISIONS

_MOST_REMEMBERED: Final = 1_000
"""Of how many revisions it is remembered under which names results are read."""

_SAME: Final = REVISIONS.c.workflow_id == DEFINITIONS.c.workflow_id
_ADDRESS: Final = (
    select(REVISIONS.c.address)
    .join_from(REVISIONS, DEFINITIONS, _SAME)
    .where(DEFINITIONS.c.workflow_id == bindparam("of"), REVISIONS.c.revision == DEFINITIONS.c.latest)
)
"""The latest revision's: its body and source may be large, and whoever publishes the next one needs neither."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One revision of a definition.

    Attributes:
        workflow_id: the definition.
        revision: counts its bodies from 1.
        address: its content's address: equal bodies have equal ones.
        body: its canonical form.
        source: the text as its author sent it.
        created_at: when it was published.
        is_deleted: whether its definition starts no runs any more.
    """

    workflow_id: str
    revision: int
    address: str
    body: dict[str, Any]
    source: str
    created_at: datetime
    is_deleted: bool = False

    @property
    def definition(self) -> Definition:
        """The definition, read."""
        return Definition.model_validate(self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What became of a text: its revision, whether that is new, and what is worth a look."""

    revision: Revision
    is_new: bool
    warnings: tuple[Problem, ...]


class DefinitionStore:
    """Keeps definitions; every method raises DatabaseUnavailable where the database is away.

    Args:
        database: where they are.
        catalogue: the actions that workers offer; None says nothing of actions.
    """

    def __init__(self, database: Database, catalogue: ActionCatalogue | None = None) -> None:
        self._database = database
        self._catalogue = catalogue
        self._output_keys: dict[tuple[str, int], Mapping[str, str]] = {}

    async def publish(
        self, source: str | bytes, *, form: Form | None = None, strict: bool = False, as_id: str | None = None
    ) -> Published:
        """Publish a definition: check it, and make its body the next revision unless it is the latest one's already.

        A definition that was deleted starts runs again.

        Args:
            source: its text, in any of the four ways to write one.
            form: what it is written in; None looks whether it begins as JSON does.
            strict: whether warnings forbid it.
            as_id: the id it must have.

        Raises:
            DefinitionRefused: it has problems; all of them are told.
            WrongId: its id is not `as_id`.
        """
        # In a thread: a large one takes a tenth of a second, and the loop has others to serve meanwhile.
        report = await asyncio.to_thread(examine, source, form=form, catalogue=self._catalogue)
        definition = report.accepted(strict=strict)
        if as_id is not None and definition.id != as_id:
            raise WrongId(as_id, definition.id)
        text = source if isinstance(source, str) else source.decode()
        body = definition.canonical()
        now = datetime.now(UTC)
        revision = Revision(
            workflow_id=definition.id, revision=1, address=address_of(body), body=body, source=text, created_at=now
        )
        revision, is_new = await self._database.write(_publish, revision)
        return Published(revision=revision, is_new=is_new, warnings=report.warnings)

    async def get(self, workflow_id: str, revision: int | None = None) -> Revision:
        """Return a revision, by default the latest.

        Raises:
            NotFound: there is no such definition or revision.
        """
        found = await self._database.read(_get, workflow_id, revision)
        if found is None:
            which = "" if revision is None else f" with a revision {revision}"
            raise NotFound(f"there is no workflow {workflow_id!r}{which}")
        return found

    async def output_keys(self, workflow_id: str, revision: int) -> Mapping[str, str]:
        """Return under which other names the results of a revision's steps are read, by the steps' ids.

        Raises:
            NotFound: there is no such definition or revision.
        """
        name = (workflow_id, revision)
        if name not in self._output_keys:  # a revision never changes
            steps = (await self.get(workflow_id, revision)).body["steps"]
            if len(self._output_keys) >= _MOST_REMEMBERED:
                self._output_keys.clear()
            self._output_keys[name] = {step["id"]: step["outputKey"] for step in steps if "outputKey" in step}
        return self._output_keys[name]

    async def list(self, *, limit: int, before: int | None = None) -> Sequence[tuple[int, Revision]]:
        """Return the latest revisions of definitions that start runs, the newest definition first, with their places.

        Args:
            limit: at most so many.
            before: only those behind this place.
        """
        return await self._database.read(_list, limit, before)

    async def revisions(self, workflow_id: str, *, limit: int, before: int | None = None) -> Sequence[Revision]:
        """Return a definition's revisions, newest first, older than `before` where given.

        Raises:
            NotFound: there is no such definition.
        """
        await self.get(workflow_id)
        return await self._database.read(_revisions, workflow_id, limit, before)

    async def difference(self, workflow_id: str, before: int, after: int) -> Sequence[Change]:
        """Return what differs between two revisions.

        Raises:
            NotFound: there is no such definition, or one of them is none of its revisions.
        """
        first, second = await self.get(workflow_id, before), await self.get(workflow_id, after)
        return difference(first.definition, second.definition)

    async def delete(self, workflow_id: str) -> None:
        """Let a definition start no runs any more; those that it started go on. A second time changes nothing.

        Raises:
            NotFound: there is no such definition.
        """
        if not await self._database.write(_delete, workflow_id, datetime.now(UTC)):
            raise NotFound(f"there is no workflow {workflow_id!r}")

    async def was_published(self, workflow_id: str) -> bool:
        """Tell whether there ever was a definition of this id."""
        return await self._database.read(_get, workflow_id, None) is not None


class WrongId(Exception):
    """A definition has another id than the address to which it was sent."""

    def __init__(self, wanted: str, found: str) -> None:
        super().__init__(f"the definition's id is {found!r}, not {wanted!r}")


def _publish(connection: Connection, wanted: Revision) -> tuple[Revision, bool]:
    """Write a revision, whose number is found here, unless the latest has the same body."""
    name, at = wanted.workflow_id, wanted.created_at
    alone(connection, f"definition {name}")
    latest = connection.execute(_ADDRESS, {"of": name}).scalar_one_or_none()
    if latest == wanted.address and (found := _get(connection, name, None)) is not None:
        if found.is_deleted:
            _touch(connection, name, found.revision, at)
        return replace(found, is_deleted=False), False
    number = 1 if latest is None else _highest(connection, name) + 1
    if latest is None:
        values = {"workflow_id": name, "latest": number, "created_at": at, "updated_at": at}
        connection.execute(insert(DEFINITIONS).inline(), values)
    else:
        _touch(connection, name, number, at)
    revision = replace(wanted, revision=number)
    row = {name: getattr(revision, name) for name in REVISIONS.c.keys()}  # noqa: SIM118  columns are no dict
    connection.execute(insert(REVISIONS).inline(), row)
    return revision, True


def _touch(connection: Connection, workflow_id: str, latest: int, at: datetime) -> None:
    this = DEFINITIONS.c.workflow_id == workflow_id
    connection.execute(update(DEFINITIONS).where(this).values(latest=latest, updated_at=at, deleted_at=None))


def _highest(connection: Connection, workflow_id: str) -> int:
    last = select(REVISIONS.c.revision).where(REVISIONS.c.workflow_id == workflow_id)
    highest: int = connection.execute(last.order_by(REVISIONS.c.revision.desc()).limit(1)).scalar_one()
    return highest


def _rows() -> Select[Any]:
    return select(REVISIONS, DEFINITIONS.c.sequence, DEFINITIONS.c.deleted_at, DEFINITIONS.c.latest).join_from(
        REVISIONS, DEFINITIONS, _SAME
    )


def _get(connection: Connection, workflow_id: str, revision: int | None) -> Revision | None:
    wanted = DEFINITIONS.c.latest if revision is None else revision
    query = _rows().where(DEFINITIONS.c.workflow_id == workflow_id, REVISIONS.c.revision == wanted)
    row = connection.execute(query).first()
    return None if row is None else _revision(row)


def _list(connection: Connection, limit: int, before: int | None) -> list[tuple[int, Revision]]:
    query = _rows().where(REVISIONS.c.revision == DEFINITIONS.c.latest, DEFINITIONS.c.deleted_at.is_(None))
    if before is not None:
        query = query.where(DEFINITIONS.c.sequence < before)
    rows = connection.execute(query.order_by(DEFINITIONS.c.sequence.desc()).limit(limit))
    return [(row.sequence, _revision(row)) for row in rows]


def _revisions(connection: Connection, workflow_id: str, limit: int, before: int | None) -> list[Revision]:
    query = _rows().where(DEFINITIONS.c.workflow_id == workflow_id)
    if before is not None:
        query = query.where(REVISIONS.c.revision < before)
    return [_revision(row) for row in connection.execute(query.order_by(REVISIONS.c.revision.desc()).limit(limit))]


def _delete(connection: Connection, workflow_id: str, at: datetime) -> bool:
    found = _get(connection, workflow_id, None)
    if found is not None and not found.is_deleted:
        connection.execute(update(DEFINITIONS).where(DEFINITIONS.c.workflow_id == workflow_id).values(deleted_at=at))
    return found is not None


def _revision(row: Row[Any]) -> Revision:
    return Revision(
        workflow_id=row.workflow_id,
        revision=row.revision,
        address=row.address,
        body=row.body,
        source=row.source,
        created_at=row.created_at,
        is_deleted=row.deleted_at is not None,
    )
