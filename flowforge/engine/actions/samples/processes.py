"""Samples for processes with several parties: a migration over three services, an approval by three people."""

from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Final

from flowforge.engine.actions.declaration import ActionContext, Mark, NotNeeded, Refused, Wait
from flowforge.engine.actions.loading import action_of
from flowforge.engine.actions.registry import Action
from flowforge.engine.actions.samples.records import SampleRecords, play_along
from flowforge.engine.validation.catalogue import Waits

_CATEGORY: Final = "samples"
_PATIENCE: Final = "7d"
_DECISION: Final = {
    "type": "object",
    "properties": {"approved": {"type": "boolean"}},
    "required": ["approved"],
}

# Each approval: its action, its undo, its name in the input and as an event, and the approval before it.
_APPROVALS: Final = (
    ("Reviewer1Approve", "RevokeApproval1", "reviewer1", None),
    ("Reviewer2Approve", "RevokeApproval2", "reviewer2", "Reviewer1Approve"),
    ("FinalApproval", "RevokeFinalApproval", "final", "Reviewer2Approve"),
)

Run = Callable[[Any, ActionContext], Awaitable[Any]]


def process_samples(records: SampleRecords) -> Iterator[Action]:
    """Yield the samples of both processes."""
    yield _effect(records, "BackupOldData", {"backedUp": True})
    for service in "ABC":
        yield _effect(records, f"MigrateToService{service}", {"migrated": service})
        yield _undo(records, f"RollbackService{service}", {"rolledBack": service})
    yield _look("VerifyMigration", {"verified": True})
    yield _effect(records, "DeleteOldData", {"deleted": True})
    yield _effect(records, "SubmitDocument", {"submitted": True})
    for approve, revoke, person, before in _APPROVALS:
        yield _approval(records, approve, person, before)
        yield _revocation(records, revoke, person)
    yield _publication(records)


def _effect(records: SampleRecords, name: str, told: dict[str, Any]) -> Action:
    async def run(_params: Any, context: ActionContext) -> dict[str, Any]:
        return await records.once(context, told)

    return _action(name, run, "Do it once, in the ledger.", effect=True)


def _undo(records: SampleRecords, name: str, told: dict[str, Any]) -> Action:
    async def run(_params: Any, context: ActionContext) -> dict[str, Any] | NotNeeded:
        return await records.back(context, **told)

    return _action(name, run, "Undo it, in the ledger.", effect=True, only_undoes=True)


def _look(name: str, told: dict[str, Any]) -> Action:
    async def run(_params: Any, context: ActionContext) -> dict[str, Any]:
        play_along(context)
        return told

    return _action(name, run, "See that all is well.", effect=False)


def _approval(records: SampleRecords, name: str, person: str, before: str | None) -> Action:
    async def run(_params: Any, context: ActionContext) -> dict[str, Any] | Wait:
        _refuse_unless_approved(context, before)
        given = context.data.get("approvals")
        decision = given.get(person) if isinstance(given, dict) else None
        if decision is None:
            play_along(context)
            return Wait(person, _PATIENCE, "fail", _DECISION, f"{person} has to decide")
        if decision is not True:
            raise Refused("rejected", f"{person} says no")
        return await records.once(context, {"approved": True, "by": person})

    description = f"Ask {person}: in `approvals` of the input, or by the event `{person}`."
    return _action(name, run, description, effect=True, waits="in time")


def _revocation(records: SampleRecords, name: str, person: str) -> Action:
    async def run(_params: Any, context: ActionContext) -> dict[str, Any] | NotNeeded:
        answer = await records.back(context, revoked=person)
        if isinstance(answer, NotNeeded) and _is_approved(context.undone_result):
            return {"revoked": person}  # it came by an event, which the ledger knows nothing of
        return answer

    return _action(name, run, f"Take back what {person} approved.", effect=True, only_undoes=True)


def _publication(records: SampleRecords) -> Action:
    async def run(_params: Any, context: ActionContext) -> dict[str, Any]:
        _refuse_unless_approved(context, "FinalApproval")
        return await records.once(context, {"published": True})

    return _action("PublishDocument", run, "Publish what all approved.", effect=True)


def _refuse_unless_approved(context: ActionContext, before: str | None) -> None:
    """Refuse to go on where the approval before, which may have come by an event, says no."""
    if before is not None and before in context.data and not _is_approved(context.data[before]):
        raise Refused("rejected", f"{before}: not approved")


def _is_approved(result: Any) -> bool:
    return isinstance(result, dict) and result.get("approved") is True


def _action(
    name: str, run: Run, description: str, *, effect: bool, waits: Waits = "never", only_undoes: bool = False
) -> Action:
    mark = Mark(
        name=name,
        description=description,
        category=_CATEGORY,
        effect=effect,
        fenced=effect,
        waits=waits,
        only_undoes=only_undoes,
    )
    return action_of(run, mark)
