"""Data that are held against schemas which would take for ever: they are refused, and none that are usual."""

from typing import Any

import pytest

from flowforge.engine.data_checks import InputRefused, check_data
from flowforge.engine.schema_work import is_too_much_for_all
from tests.unit.engine.validation.drafts import a, report

LINES = 40


def chain(line: Any, *, end: Any = True) -> dict[str, Any]:
    """Return a schema of `LINES` lines, made by number of the next one, that ends in `end`."""
    return {"$defs": {**{f"d{at}": line(at + 1) for at in range(LINES)}, f"d{LINES}": end}, "$ref": "#/$defs/d0"}


def nested(depth: int) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for _ in range(depth):
        data = {"x": data}
    return data


TWICE = chain(lambda to: {"allOf": [{"$ref": f"#/$defs/d{to}"}, {"$ref": f"#/$defs/d{to}"}]})
ENDLESS: dict[str, tuple[Any, Any]] = {
    "each line twice": (TWICE, {}),
    "either of two": (chain(lambda to: {"anyOf": [{"$ref": f"#/$defs/d{to}"}] * 2}), {}),
    "not and if": (chain(lambda to: {"not": {"$ref": f"#/$defs/d{to}"}, "if": {"$ref": f"#/$defs/d{to}"}}), {}),
    "by anchors": (
        {
            "$ref": "#d0",
            "$defs": {str(n): {"$anchor": f"d{n}", "allOf": [{"$ref": f"#d{n + 1}"}] * 2} for n in range(40)},
        },
        {},
    ),
    "by ids": (
        {"$ref": "d0", "$defs": {str(n): {"$id": f"d{n}", "allOf": [{"$ref": f"d{n + 1}"}] * 2} for n in range(40)}},
        {},
    ),
    "by an id and a place": (
        {**chain(lambda to: {"allOf": [{"$ref": f"root.json#/%24defs/d{to}"}] * 2}), "$id": "http://a/root.json"},
        {},
    ),
    "what is unevaluated": (
        chain(lambda to: {"$ref": f"#/$defs/d{to}", "unevaluatedProperties": True}),
        {"x": 1},
    ),
    "twice a level of the data": ({"properties": {"x": {"allOf": [{"$ref": "#"}, {"$ref": "#"}]}}}, nested(30)),
    "much for many": ({"items": {"allOf": [{"maximum": at} for at in range(5_000)]}}, [1] * 50_000),
}
ALWAYS = {
    name: schema for name, (schema, _) in ENDLESS.items() if name not in {"twice a level of the data", "much for many"}
}
ALWAYS |= {
    "a circle": {"$ref": "#"},
    "a circle of two": {
        "$defs": {"a": {"allOf": [{"$ref": "#/$defs/b"}]}, "b": {"not": {"$ref": "#/$defs/a"}}},
        "$ref": "#/$defs/a",
    },
    "further inside": {"properties": {"x": {"items": TWICE["$defs"]["d1"]}}, "$defs": TWICE["$defs"]},
}
USUAL: dict[str, tuple[Any, Any]] = {
    "a tree": (
        {"properties": {"left": {"$ref": "#"}, "right": {"$ref": "#"}, "value": {"type": "integer"}}},
        {"left": {"left": {"value": 1}}, "right": {"value": 2}},
    ),
    "a deep one": ({"properties": {"x": {"$ref": "#"}}, "additionalProperties": {"$ref": "#"}}, nested(30)),
    "a shared part": (
        {"$defs": {"a": {"type": "string"}}, "properties": {name: {"$ref": "#/$defs/a"} for name in "abcdefgh"}},
        dict.fromkeys("abcdefgh", "x"),
    ),
    "a long list": ({"items": {"type": "object", "properties": {"n": {"minimum": 0}}}}, [{"n": 1}] * 20_000),
    "true": (True, {}),
    "a large one": (
        {"properties": {f"k{at}": {"type": "object", "properties": {"n": {"type": "integer"}}} for at in range(3_000)}},
        {f"k{at}": {"n": at} for at in range(3_000)},
    ),
}


@pytest.mark.parametrize("name", ENDLESS)
def test_schema_that_would_take_for_ever_is_refused_before_it_is_begun(name: str) -> None:
    schema, data = ENDLESS[name]
    with pytest.raises(InputRefused, match="looks"):
        check_data(schema, data)


@pytest.mark.parametrize("name", USUAL)
def test_usual_schema_is_not_refused(name: str) -> None:
    schema, data = USUAL[name]
    check_data(schema, data)


@pytest.mark.parametrize("name", ALWAYS)
def test_schema_that_refuses_whatever_comes_is_told_before_anything_comes(name: str) -> None:
    assert is_too_much_for_all(ALWAYS[name])


@pytest.mark.parametrize("name", ["each line twice", "a circle", "further inside"])
def test_schema_that_refuses_whatever_comes_cannot_be_published(name: str) -> None:
    schema = ALWAYS[name]
    for pointer, told in {
        "/inputSchema": report(a(), inputSchema=schema),
        "/steps/0/params/schema": report(a(action="wait", params={"event": "e", "schema": schema})),
    }.items():
        assert [(problem.code, problem.pointer) for problem in told.problems] == [("FF-1023", pointer)]
        assert "takes more than 100000 looks at one value" in told.problems[0].message


@pytest.mark.parametrize("schema", [schema for schema, _ in USUAL.values()] + [ENDLESS["twice a level of the data"][0]])
def test_schema_that_suits_some_data_is_not_told_before_there_are_any(schema: Any) -> None:
    assert report(a(), inputSchema=schema).problems == ()


def test_schema_whose_references_may_mean_very_many_parts_is_too_much() -> None:
    tangled = {"$defs": {str(at): {"$id": f"http://a/{at}", "$ref": f"#/{at}"} for at in range(5_000)}}
    assert is_too_much_for_all(tangled)
    with pytest.raises(InputRefused, match="looks"):
        check_data(tangled, {})
