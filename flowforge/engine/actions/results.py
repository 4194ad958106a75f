"""What an action may give back: JSON, and not too much of it."""

import json
from typing import Any, Final

import jsonschema_rs
from pydantic_core import PydanticSerializationError, to_jsonable_python

from flowforge.engine.actions.contract import ActionAnswer, WaitAnswer
from flowforge.engine.actions.declaration import NotNeeded, Refused, Wait
from flowforge.engine.sizes import is_kept_whole

MAX_RESULT_BYTES: Final = 256 * 1024
"""How large a result may be, as JSON without spaces in UTF-8."""

MAX_DETAILS_BYTES: Final = 16 * 1024
"""How large what is kept beside a result may be; larger details are left out."""


def answer_of(returned: Any) -> ActionAnswer:
    """Return what a function returned as the answer of its action.

    Models, dataclasses, decimals and instants become JSON as Pydantic writes them.

    Raises:
        Refused: it is no JSON (`result_not_json`), too large (`result_too_large`), or a Wait that cannot be kept
            (`bad_wait`).
    """
    if isinstance(returned, Wait):
        return ActionAnswer(wait=_wait(returned))
    if isinstance(returned, NotNeeded):
        return ActionAnswer(result=_checked(returned.result), not_needed=True)
    if isinstance(returned, ActionAnswer):
        if returned.wait is not None:
            return returned
        details = returned.details if _size(returned.details) <= MAX_DETAILS_BYTES else {}
        return ActionAnswer(result=_checked(returned.result), not_needed=returned.not_needed, details=details)
    return ActionAnswer(result=_checked(returned))


def _wait(asked: Wait) -> WaitAnswer:
    try:
        answer = asked.answer()
        if asked.schema is not None:
            jsonschema_rs.validator_for(asked.schema, offline=True)
    except (ValueError, TypeError) as error:
        raise Refused("bad_wait", f"the wait is none: {str(error)[:200]}") from error
    return answer


def _checked(result: Any) -> Any:
    try:
        value = to_jsonable_python(result, by_alias=True)
        size = _size(value)
    except (PydanticSerializationError, ValueError, TypeError, RecursionError) as error:
        raise Refused("result_not_json", f"the result is no JSON: {str(error)[:200]}") from error
    if not is_kept_whole(value):
        raise Refused("result_not_json", "the result is a number of more than 64 bits")
    if size > MAX_RESULT_BYTES:
        raise Refused("result_too_large", f"the result has {size} bytes, at most {MAX_RESULT_BYTES}")
    return value


def _size(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode())
