"""The Prefer request header (RFC 7240), of which this API knows `wait`."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from flowforge.api.invalid import bad_header

MAX_WAIT_S: Final = 60
"""The longest wait a client may prefer, in seconds."""

_TOKEN: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105  # a token of HTTP's grammar, no secret
_WORD: Final = rf'(?:{_TOKEN}|"(?:[^"\\]|\\.)*")'
_PARAMETER: Final = rf"{_TOKEN}(?:[ \t]*=[ \t]*(?:{_WORD})?)?"
_PREFERENCE: Final = re.compile(
    rf"[ \t]*(?P<name>{_TOKEN})(?:[ \t]*=[ \t]*(?P<value>{_WORD})?)?(?:[ \t]*;[ \t]*(?:{_PARAMETER})?)*[ \t]*(?:,|$)"
)
_SECONDS: Final = re.compile(r"[0-9]{1,3}")


def preferred_wait_s(headers: Sequence[str] | None) -> int | None:
    """Return how many seconds the client would wait for the order's end, or None where it does not say.

    Preferences that are not known are ignored, and of one given twice the first counts, as RFC 7240 has it.

    Args:
        headers: the values of all Prefer headers.

    Raises:
        MalformedInput: a header is none, or `wait` is not a whole number from 1 to `MAX_WAIT_S`.
    """
    if not headers:
        return None
    for name, value in _preferences(", ".join(headers)):
        if name == "wait":
            if _SECONDS.fullmatch(value) is None or not 1 <= int(value) <= MAX_WAIT_S:
                raise bad_header("Prefer", f"wait must be a whole number of seconds from 1 to {MAX_WAIT_S}")
            return int(value)
    return None


def _preferences(text: str) -> Iterator[tuple[str, str]]:
    position = 0
    while position < len(text):
        if text[position] in ", \t":  # a list may have empty elements
            position += 1
            continue
        match = _PREFERENCE.match(text, position)
        if match is None:
            raise bad_header("Prefer", "is no list of preferences (RFC 7240)")
        yield match["name"].lower(), (match["value"] or "").strip('"')
        position = match.end()
