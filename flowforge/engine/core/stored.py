"""What stands for a value that is kept elsewhere: a run carries it, and whoever needs the value fetches that."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from sys import intern
from typing import Any

from flowforge.engine.definition.names import UNDO


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A value that is kept elsewhere.

    Attributes:
        ref: under which name.
        size: how many bytes it has as JSON.
        count: how many parts, where it is a list that is kept part by part; None where it is kept whole.
        item: the part that is meant; None for the whole value.
        inline: parts that are so small that they are carried here, with their places.
    """

    ref: str
    size: int
    count: int | None = None
    item: int | None = None
    inline: tuple[tuple[int, Any], ...] = field(default=(), hash=False)

    def __post_init__(self) -> None:
        # Ten thousand parts of one list have one name.
        object.__setattr__(self, "ref", intern(self.ref))


def gathered(results: Iterable[Any]) -> Any:
    """Return what items gave as one value: a list, or what stands for one where any of them is kept elsewhere."""
    found = list(results)
    kept = [result for result in found if isinstance(result, Stored)]
    if not kept:
        return found
    inline = [(at, result) for at, result in enumerate(found) if result is not None and not isinstance(result, Stored)]
    return Stored(ref=kept[0].ref, size=sum(one.size for one in kept), count=len(found), inline=tuple(inline))


def part_of(value: Any, at: int) -> Any:
    """Return one item of a list, or what stands for it."""
    if isinstance(value, Stored):
        return Stored(ref=value.ref, size=value.size // max(value.count or 1, 1), item=at)
    return value[at] if isinstance(value, list | tuple) else value


def split(data: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Stored]]:
    """Return data without what is kept elsewhere, and that by name; of an undone step's result `undo` is the name."""
    here: dict[str, Any] = {}
    elsewhere: dict[str, Stored] = {}
    for name, value in data.items():
        if isinstance(value, Stored):
            elsewhere[name] = value
        elif name == UNDO and isinstance(value, dict) and isinstance(value.get("result"), Stored):
            elsewhere[name] = value["result"]
            here[name] = {**value, "result": None}
        else:
            here[name] = value
    return here, elsewhere


def write(value: Any) -> Any:
    """Return a value as JSON from which `read` tells what is kept elsewhere from what only looks like it."""
    if not isinstance(value, Stored):
        return [value]
    inline = {} if not value.inline else {"inline": [list(part) for part in value.inline]}
    known = {"ref": value.ref, "size": value.size, "count": value.count, "item": value.item}
    return {name: one for name, one in known.items() if one is not None} | inline


def read(written: Any) -> Any:
    """Return the value that `write` wrote; None of nothing."""
    if isinstance(written, Mapping):
        inline = tuple((at, part) for at, part in written.get("inline", ()))
        return Stored(**{**written, "inline": inline})
    return None if written is None else written[0]
