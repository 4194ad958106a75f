"""What of a misshapen definition can still be examined: the author is to hear of everything at once."""

import copy
from typing import Any, Final

from pydantic import ValidationError

from flowforge.engine.definition.model import Definition
from flowforge.engine.definition.parse import MAX_PROBLEMS

_ROUNDS: Final = 3


def salvage(body: Any) -> Definition | None:
    """Return a definition without those of its parts that have no right shape; None where too much is missing."""
    rest = copy.deepcopy(body)
    for _ in range(_ROUNDS):
        try:
            return Definition.model_validate(rest)
        except ValidationError as error:
            found = error.errors(include_url=False, include_context=False)
        if len(found) > MAX_PROBLEMS or any(
            len(details["loc"]) == 0 or details["type"] == "missing" for details in found
        ):
            return None
        for details in found:
            _leave_out(rest, [part for part in details["loc"] if not str(part).startswith("$")])
    return None


def _leave_out(body: Any, location: list[Any]) -> None:
    """Take away the innermost key of an object on the way to a place; positions in lists must not change."""
    holder, key = None, None
    for part in location:
        if isinstance(body, dict) and part in body:
            holder, key = body, part
        elif not (isinstance(body, list) and isinstance(part, int) and part < len(body)):
            break
        body = body[part]
    if holder is not None:
        holder.pop(key, None)
