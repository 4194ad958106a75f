"""JSON as clients must send it: whatever two readers could understand differently is refused.

Text that is no JSON (RFC 8259) is malformed: 400. JSON that is well-formed but says something this API cannot hold
exactly, a duplicate key, an integer over 2^53, a NUL or half a surrogate pair, is not acceptable: 422.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from flowforge.api.invalid import InputError, InvalidInput, MalformedInput, pointer

MAX_DEPTH: Final = 32
"""How deep arrays and objects may nest."""

MAX_KEYS: Final = 1000
"""How many keys one object may have: a body of 70,000 unknown ones would keep the validator busy for a second."""

MAX_INTEGER: Final = 2**53
"""The largest magnitude of an integer that every JSON reader holds exactly."""

# Possessive, and an open string runs to the end: an attacker's quotes must not make the scan quadratic.
_BRACKETS: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|([\[{])|([\]}])', re.DOTALL)


class _Unacceptable(Exception):
    """Well-formed JSON that is refused; where it stands is not known to the parser's hooks."""

    def __init__(self, code: str, detail: str, key: str | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.key = key


def _constant(name: str) -> float:
    raise MalformedInput([InputError(code="json_invalid", detail=f"{name} is not JSON", pointer="")])


def _integer(digits: str) -> int:
    # The length is looked at first: turning a million digits into an int takes a quadratic while.
    if len(digits) > 17 or abs(int(digits)) > MAX_INTEGER:
        raise _Unacceptable("integer_too_large", "an integer lies beyond ±2^53, where readers of JSON round")
    return int(digits)


def _float(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise _Unacceptable("number_too_large", "a number is too large for a double")
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > MAX_KEYS:
        raise _Unacceptable("too_many_keys", f"an object has more than {MAX_KEYS} keys")
    members = dict(pairs)
    if len(members) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]  # add() is there for its effect
        raise _Unacceptable("duplicate_key", "a key appears twice in one object", twice)
    return members


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_constant=_constant, parse_int=_integer, parse_float=_float
)


def parse_json(body: bytes) -> Any:  # any JSON value
    """Return the value of a JSON text.

    Args:
        body: the text in UTF-8, without a byte order mark.

    Raises:
        MalformedInput: this is no JSON text.
        InvalidInput: a duplicate key, a number no double or exact integer holds, a NUL or a lone surrogate in a
            string, deeper nesting than `MAX_DEPTH`, or an object of more than `MAX_KEYS` keys.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise _malformed(f"byte {error.start} is not UTF-8") from None
    if text.startswith("\ufeff"):
        raise _malformed("a byte order mark precedes it")
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH:
        _check_depth(body)
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        detail = "the body is empty" if not text.strip() else f"line {error.lineno}, column {error.colno}: {error.msg}"
        raise _malformed(detail) from None
    except _Unacceptable as error:
        where = "" if error.key is None else pointer([error.key])
        raise InvalidInput([InputError(code=error.code, detail=error.detail, pointer=where)]) from None
    # UTF-8 itself can hold neither a lone surrogate nor, inside a JSON string, a bare NUL: only an escape brings them.
    if b"\\u" in body:
        _check_strings(value)
    return value


def _malformed(detail: str) -> MalformedInput:
    return MalformedInput([InputError(code="json_invalid", detail=detail, pointer="")])


def _check_depth(body: bytes) -> None:
    depth = 0
    for match in _BRACKETS.finditer(body):
        if match[1]:
            depth += 1
            if depth > MAX_DEPTH:
                detail = f"arrays and objects nest deeper than {MAX_DEPTH}"
                raise InvalidInput([InputError(code="nested_too_deep", detail=detail, pointer="")])
        elif match[2]:
            depth -= 1


def _check_strings(value: Any) -> None:  # any JSON value
    for path, text in _strings(value, ()):
        if "\0" in text:
            raise _bad_string("nul_character", "a string holds a NUL character", path)
        try:
            text.encode()
        except UnicodeEncodeError:
            raise _bad_string("lone_surrogate", "a string holds half of a surrogate pair", path) from None


def _bad_string(code: str, detail: str, path: tuple[str | int, ...]) -> InvalidInput:
    return InvalidInput([InputError(code=code, detail=detail, pointer=pointer(path))])


def _strings(value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _strings(item, (*path, index))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield path, key
            yield from _strings(item, (*path, key))
