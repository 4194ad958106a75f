"""Input that is refused, and exactly where it is wrong."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from flowforge.errors import BadRequest, Conflict, Unprocessable

MAX_ERRORS: Final = 20
"""How many errors one answer names: a body of many wrong keys must not make a larger answer."""

MAX_SEGMENT: Final = 100
"""How many characters of one key a pointer shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InputError:
    """One thing that is wrong with a request.

    Attributes:
        code: stable and machine-readable, for example `duplicate_key`.
        detail: one sentence for people.
        pointer: JSON pointer (RFC 6901) into the body, empty for the whole of it; None when it is not in the body.
        place: where the parameter stands, when it is not in the body.
        parameter: its name, when it is not in the body.
        hint: what may be done about it; None where nobody can tell.
        line: line in the body's text, from 1, where the body is a text that people write.
        column: column in that line, from 1.
    """

    code: str
    detail: str
    pointer: str | None = None
    place: Literal["path", "query", "header"] | None = None
    parameter: str | None = None
    hint: str | None = None
    line: int | None = None
    column: int | None = None


class InvalidInput(Unprocessable):
    """The request can be read, but not accepted as it is: 422, with every error located."""

    def __init__(self, errors: Sequence[InputError]) -> None:
        super().__init__(_sentence(errors))
        self.errors = tuple(errors)[:MAX_ERRORS]


class DefinitionInvalid(Unprocessable):
    """The workflow definition has problems; `errors` names all of them, each with its place and a hint."""

    code = "definition_invalid"

    def __init__(self, errors: Sequence[InputError]) -> None:
        super().__init__(_sentence(errors))
        self.errors = tuple(errors)


class ImpossibleRetry(Conflict):
    """The run cannot begin again as is wished; `errors` names every reason."""

    def __init__(self, errors: Sequence[InputError]) -> None:
        super().__init__(_sentence(errors))
        self.errors = tuple(errors)


class MalformedInput(BadRequest):
    """The request cannot be read: 400, with every error located."""

    def __init__(self, errors: Sequence[InputError]) -> None:
        super().__init__(_sentence(errors))
        self.errors = tuple(errors)[:MAX_ERRORS]


def pointer(path: Iterable[str | int]) -> str:
    """Return the JSON pointer (RFC 6901) of a path of keys and indices; long keys are cut, surrogates become `?`."""
    shown = "".join("/" + str(segment)[:MAX_SEGMENT].replace("~", "~0").replace("/", "~1") for segment in path)
    return shown.encode(errors="replace").decode()


def bad_header(name: str, detail: str) -> MalformedInput:
    """Return the error for a header that cannot be understood."""
    return MalformedInput([InputError(code="header_invalid", detail=detail, place="header", parameter=name)])


def _sentence(errors: Sequence[InputError]) -> str:
    first = errors[0]
    where = first.parameter if first.pointer is None else first.pointer
    sentence = f"{where}: {first.detail}" if where else first.detail
    return sentence if len(errors) == 1 else f"{sentence} (and {len(errors) - 1} more)"
