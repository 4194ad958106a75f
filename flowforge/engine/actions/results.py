"""What an action may give back: JSON, and not too much of it."""

import json
from typing import Any, Final

from pydantic_core import PydanticSerializationError, to_jsonable_python

from flowforge.engine.actions.contract import ActionAnswer
from flowforge.engine.actions.declaration import NotNeeded, Refused, Wait

MAX_RESULT_BYTES: Final = 256 * 1024
"""How large a result may be, as JSON without spaces in UTF-8."""

MAX_DETAILS_BYTES: Final = 16 * 1024
"""How large what is kept beside a result may be; larger details are left out."""


def answer_of(returned: Any) -> ActionAnswer:
    """Return what a function returned as the answer of its action.

    Models, dataclasses, decimals and instants become JSON as Pydantic writes them.

    Raises:
        Refused: it is no JSON (`result_not_json`), or too large (`result_too_large`).
        ValueError: it is a Wait that waits for nothing.
    """
    if isinstance(returned, Wait):
        return ActionAnswer(wait=returned.answer())
    if isinstance(returned, NotNeeded):
        return ActionAnswer(result=_checked(returned.result), not_needed=True)
    if isinstance(returned, ActionAnswer):
        if returned.wait is not None:
            return returned
        details = returned.details if _size(returned.details) <= MAX_DETAILS_BYTES else {}
        return ActionAnswer(result=_checked(returned.result), not_needed=returned.not_needed, details=details)
    return ActionAnswer(result=_checked(returned))


def _checked(result: Any) -> Any:
    try:
        value = to_jsonable_python(result, by_alias=True)
        size = _size(value)
    except (PydanticSerializationError, ValueError, TypeError, RecursionError) as error:
        raise Refused("result_not_json", f"the result is no JSON: {str(error)[:200]}") from error
    if size > MAX_RESULT_BYTES:
        raise Refused("result_too_large", f"the result has {size} bytes, at most {MAX_RESULT_BYTES}")
    return value


def _size(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode())
