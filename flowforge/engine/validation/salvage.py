"""What of a misshapen definition can still be examined: the author is to hear of everything at once."""

import copy
from typing import Any, Final

from pydantic import ValidationError

from flowforge.engine.definition.model import Definition
from flowforge.engine.definition.parse import MAX_PROBLEMS
from flowforge.engine.definition.step import NOOP

_ROUNDS: Final = 4
_UNNAMED: Final = "unnamed"
"""What stands for an id that is not there; a place in a list follows it, so that no two are the same."""


def salvage(body: Any) -> Definition | None:
    """Return a definition without those of its parts that have no right shape; None where too much is missing."""
    rest = copy.deepcopy(body)
    for _ in range(_ROUNDS):
        try:
            return Definition.model_validate(rest)
        except ValidationError as error:
            found = error.errors(include_url=False, include_context=False)
        if len(found) > MAX_PROBLEMS or not isinstance(rest, dict) or not isinstance(rest.get("steps"), list):
            return None
        for details in found:
            if details["type"] == "too_short" and details["input"]:
                continue  # its items were refused, which is told of them
            location = [part for part in details["loc"] if not str(part).startswith("$")]
            if _is_gone(rest, location):
                continue
            if not _stand_in(rest, location, is_missing=details["type"] == "missing"):
                _leave_out(rest, location)
    return None


def _is_gone(body: Any, location: list[Any]) -> bool:
    """Tell whether what holds a place was left out already: of what was wrong with it, this came second."""
    for part in location[:-1]:
        if isinstance(body, dict) and part not in body:
            return True
        if not isinstance(body, dict) and not (isinstance(body, list) and isinstance(part, int) and part < len(body)):
            return False  # a place inside of what is no object and no list is one way to read it
        body = body[part]
    return False


def _stand_in(body: dict[str, Any], location: list[Any], *, is_missing: bool) -> bool:
    """Put something in the place of what cannot be left out; tell whether that was it."""
    match location:
        case ["id"]:
            body["id"] = _UNNAMED
        case ["steps", int(at)]:
            body["steps"][at] = {"id": f"{_UNNAMED}-{at}", "action": NOOP}
        case ["steps", int(at), "id"]:
            body["steps"][at]["id"] = f"{_UNNAMED}-{at}"
        case ["steps", int(at), "action"]:
            body["steps"][at]["action"] = NOOP
        case ["steps", int(at), "transitions", int(way), "to"]:
            body["steps"][at]["transitions"][way]["to"] = None
        case ["triggers", int(at)]:
            body["triggers"][at] = {"event": _UNNAMED}
        case ["triggers", int(at), "event"]:
            body["triggers"][at]["event"] = _UNNAMED
        case [*holder, str()] if is_missing and holder:
            _leave_out(body, holder)
        case _:
            return False
    return True


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
