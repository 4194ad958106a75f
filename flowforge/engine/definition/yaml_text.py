"""YAML as it is read from people: the part of it that says the same as JSON, and nothing that can hurt.

Anchors and aliases are refused (a few lines of them stand for gigabytes), and so are tags. Scalars mean what YAML 1.2
says: `no` and `on` are words, a date is a string, `012` is twelve.
"""

import math
import re
from collections.abc import Callable
from typing import Any, Final, TypeAlias

import yaml

from flowforge.engine.definition.places import Place, Places
from flowforge.engine.definition.pointers import join, keys
from flowforge.engine.definition.problems import DefinitionRefused, Problem

# libyaml is many times faster; where PyYAML was built without it, its own parser says the same.
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CONSTANTS: Final = {"": None, "~": None, "null": None, "Null": None, "NULL": None} | {
    word: meaning for meaning in (True, False) for word in (str(meaning), str(meaning).lower(), str(meaning).upper())
}
_INTEGER: Final = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_OF_A_NUMBER: Final = frozenset("+-.0123456789")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_A_NUMBER: Final = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


def load_yaml(text: str, *, max_depth: int) -> tuple[Any, Places]:
    """Return what a YAML text says, and where each part of it begins.

    Raises:
        DefinitionRefused: it is not YAML, is several documents, holds an anchor, an alias or a tag, names a key twice,
            or is nested more deeply than `max_depth`.
    """
    try:
        loader = _LOADER(text)
        try:
            return _Reader(loader.get_event, max_depth).run()
        finally:
            loader.dispose()
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
    if text[0] not in _OF_A_NUMBER:  # as most
        return text
    if _INTEGER.fullmatch(text):
        return int(text, 0) if text[:2] in {"0o", "0x"} else int(text)
    if _FLOAT.fullmatch(text):
        number = float(text)
        if math.isfinite(number):
            return number
    elif not _NOT_A_NUMBER.fullmatch(text):
        return text
    raise ValueError(f"{text} is not a number of JSON")


_Inside: TypeAlias = "dict[str, _Part] | list[_Part] | None"
_Part: TypeAlias = tuple[int, int, _Inside]
"""A part of a text: line and column where it begins, and the parts in it by their keys or in their order."""


class YamlPlaces:
    """Where each part of a text begins.

    No pointers are made before somebody asks for one: few ever do, and of a large text they are the better part of the
    work.
    """

    def __init__(self, whole: _Part) -> None:
        self._whole = whole

    def nearest(self, pointer: str) -> Place:
        """See Places.nearest."""
        line, column, inside = self._whole
        for key in keys(pointer):
            inner = None
            if isinstance(inside, dict):
                inner = inside.get(key)
            elif inside is not None and key.isdecimal() and int(key) < len(inside):
                inner = inside[int(key)]
            if inner is None:
                break
            line, column, inside = inner
        return line, column


class _Reader:
    def __init__(self, next_event: Callable[[], yaml.Event], max_depth: int) -> None:
        self._next = next_event
        self._max_depth = max_depth
        self._path: list[str | int] = []

    def run(self) -> tuple[Any, Places]:
        self._next()  # the stream's start
        start = self._next()
        if not isinstance(start, yaml.DocumentStartEvent):
            raise DefinitionRefused([Problem(code="FF-1000", message="the text is empty")])
        event = self._next()
        value, inside = self._value(event)
        self._next()  # the document's end
        rest = self._next()
        if not isinstance(rest, yaml.StreamEndEvent):
            raise self._refusal("FF-1000", "more than one document", rest)
        return value, YamlPlaces((*_place(event), inside))

    def _value(self, event: yaml.Event) -> tuple[Any, _Inside]:
        """Return what begins with an event, and the parts in it."""
        if len(self._path) > self._max_depth:
            raise self._refusal("FF-1014", f"nested more than {self._max_depth} deep", event)
        if getattr(event, "anchor", None):  # an alias has one, too
            raise self._refusal("FF-1021", "anchors and aliases are not read", event, "write it out")
        if tag := getattr(event, "tag", None):
            raise self._refusal("FF-1021", f"tags are not read: {tag}", event, "leave it out")
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event), None
        if isinstance(event, yaml.MappingStartEvent):
            return self._members()
        if isinstance(event, yaml.SequenceStartEvent):
            return self._items()
        raise self._refusal("FF-1000", "something other than a value", event)

    def _members(self) -> tuple[dict[str, Any], dict[str, _Part]]:
        members: dict[str, Any] = {}
        parts: dict[str, _Part] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent) or event.tag or event.anchor:
                raise self._refusal("FF-1003", "a key is a plain word", event)
            key = event.value
            self._path.append(key)
            if key in members:
                raise self._refusal("FF-1020", f'the key "{key}" is there twice', event)
            members[key], inside = self._value(self._next())
            parts[key] = (*_place(event), inside)
            self._path.pop()
        return members, parts

    def _items(self) -> tuple[list[Any], list[_Part]]:
        items: list[Any] = []
        parts: list[_Part] = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            self._path.append(len(items))
            value, inside = self._value(event)
            items.append(value)
            parts.append((*_place(event), inside))
            self._path.pop()
        return items, parts

    def _scalar(self, event: yaml.ScalarEvent) -> Any:
        if not event.implicit[0]:  # quoted, or a block
            return event.value
        try:
            return plain(event.value)
        except ValueError as error:
            raise self._refusal("FF-1003", str(error), event) from error

    def _refusal(self, code: str, message: str, event: yaml.Event, hint: str | None = None) -> DefinitionRefused:
        line, column = _place(event)
        pointer = join("", *self._path)
        problem = Problem(code=code, message=message, pointer=pointer, hint=hint, line=line, column=column)
        return DefinitionRefused([problem])


def _place(event: yaml.Event) -> Place:
    mark = event.start_mark
    return (1, 1) if mark is None else (mark.line + 1, mark.column + 1)
