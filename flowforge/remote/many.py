"""One thing done to many runs: page by page, an answer for each."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from flowforge.remote.answers import Answer
from flowforge.remote.asking import Api
from flowforge.remote.reading import read_as

BulkAction = Literal["pause", "resume", "cancel", "retry", "replay"]
"""What can be done to many runs."""

MAX_AT_ONCE: Final = 100
"""The most runs that the server acts on in one request."""


class BulkItem(Answer):
    """What came of it for one run.

    Attributes:
        execution_id: the run.
        accepted: whether it took it.
        started: the run that a replay has started.
        code: why it did not, for programs.
        detail: and for people.
        retryable: whether the same may be accepted later.
    """

    execution_id: str
    accepted: bool
    started: str | None
    code: str | None
    detail: str | None
    retryable: bool


class BulkPage(Answer):
    """What came of it for some runs; `next` leads on to the others."""

    items: tuple[BulkItem, ...]
    next: str | None


async def act_on_many(
    api: Api, action: BulkAction, chosen: Mapping[str, Any], *, ids: Sequence[str] | None, reason: str, limit: int
) -> list[BulkItem]:
    """Do something to runs; return what came of each.

    Args:
        api: where to ask.
        action: what to do.
        chosen: what is true of the runs, as the API has it.
        ids: the runs, where they are named.
        reason: why, for a cancellation.
        limit: to how many runs at most.
    """
    found: list[BulkItem] = []
    body = {"action": action, "reason": reason}
    if ids is not None:
        named = list(dict.fromkeys(ids))[:limit]
        parts = [named[at : at + MAX_AT_ONCE] for at in range(0, len(named), MAX_AT_ONCE)]
        for part in parts:
            answer = await api.post("executions", "bulk", body={**body, "filter": {**chosen, "ids": part}})
            found.extend(read_as(BulkPage, answer).items)
        return found
    cursor: str | None = None
    while len(found) < limit:
        most = min(limit - len(found), MAX_AT_ONCE)
        page = {"filter": dict(chosen), "limit": most, "cursor": cursor}
        answer = read_as(BulkPage, await api.post("executions", "bulk", body={**body, **page}))
        found.extend(answer.items)
        cursor = answer.next
        if cursor is None:
            break
    return found
