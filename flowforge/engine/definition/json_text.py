"""JSON as it is read from people: strict, and every member's place in the text can be told."""

import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property
from typing import Any, Final, NoReturn

from flowforge.engine.definition.places import Place
from flowforge.engine.definition.pointers import keys
from flowforge.engine.definition.problems import DefinitionRefused, Problem

_SPACE: Final = re.compile(r"[ \t\n\r]*")
_PARSER: Final = json.JSONDecoder()


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


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise DefinitionRefused([Problem(code="FF-1020", message=f'the key "{twice}" is there twice')])
    return members


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number of JSON")


class JsonPlaces:
    """Where each part of a text begins that `load_json` has read and found not too deep.

    Of a large text only few parts are asked for: only what they stand in is walked, and what lies beside is passed over
    by the parser.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._inside: dict[int, dict[str, tuple[int, int]]] = {}

    def nearest(self, pointer: str) -> Place:
        """See Places.nearest."""
        mark = begins = self._after_space(0)
        for key in keys(pointer):
            found = self._parts_of(begins).get(key)
            if found is None:
                break
            mark, begins = found
        line = bisect_right(self._line_starts, mark)
        return line, mark - self._line_starts[line - 1] + 1

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(newline.end() for newline in re.finditer("\n", self._text))]

    def _parts_of(self, at: int) -> dict[str, tuple[int, int]]:
        """Return where the parts of what begins at an offset begin: the key or the item, and the value."""
        if at not in self._inside:
            opening = self._text[at]
            walk = {"{": self._members, "[": self._items}.get(opening)
            self._inside[at] = dict(walk(at + 1)) if walk is not None else {}
        return self._inside[at]

    def _members(self, at: int) -> Iterator[tuple[str, tuple[int, int]]]:
        mark = self._after_space(at)
        while self._text[mark] != "}":
            key, at = _PARSER.raw_decode(self._text, mark)
            value = self._after_space(self._after_space(at) + 1)
            yield key, (mark, value)
            mark = self._behind(value)

    def _items(self, at: int) -> Iterator[tuple[str, tuple[int, int]]]:
        mark, index = self._after_space(at), 0
        while self._text[mark] != "]":
            yield str(index), (mark, mark)
            mark, index = self._behind(mark), index + 1

    def _behind(self, value: int) -> int:
        """Return the offset of what follows a value: the next key or item, or the end of what it stands in."""
        at = self._after_space(_PARSER.raw_decode(self._text, value)[1])
        return self._after_space(at + 1) if self._text[at] == "," else at

    def _after_space(self, at: int) -> int:
        found = _SPACE.match(self._text, at)
        return at if found is None else found.end()
