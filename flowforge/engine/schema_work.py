"""How much work it is to hold data against a JSON Schema: counted beforehand, since nothing stops a validator.

Twenty lines of references, each to the next one twice, come to a million looks at one value, and every line more
doubles that. Whoever validates for minutes serves nobody else meanwhile. The count is an upper bound: it takes every
branch.
"""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, Final
from urllib.parse import unquote

MOST_LOOKS: Final = 100_000
"""How many looks of parts of a schema at values are allowed."""

_MOST_PARTS: Final = 2_000
_MOST_MEANINGS: Final = 1_000_000
_ENOUGH_ROOM: Final = 20_000_000
"""Parts of a schema, with all that they refer to, times values: up to here nothing need be counted one by one."""

_LISTS: Final = ("allOf", "anyOf", "oneOf")
_SINGLE: Final = ("not", "if", "then", "else")
_MAPS: Final = ("dependentSchemas", "dependencies")
_REFERENCES: Final = frozenset({"$ref", "$dynamicRef", "$recursiveRef"})
_NAMES: Final = ("$anchor", "$dynamicAnchor", "$id", "id")
_ELSE_OF_OBJECTS: Final = ("additionalProperties", "unevaluatedProperties")
_OF_ITEMS: Final = ("items", "additionalItems", "contains", "unevaluatedItems")
_LOOKS_TWICE: Final = ("unevaluatedProperties", "unevaluatedItems")


def is_too_much(schema: Any, data: Any) -> bool:
    """Tell whether holding data against a schema takes more than `MOST_LOOKS` looks."""
    work = _Work(schema)
    if work.is_tangled():
        return True
    parts = work.parts()
    if parts is not None and parts * sum(1 for _ in _values(data)) <= _ENOUGH_ROOM:
        return False
    return work.looks(data) > MOST_LOOKS


def is_too_much_for_all(schema: Any) -> bool:
    """Tell whether a schema takes more than `MOST_LOOKS` looks at whatever it is held against, there or further inside.

    It is told of the schema alone, before there are data. A schema that is too much only for data that are large or
    deep is none of these.
    """
    work = _Work(schema)
    return work.is_tangled() or work.is_too_much_for_all()


