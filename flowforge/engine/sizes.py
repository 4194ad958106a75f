"""How large values are as Temporal carries them, and from when on they are kept elsewhere."""

import json
from collections.abc import Mapping
from typing import Any, Final

MAX_RESULT_BYTES: Final = 256 * 1024
"""The largest result of a step, and the largest input of a run."""

MAX_INLINE_BYTES: Final = 16 * 1024
"""The largest value that a run carries itself."""

MAX_INLINE_TOTAL: Final = 64 * 1024
"""When all that it carries itself comes to so much, only tiny values join it."""

TINY_BYTES: Final = 128
"""A value that is no larger than what would stand for it."""

FEW_ITEMS: Final = 16
"""Of so many items each result may be carried, up to `SMALL_ITEM_BYTES`; of more, none is."""

SMALL_ITEM_BYTES: Final = 1024

MAX_FETCHED_BYTES: Final = 16 * 1024 * 1024
"""The most that is fetched for one call: what its params name."""

MAX_CALL_BYTES: Final = 1024 * 1024
"""The most that is sent with one call, and with all the calls of one workflow task but for its last."""

MAX_MAIL: Final = 1_000
"""How many events a run keeps that nobody waits for yet."""

MAX_CARRIED_BYTES: Final = 1_800_000
"""The most that a run takes along into another run of Temporal's, its definition included; Temporal takes 2 MB."""


def is_kept_whole(value: Any) -> bool:
    """Tell whether a value comes back as it is: SQLite makes a double of a number alone that has more than 64 bits."""
    return not isinstance(value, int) or -(2**63) <= value < 2**63


def size_of(value: Any) -> int:
    """Return how many bytes a JSON value takes."""
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="surrogatepass"))


def sized_text(value: Any) -> tuple[str, int]:
    """Return a value as JSON that every database takes, and what `size_of` says of it."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    try:
        return text, len(text.encode())
    except UnicodeEncodeError:  # half of a surrogate pair, which no database takes as it is
        return json.dumps(value), size_of(value)


class Sizes:
    """Remembers how large the values of one run are, by the names under which they are read."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[Any, int]] = {}

    def of(self, values: Mapping[str, Any]) -> int:
        """Return how many bytes an object takes."""
        return sum(self._of(name, value) + len(name) + 4 for name, value in values.items())

    def _of(self, name: str, value: Any) -> int:
        known = self._known.get(name)
        if known is None or known[0] is not value:
            known = self._known[name] = (value, size_of(value))
        return known[1]
