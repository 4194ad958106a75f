"""JSON as it is read from people: strict, and every member's place in the text can be told."""

import json
import re
from bisect import bisect_right
from typing import Any, Final, NoReturn

from flowforge.engine.definition.pointers import join
from flowforge.engine.definition.problems import DefinitionRefused, Problem

Places = dict[str, tuple[int, int]]
"""Line and column, from 1, by JSON pointer; of a member of an object, where its key begins."""

_TOKEN: Final = re.compile(r'\s*("(?:[^"\\]|\\.)*"|[\[\]{},:]|[^\s\[\]{},:"]+)')


def load_json(text: str) -> Any:
    """Return what a JSON text says.

    Raises:
        DefinitionRefused: it is not JSON, names a key twice, or holds what JSON cannot say.
    """
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant)
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()  # half of a surrogate pair is no character
    except json.JSONDecodeError as error:
        problem = Problem(code="FF-1000", message=f"not JSON: {error.msg}", line=error.lineno, column=error.colno)
        raise DefinitionRefused([problem]) from error
    except RecursionError as error:
        raise DefinitionRefused([Problem(code="FF-1014", message="nested too deeply")]) from error
    except ValueError as error:  # a number of thousands of digits, NaN, no character
        raise DefinitionRefused([Problem(code="FF-1000", message=f"not JSON: {error}")]) from error
    return value


def places_in_json(text: str) -> Places:
    """Return where each part of a text begins that `load_json` has read and found not too deep."""
    return _Survey(text).run()


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise DefinitionRefused([Problem(code="FF-1020", message=f'the key "{twice}" is there twice')])
    return members


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number of JSON")


class _Survey:
    """Walks the tokens of a text that is known to be well-formed."""

    def __init__(self, text: str) -> None:
        self._tokens = _TOKEN.finditer(text)
        self._line_starts = [0, *(newline.end() for newline in re.finditer("\n", text))]
        self._places: Places = {}
        self._offset = 0

    def run(self) -> Places:
        token = self._next()
        self._mark("")
        self._value("", token)
        return self._places

    def _next(self) -> str:
        match = next(self._tokens)
        self._offset = match.start(1)
        return match[1]

    def _mark(self, pointer: str) -> None:
        line = bisect_right(self._line_starts, self._offset)
        self._places[pointer] = (line, self._offset - self._line_starts[line - 1] + 1)

    def _value(self, pointer: str, token: str) -> None:
        if token == "{":  # noqa: S105  a brace
            self._members(pointer)
        elif token == "[":  # noqa: S105  a bracket
            self._items(pointer)

    def _members(self, pointer: str) -> None:
        token = self._next()
        while token != "}":  # noqa: S105
            if token == ",":  # noqa: S105
                token = self._next()
            member = join(pointer, json.loads(token))
            self._mark(member)
            self._next()
            self._value(member, self._next())
            token = self._next()

    def _items(self, pointer: str) -> None:
        token, index = self._next(), 0
        while token != "]":  # noqa: S105
            if token == ",":  # noqa: S105
                token = self._next()
            item = f"{pointer}/{index}"
            self._mark(item)
            self._value(item, token)
            token, index = self._next(), index + 1
