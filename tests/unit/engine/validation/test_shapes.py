"""Values of a wrong kind: each is told once, at a place that is in the text, and never in the words of a union."""

from typing import Any

import pytest

from flowforge.engine.definition.model import Definition
from flowforge.engine.definition.parse import keys_of
from flowforge.engine.definition.step import Compensation, ForEach, RetryPolicy, Step, Transition, Transitions
from tests.unit.engine.validation.drafts import a, report

_WRONG: tuple[Any, ...] = (1.5, -1, True, None, "x y", [], [1.5], [[]], {}, {"q": 1.5})
_PARTS = {
    "retryPolicy": keys_of(RetryPolicy),
    "compensation": keys_of(Compensation),
    "forEach": keys_of(ForEach),
    "transitions": keys_of(Transitions),
}


def _at(value: Any, pointer: str) -> Any:
    for name in pointer.split("/")[1:]:
        value = value[int(name)] if isinstance(value, list) else value[name]
    return value


def _drafts() -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Return steps and bodies with one value in one place, most of them of a wrong kind."""
    found: list[tuple[dict[str, Any], dict[str, Any]]] = []
    for value in _WRONG:
        found += [({key: value}, {}) for key in keys_of(Step)]
        found += [({}, {key: value}) for key in keys_of(Definition) if key not in {"id", "steps"}]
        for part, keys in _PARTS.items():
            found += [({part: {key: value}}, {}) for key in keys]
        found += [({"transitions": [{"to": None, key: value}]}, {}) for key in keys_of(Transition)]
        found += [({"input": {"type": kind, "key": value}}, {}) for kind in ("key", "keys", "full")]
    return found


def test_value_of_a_wrong_kind_is_told_once_at_a_place_that_is_in_the_text() -> None:
    for step, body in _drafts():
        draft = a(**step)
        told = [(problem.pointer, problem.message) for problem in report(draft, **body).problems]
        whole = {"id": "d", "steps": [{"action": "do", **draft}], **body}
        for pointer, message in told:
            _at(whole, pointer)
            assert "[any]" not in message, (step, body)
        assert len(set(told)) == len(told), (step, body)


@pytest.mark.parametrize("items", [5, None, {"a": 1}, True])
def test_items_that_are_no_list_are_told_where_the_author_wrote_them(items: Any) -> None:
    (problem,) = report(a(forEach={"items": items})).problems
    assert (problem.code, problem.pointer) == ("FF-1003", "/steps/0/forEach/items")
    assert problem.message == '"items": a list belongs here, or an expression that gives one'


@pytest.mark.parametrize("schema", [5, "yes", [], 1])
def test_input_schema_that_is_no_object_is_told_where_the_author_wrote_it(schema: Any) -> None:
    (problem,) = report(a(), inputSchema=schema).problems
    assert (problem.code, problem.pointer) == ("FF-1003", "/inputSchema")
    assert problem.message == '"inputSchema": a JSON Schema belongs here: an object, or true or false'
