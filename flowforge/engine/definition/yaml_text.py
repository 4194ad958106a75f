"""YAML as it is read from people: the part of it that says the same as JSON, and nothing that can hurt.

Anchors and aliases are refused (a few lines of them stand for gigabytes), and so are tags. Scalars mean what YAML 1.2
says: `no` and `on` are words, a date is a string, `012` is twelve.
"""

import math
import re
from collections.abc import Iterator
from typing import Any, Final

import yaml

from flowforge.engine.definition.json_text import Places
from flowforge.engine.definition.pointers import join
from flowforge.engine.definition.problems import DefinitionRefused, Problem

# libyaml is many times faster; where PyYAML was built without it, its own parser says the same.
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CONSTANTS: Final = {"": None, "~": None, "null": None, "Null": None, "NULL": None} | {
    word: meaning for meaning in (True, False) for word in (str(meaning), str(meaning).lower(), str(meaning).upper())
}
_INTEGER: Final = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_A_NUMBER: Final = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


def load_yaml(text: str, *, max_depth: int) -> tuple[Any, Places]:
    """Return what a YAML text says, and where each part of it begins.

    Raises:
        DefinitionRefused: it is not YAML, is several documents, holds an anchor, an alias or a tag, names a key twice,
            or is nested more deeply than `max_depth`.
    """
    try:
        return _Reader(text, max_depth).run()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        words = getattr(error, "problem", None) or str(error).splitlines()[0]
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (None, None)
        problem = Problem(code="FF-1000", message=f"not YAML: {words}", line=line, column=column)
        raise DefinitionRefused([problem]) from error


def plain(text: str) -> Any:
    """Return what an unquoted scalar means; ValueError for infinities and for what is not a number."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INTEGER.fullmatch(text):
        return int(text, 0) if text[:2] in {"0o", "0x"} else int(text)
    if _FLOAT.fullmatch(text):
        number = float(text)
        if math.isfinite(number):
            return number
    elif not _NOT_A_NUMBER.fullmatch(text):
        return text
    raise ValueError(f"{text} is not a number of JSON")


class _Reader:
    def __init__(self, text: str, max_depth: int) -> None:
        self._events: Iterator[yaml.Event] = yaml.parse(text, Loader=_LOADER)
        self._max_depth = max_depth
        self._places: Places = {}

    def run(self) -> tuple[Any, Places]:
        next(self._events)  # the stream's start
        start = next(self._events)
        if not isinstance(start, yaml.DocumentStartEvent):
            raise DefinitionRefused([Problem(code="FF-1000", message="the text is empty")])
        value = self._value("", next(self._events), depth=0)
        next(self._events)  # the document's end
        rest = next(self._events)
        if not isinstance(rest, yaml.StreamEndEvent):
            raise self._refusal("FF-1000", "more than one document", "", rest)
        return value, self._places

    def _value(self, pointer: str, event: yaml.Event, *, depth: int) -> Any:
        self._places.setdefault(pointer, _place(event))
        if depth > self._max_depth:
            raise self._refusal("FF-1014", f"nested more than {self._max_depth} deep", pointer, event)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise self._refusal("FF-1021", "anchors and aliases are not read", pointer, event, "write it out")
        if tag := getattr(event, "tag", None):
            raise self._refusal("FF-1021", f"tags are not read: {tag}", pointer, event, "leave it out")
        if isinstance(event, yaml.MappingStartEvent):
            return self._members(pointer, depth)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._items(pointer, depth)
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(pointer, event)
        raise self._refusal("FF-1000", "something other than a value", pointer, event)

    def _members(self, pointer: str, depth: int) -> dict[str, Any]:
        members: dict[str, Any] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent) or event.tag or event.anchor:
                raise self._refusal("FF-1003", "a key is a plain word", pointer, event)
            key = event.value
            member = join(pointer, key)
            if key in members:
                raise self._refusal("FF-1020", f'the key "{key}" is there twice', member, event)
            self._places[member] = _place(event)
            members[key] = self._value(member, next(self._events), depth=depth + 1)
        return members

    def _items(self, pointer: str, depth: int) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._value(join(pointer, len(items)), event, depth=depth + 1))
        return items

    def _scalar(self, pointer: str, event: yaml.ScalarEvent) -> Any:
        if not event.implicit[0]:  # quoted, or a block
            return event.value
        try:
            return plain(event.value)
        except ValueError as error:
            raise self._refusal("FF-1003", str(error), pointer, event) from error

    @staticmethod
    def _refusal(
        code: str, message: str, pointer: str, event: yaml.Event, hint: str | None = None
    ) -> DefinitionRefused:
        line, column = _place(event)
        problem = Problem(code=code, message=message, pointer=pointer, hint=hint, line=line, column=column)
        return DefinitionRefused([problem])


def _place(event: yaml.Event) -> tuple[int, int]:
    mark = event.start_mark
    return (1, 1) if mark is None else (mark.line + 1, mark.column + 1)
