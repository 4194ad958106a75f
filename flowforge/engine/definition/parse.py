"""From JSON values in the canonical form to the model, with everything that is wrong told at once."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from flowforge.engine.definition.model import Definition, Trigger, Webhooks
from flowforge.engine.definition.pointers import join
from flowforge.engine.definition.problems import Problem, did_you_mean
from flowforge.engine.definition.selectors import (
    SELECTOR_TYPES,
    FullInput,
    KeyInput,
    KeysInput,
    PathInput,
    StaticInput,
    TemplateInput,
)
from flowforge.engine.definition.step import Compensation, ForEach, RetryPolicy, Step, Transition, Transitions

MAX_PROBLEMS: Final = 1_000
"""How many problems are told of one text."""

_PARTS: Final[Mapping[str, type[BaseModel]]] = {
    "steps": Step,
    "webhooks": Webhooks,
    "triggers": Trigger,
    "retryPolicy": RetryPolicy,
    "compensation": Compensation,
    "forEach": ForEach,
    "$map": Transitions,
    "$list": Transition,
    "$key": KeyInput,
    "$keys": KeysInput,
    "$path": PathInput,
    "$template": TemplateInput,
    "$full": FullInput,
    "$static": StaticInput,
}
_WORDS: Final = {
    "model_type": "an object belongs here",
    "dict_type": "an object belongs here",
    "tuple_type": "a list belongs here",
    "list_type": "a list belongs here",
    "string_type": "a text belongs here",
    "int_type": "a whole number belongs here",
    "float_type": "a number belongs here",
    "bool_type": "true or false belongs here",
    "too_short": "there is nothing in it",
    "string_too_short": "there is nothing in it",
    "union_tag_not_found": "no way to choose an input",
}
_LIMITS: Final = {
    "string_too_long": "in characters, at most",
    "greater_than_equal": "at least",
    "less_than_equal": "at most",
}
_MOST_HINTS: Final = 100  # looking for likenesses is slow
_CODES: Final = {"missing": "FF-1001", "extra_forbidden": "FF-1002", "duration": "FF-1008", "too_long": "FF-1014"}


def parse(body: Any) -> tuple[Definition | None, tuple[Problem, ...]]:
    """Return the definition that a canonical body says, or None and what is wrong with its shape."""
    try:
        return Definition.model_validate(body), ()
    except ValidationError as error:
        found = error.errors(include_url=False)[:MAX_PROBLEMS]
        # A list whose items are all refused counts as too short, which is news to nobody.
        return None, tuple(
            _problem(one, may_guess=at < _MOST_HINTS)
            for at, one in enumerate(found)
            if one["type"] != "too_short" or not one["input"]
        )


def _problem(details: ErrorDetails, *, may_guess: bool) -> Problem:
    code = _CODES.get(details["type"], "FF-1003")
    location = details["loc"]
    pointer = join("", *(part for part in location if not str(part).startswith("$")))
    last = str(location[-1]) if location else ""
    match code:
        case "FF-1001":
            return Problem(code=code, message=f'"{last}" is missing', pointer=pointer.rpartition("/")[0])
        case "FF-1002":
            known = keys_of(_model_at(location[:-1]))
            hint = (did_you_mean(last, known) if may_guess else None) or f"known here: {', '.join(known)}"
            return Problem(code=code, message=f'unknown key "{last}"', pointer=pointer, hint=hint)
        case _:
            return Problem(
                code=code, message=f"{_named(location)}{_words(details)}", pointer=pointer, hint=_choice(details)
            )


def _named(location: Sequence[Any]) -> str:
    """Return what a message begins with: the key in question; a place in a list is told by its pointer."""
    last = location[-1] if location else ""
    return f'"{last}": ' if isinstance(last, str) and last and not last.startswith("$") else ""


def _words(details: ErrorDetails) -> str:
    """Return what is wrong in words for people who write definitions, not Python."""
    if details["type"] in _WORDS:
        return _WORDS[details["type"]]
    limits = details.get("ctx", {})
    if details["type"] in _LIMITS:
        return f"{_LIMITS[details['type']]} {next(iter(limits.values()))}"
    return details["msg"][:1].lower() + details["msg"][1:]


def _choice(details: ErrorDetails) -> str | None:
    given = details["input"]
    if details["type"] == "union_tag_not_found":
        return f'"type" is one of {", ".join(SELECTOR_TYPES)}'
    if details["type"] == "literal_error" and isinstance(given, str):
        choices = str(details.get("ctx", {}).get("expected", ""))
        return did_you_mean(given, [choice for choice in choices.split("'") if choice.strip(" ,or")])
    return None


def _model_at(location: Sequence[Any]) -> type[BaseModel]:
    for part in reversed(location):
        if part in _PARTS:
            return _PARTS[str(part)]
    return Definition


def keys_of(model: type[BaseModel]) -> tuple[str, ...]:
    """Return the keys that a part of a definition may have, as JSON writes them."""
    return tuple(_aliases(model))


def _aliases(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield field.alias or name


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Return problems in the order of the text, errors before warnings where they share a place."""
    return tuple(sorted(problems, key=lambda problem: (problem.line or 0, problem.column or 0, problem.code)))
