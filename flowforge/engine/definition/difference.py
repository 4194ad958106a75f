"""What differs between two revisions of a definition, step by step and key by key."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from flowforge.engine.definition.model import Definition
from flowforge.engine.definition.pointers import join

_ABSENT: Final = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One difference.

    Attributes:
        kind: whether something was added, removed or changed.
        pointer: where; a step is named by its id in place of its position: `/steps/charge/params/amount`.
        before: what was there; None where it was added.
        after: what is there now; None where it was removed.
    """

    kind: Literal["added", "removed", "changed"]
    pointer: str
    before: Any = None
    after: Any = None


def difference(before: Definition, after: Definition) -> tuple[Change, ...]:
    """Return what became different; the order of steps counts only where nothing else tells them apart."""
    return tuple(_compare("", _by_step(before), _by_step(after)))


def _by_step(definition: Definition) -> dict[str, Any]:
    body = definition.canonical()
    return {**body, "steps": {step["id"]: step for step in body["steps"]}}


def _compare(pointer: str, before: Any, after: Any) -> Iterator[Change]:
    if before is _ABSENT:
        yield Change(kind="added", pointer=pointer, after=after)
    elif after is _ABSENT:
        yield Change(kind="removed", pointer=pointer, before=before)
    elif isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in dict.fromkeys((*before, *after)):
            yield from _compare(join(pointer, key), before.get(key, _ABSENT), after.get(key, _ABSENT))
    elif before != after or isinstance(before, bool) != isinstance(after, bool):  # True equals 1 in Python
        yield Change(kind="changed", pointer=pointer, before=before, after=after)
