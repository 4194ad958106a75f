"""The canonical model: what it takes, how it says what is wrong, its address and its differences."""

from typing import Any

import pytest

from flowforge.engine.definition.address import address_of
from flowforge.engine.definition.difference import Change, difference
from flowforge.engine.definition.json_schema import workflow_schema
from flowforge.engine.definition.model import Definition
from flowforge.engine.definition.parse import parse
from flowforge.engine.definition.step import targets


def definition(**body: Any) -> Definition:
    return Definition.model_validate({"id": "d", "steps": [{"id": "a", "action": "noop"}], **body})


def problems_of(**body: Any) -> list[tuple[str, str, str | None]]:
    found, problems = parse({"id": "d", "steps": [{"id": "a", "action": "noop"}], **body})
    assert found is None
    return [(problem.code, problem.pointer, problem.hint) for problem in problems]


def step(**keys: Any) -> list[dict[str, Any]]:
    return [{"id": "a", "action": "noop", **keys}]


@pytest.mark.parametrize(
    ("written", "canonical"),
    [(1000, "1s"), ("1h30m", "1h30m"), ("90m", "1h30m"), (0.2, "1ms"), ("3d", "3d"), (1500, "1s500ms")],
)
def test_duration_in_any_writing_has_one_canonical_form(written: str | float, canonical: str) -> None:
    found = definition(timeout=written)
    assert found.canonical()["timeout"] == canonical
    assert Definition.model_validate(found.canonical()) == found


def test_unknown_keys_are_all_told_with_what_was_meant() -> None:
    assert problems_of(nam="x", steps=step(dependOn=[], compensation={"actoin": "y"})) == [
        ("FF-1001", "/steps/0/compensation", None),
        ("FF-1002", "/steps/0/compensation/actoin", 'did you mean "action"?'),
        ("FF-1002", "/steps/0/dependOn", 'did you mean "dependsOn"?'),
        ("FF-1002", "/nam", 'did you mean "name"?'),
    ]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"timeout": "3q"}, ("FF-1008", "/timeout", None)),
        ({"timeout": True}, ("FF-1008", "/timeout", None)),
        ({"failurePolicy": "holt"}, ("FF-1003", "/failurePolicy", 'did you mean "hold"?')),
        ({"steps": step(retryPolicy={"maxAttempts": "3"})}, ("FF-1003", "/steps/0/retryPolicy/maxAttempts", None)),
        ({"steps": step(retryPolicy={"maxAttempts": 0})}, ("FF-1003", "/steps/0/retryPolicy/maxAttempts", None)),
        (
            {"steps": step(forEach={"items": [], "concurrency": True})},
            ("FF-1003", "/steps/0/forEach/concurrency", None),
        ),
        ({"steps": step(input={"type": "key"})}, ("FF-1001", "/steps/0/input", None)),
        ({"steps": step(transitions=[{"condition": "x"}])}, ("FF-1001", "/steps/0/transitions/0", None)),
        ({"webhooks": {"onStp": "x"}}, ("FF-1002", "/webhooks/onStp", 'did you mean "onStep"?')),
        ({"steps": []}, ("FF-1003", "/steps", None)),
        ({"steps": [3]}, ("FF-1003", "/steps/0", None)),
    ],
)
def test_wrong_value_is_told_with_its_place(body: dict[str, Any], expected: tuple[str, str, str | None]) -> None:
    assert problems_of(**body) == [expected]


def test_selector_of_an_unknown_kind_names_the_known_ones() -> None:
    ((code, pointer, hint),) = problems_of(steps=step(input={"type": "kye"}))
    assert (code, pointer) == ("FF-1003", "/steps/0/input")
    assert hint is not None
    assert "template" in hint


def test_model_is_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        definition().id = "other"  # type: ignore[misc]


def test_nulls_inside_params_and_metadata_stay() -> None:
    found = definition(metadata={"a": None}, steps=step(params={"b": None, "c": [None]}))
    assert found.canonical()["metadata"] == {"a": None}
    assert found.canonical()["steps"][0]["params"] == {"b": None, "c": [None]}


def test_state_machine_step_leads_where_its_transitions_say() -> None:
    by_end = definition(steps=step(transitions={"onSuccess": "b", "onFailure": "c"}, errorBranch="b"))
    by_condition = definition(steps=step(transitions=[{"condition": "x", "to": "c"}, {"to": None}]))
    assert targets(by_end.steps[0]) == ("b", "c")
    assert targets(by_condition.steps[0]) == ("c",)


def test_equal_bodies_have_equal_addresses_and_others_have_others() -> None:
    one = definition(timeout="60s", metadata={"a": 1, "b": 2})
    same = definition(metadata={"b": 2, "a": 1}, timeout=60_000)
    other = definition(timeout="61s", metadata={"a": 1, "b": 2})
    address, of_same, of_other = (address_of(each.canonical()) for each in (one, same, other))
    assert address == of_same != of_other
    assert address.startswith("sha256:")


def test_difference_names_steps_by_id() -> None:
    before = definition(
        name="x",
        steps=[{"id": "a", "action": "noop"}, {"id": "b", "action": "pay", "params": {"n": 1, "flag": 1}}],
    )
    after = definition(
        timeout="1m",
        steps=[{"id": "b", "action": "pay", "params": {"n": 2, "flag": True}}, {"id": "c", "action": "noop"}],
    )
    assert set(map(repr, difference(before, after))) == {
        repr(change)
        for change in (
            Change(kind="removed", pointer="/name", before="x"),
            Change(kind="removed", pointer="/steps/a", before={"id": "a", "action": "noop"}),
            Change(kind="changed", pointer="/steps/b/params/n", before=1, after=2),
            Change(kind="changed", pointer="/steps/b/params/flag", before=1, after=True),
            Change(kind="added", pointer="/steps/c", after={"id": "c", "action": "noop"}),
            Change(kind="added", pointer="/timeout", after="1m"),
        )
    }
    assert difference(before, before) == ()


def test_schema_for_editors_knows_every_key_and_no_other() -> None:
    schema = workflow_schema()
    assert schema["additionalProperties"] is False
    assert {"id", "steps", "failurePolicy", "initialStepId"} <= set(schema["properties"])
    assert {"dependsOn", "forEach", "errorBranch"} <= set(schema["$defs"]["Step"]["properties"])
    assert "as" in schema["$defs"]["ForEach"]["properties"]
