"""A definition's text, read: what it says, and where it says it."""

from dataclasses import replace
from typing import Any, Final, Literal

from flowforge.engine.definition.json_text import JsonPlaces, load_json
from flowforge.engine.definition.places import NoPlaces, Place, Places
from flowforge.engine.definition.pointers import join
from flowforge.engine.definition.problems import DefinitionRefused, Problem
from flowforge.engine.definition.yaml_text import load_yaml

MAX_BYTES: Final = 1024 * 1024
"""The longest text that is read."""

MAX_DEPTH: Final = 32
"""How deep objects and lists may be nested."""

_TOO_DEEP: Final = Problem(code="FF-1014", message=f"nested more than {MAX_DEPTH} deep")

Form = Literal["json", "yaml"]


class Document:
    """What a text says, and where.

    Attributes:
        value: what it says, as JSON values.
    """

    def __init__(self, value: Any, places: Places) -> None:
        self.value = value
        self._places = places

    def place_of(self, pointer: str) -> Place | None:
        """Return line and column of what a pointer points to, or of the nearest thing around it that is there."""
        return self._places.nearest(pointer)

    def placed(self, problem: Problem) -> Problem:
        """Return a problem with its line and column."""
        place = self.place_of(problem.pointer)
        return problem if place is None else replace(problem, line=place[0], column=place[1])


def read(text: str | bytes, *, form: Form | None = None) -> Document:
    """Read a definition's text.

    Args:
        text: the text; bytes are UTF-8.
        form: what it is written in; None looks whether it begins as JSON does.

    Raises:
        DefinitionRefused: it cannot be read, or is larger or nested more deeply than is allowed.
    """
    size = len(text) if isinstance(text, bytes) else len(text.encode(errors="surrogatepass"))
    if size > MAX_BYTES:
        raise DefinitionRefused([Problem(code="FF-1014", message=f"the text has {size} bytes, at most {MAX_BYTES}")])
    readable = _decode(text).removeprefix("\ufeff")
    if (form or _guess(readable)) == "json":
        document = Document(load_json(readable), JsonPlaces(readable))
        if deeper_than(document.value, MAX_DEPTH):
            raise DefinitionRefused([_TOO_DEEP])
    else:
        document = Document(*load_yaml(readable, max_depth=MAX_DEPTH))
    if "\\" in readable and (held := nul_in(document.value)) is not None:  # only an escape can bring one
        raise DefinitionRefused([document.placed(_nul(held))])
    return document


def of_value(value: Any) -> Document:
    """Return a document that was never text: its problems have no lines."""
    if deeper_than(value, MAX_DEPTH):
        raise DefinitionRefused([_TOO_DEEP])
    if (held := nul_in(value)) is not None:
        raise DefinitionRefused([_nul(held)])
    return Document(value, NoPlaces())


def deeper_than(value: Any, depth: int) -> bool:
    """Tell whether objects and lists are nested more deeply than that, without following them further down."""
    holders = [value] if isinstance(value, (dict, list)) else []
    for _ in range(depth):
        holders = [
            inner
            for outer in holders
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, (dict, list))
        ]
    return any(holders)  # what is empty holds nothing that would be deeper


def nul_in(value: Any) -> str | None:
    """Return where a value holds the character NUL, of which not every database keeps a text; None if nowhere."""
    todo: list[tuple[str, Any]] = [("", value)]
    while todo:
        pointer, part = todo.pop()
        if isinstance(part, str) and "\0" in part:
            return pointer
        if isinstance(part, dict):
            if any(isinstance(key, str) and "\0" in key for key in part):
                return pointer
            todo.extend((join(pointer, str(key)), inner) for key, inner in part.items())
        elif isinstance(part, list):
            todo.extend((f"{pointer}/{index}", inner) for index, inner in enumerate(part))
    return None


def _nul(pointer: str) -> Problem:
    return Problem(code="FF-1000", message="a text holds the character NUL", pointer=pointer)


def _guess(text: str) -> Form:
    return "json" if text.lstrip()[:1] in {"{", "["} else "yaml"


def _decode(text: str | bytes) -> str:
    try:
        decoded = text.decode() if isinstance(text, bytes) else text
        decoded.encode()
    except UnicodeError as error:
        raise DefinitionRefused([Problem(code="FF-1000", message="not UTF-8")]) from error
    return decoded