class _Work:
    """Counts over one schema."""

    def __init__(self, schema: Any) -> None:
        self._schema = schema
        self._known: dict[int, list[Any]] = {}

    def parts(self) -> int | None:
        """Return how many parts the schema has with all that they refer to; None where they are very many."""
        count, left = 0, [self._schema]
        while left:
            part = left.pop()
            if isinstance(part, dict):
                count += 1
                left += self._beside(part)
                left += _below(part)
            if count + len(left) > _MOST_PARTS:
                return None
        return count

    def looks(self, data: Any) -> int:
        """Return how many parts look at how many values, no further than is too many."""
        count, left = 0, [(self._schema, data)]
        while left and count + len(left) <= MOST_LOOKS:
            part, value = left.pop()
            count += 1
            if isinstance(part, dict):
                left += [(each, value) for each in self._beside(part)]
                if isinstance(value, dict):
                    left += [(each, inner) for name, inner in value.items() for each in _of_key(part, name)]
                elif isinstance(value, list):
                    left += [(each, inner) for at, inner in enumerate(value) for each in _of_item(part, at)]
        return count + len(left)

    def is_tangled(self) -> bool:
        """Tell whether it would take long to find out what the references mean: each may count from every id."""
        references = sum(1 for part in _values(self._schema) if isinstance(part, dict) and _REFERENCES & part.keys())
        return references * len(self._embedded) > _MOST_MEANINGS

    def is_too_much_for_all(self) -> bool:
        """Tell whether some part, with all those beside it, looks too often at one value."""
        looks: dict[int, int] = {}
        inside = [self._schema]
        while inside:
            part = inside.pop()
            if id(part) not in looks:
                inside += self._count(part, looks)
            if looks[id(part)] > MOST_LOOKS:
                return True
        return False

    def _count(self, part: Any, looks: dict[int, int]) -> list[Any]:
        """Count how often a part and those beside it look at one value; return those that look at what is inside."""
        inside: list[Any] = []
        left = [(part, False)]
        while left:
            each, is_ready = left.pop()
            beside = self._beside(each) if isinstance(each, dict) else []
            if is_ready:
                looks[id(each)] = min(1 + sum(looks[id(other)] for other in beside), MOST_LOOKS + 1)
                inside += _below(each) if isinstance(each, dict) else ()
            elif id(each) not in looks:
                looks[id(each)] = MOST_LOOKS + 1  # whoever comes here before it is counted goes round in circles
                left.append((each, True))
                left += [(other, False) for other in beside]
        return inside

    def _beside(self, part: Mapping[str, Any]) -> list[Any]:
        """Return the parts that look at the same value as this one does."""
        known = self._known.get(id(part))
        if known is None:
            known = self._known[id(part)] = self._found_beside(part)
        return known

    def _found_beside(self, part: Mapping[str, Any]) -> list[Any]:
        found = [each for name in _LISTS if isinstance(part.get(name), list) for each in part[name]]
        found += [part[name] for name in _SINGLE if name in part]
        found += [each for name in _MAPS if isinstance(part.get(name), dict) for each in part[name].values()]
        found += [each for name in _REFERENCES if isinstance(part.get(name), str) for each in self._meant(part[name])]
        # What is unevaluated is found out by looking at the others once more.
        return found * 2 if any(name in part for name in _LOOKS_TWICE) else found

    def _meant(self, reference: str) -> list[Any]:
        """Return the parts that a reference may mean; none where it leads out of the schema."""
        base, _, place = reference.partition("#")
        roots = self._named.get(base.rpartition("/")[2], []) if base else [self._schema, *self._embedded]
        if not place:
            return roots[:1]
        if place.startswith("/"):
            return [found for root in roots if (found := _at(root, unquote(place))) is not None]
        return self._named.get(place, [])

    @cached_property
    def _named(self) -> dict[str, list[Any]]:
        named: dict[str, list[Any]] = {}
        for part in _values(self._schema):
            for name in _NAMES if isinstance(part, dict) else ():
                if isinstance(part.get(name), str):
                    named.setdefault(part[name].rstrip("#").rpartition("/")[2].lstrip("#"), []).append(part)
        return named

    @cached_property
    def _embedded(self) -> list[Any]:
        """The parts that references inside of them may count from."""
        return [each for each in _values(self._schema) if isinstance(each, dict) and isinstance(each.get("$id"), str)]


def _below(part: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the parts that look at what is inside a value."""
    for name in ("properties", "patternProperties"):
        if isinstance(part.get(name), dict):
            yield from part[name].values()
    for name in (*_ELSE_OF_OBJECTS, "propertyNames", *_OF_ITEMS, "prefixItems"):
        inner = part.get(name)
        yield from inner if isinstance(inner, list) else (inner,)


def _of_key(part: Mapping[str, Any], name: str) -> Iterator[Any]:
    """Yield the parts that look at the value under a key."""
    properties, patterns = part.get("properties"), part.get("patternProperties")
    is_named = isinstance(properties, dict) and name in properties
    if isinstance(properties, dict) and is_named:
        yield properties[name]
    if isinstance(patterns, dict):
        yield from patterns.values()
    if not is_named:
        yield from (part[each] for each in _ELSE_OF_OBJECTS if each in part)


def _of_item(part: Mapping[str, Any], at: int) -> Iterator[Any]:
    """Yield the parts that look at an item of a list."""
    for name in (*_OF_ITEMS, "prefixItems"):
        inner = part.get(name)
        if not isinstance(inner, list):
            yield from (inner,) if isinstance(inner, dict) else ()
        elif at < len(inner):
            yield inner[at]


def _at(root: Any, place: str) -> Any:
    """Return what a JSON pointer leads to; None where that is nothing."""
    for name in place.split("/")[1:]:
        if isinstance(root, dict):
            root = root.get(name.replace("~1", "/").replace("~0", "~"))
        elif isinstance(root, list) and name.isdecimal() and int(name) < len(root):
            root = root[int(name)]
        else:
            return None
    return root


def _values(data: Any) -> Iterator[Any]:
    """Yield a JSON value and all that are inside of it."""
    left = [data]
    while left:
        value = left.pop()
        yield value
        if isinstance(value, dict):
            left += value.values()
        elif isinstance(value, list):
            left += value
