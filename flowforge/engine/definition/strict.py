"""What all parts of the canonical model have in common: camelCase in JSON, frozen, and no key that is not known."""

from datetime import timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from flowforge.engine.durations import DurationError, parse, written


class Strict(BaseModel):
    """A frozen part of a definition."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, allow_inf_nan=False)


def _duration(value: Any) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        try:
            return parse(value)
        except DurationError as error:
            raise PydanticCustomError("duration", "{error}", {"error": error.message}) from error
    raise PydanticCustomError("duration", "not a duration")


Duration = Annotated[
    timedelta,
    BeforeValidator(_duration),
    PlainSerializer(written, return_type=str),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "examples": ["500ms", "30s", "1h30m", "3d", "PT5M"]},
                {"type": "number", "minimum": 0, "description": "milliseconds"},
            ]
        }
    ),
]
"""A length of time: `500ms`, `30s`, `1h30m`, `3d`, ISO 8601, or milliseconds as a number."""


def _long_enough(length: timedelta) -> timedelta:
    if length <= timedelta():
        raise PydanticCustomError("duration", "a timeout is longer than nothing")
    return length


Timeout = Annotated[Duration, AfterValidator(_long_enough)]
"""A length of time in which something can happen."""

Count = Annotated[int, Field(strict=True, ge=1, le=1_000_000)]
"""A whole number from 1; Temporal does not count beyond 2^31."""


def _list_or_text(value: Any) -> Any:
    # Left to the union, each of its branches would tell what is wrong, at a place that no text has.
    if isinstance(value, str | list):
        return value
    raise PydanticCustomError("no_list_or_text", "a list belongs here, or an expression that gives one")


def _schema(value: Any) -> Any:
    if isinstance(value, dict | bool):
        return value
    raise PydanticCustomError("no_schema", "a JSON Schema belongs here: an object, or true or false")


Items = Annotated[str | list[Any], BeforeValidator(_list_or_text)]
"""A list, or a text that gives one."""

Schema = Annotated[dict[str, Any] | bool, BeforeValidator(_schema)]
"""A JSON Schema."""

Called = Annotated[str, Field(min_length=1, max_length=200)]
"""The name of something that Temporal knows, too: a longer one would hold its run up for ever."""
