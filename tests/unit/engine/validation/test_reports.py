"""What validation tells of a whole definition: all at once, in its order, within limits, and what lets it pass."""

from typing import Any

import pytest

from flowforge.cli.workflows.known import KnownActions
from flowforge.engine.definition.problems import DefinitionRefused
from flowforge.engine.validation.examine import examine, examine_value
from tests.unit.engine.validation.drafts import Shelf, a, b, found, report


@pytest.mark.parametrize("schema", [{"type": "strin"}, {"$ref": "file:///etc/passwd"}, {"pattern": "("}])
def test_input_schema_that_is_none_or_reaches_outside_is_refused(schema: Any) -> None:
    assert [code for code, _, _ in found(a(), inputSchema=schema)] == ["FF-1023"]


def test_too_many_steps_are_refused_without_looking_further() -> None:
    steps = [{"id": f"s{n}", "dependsOn": [f"s{n - 1}"] if n else ["s0"]} for n in range(501)]
    assert found(*steps) == [("FF-1014", "/steps", None)]


@pytest.mark.parametrize("steps", [[3] * 2_000, [{"id": "a", "dependsOn": [f"b{n}" for n in range(2_000)]}]])
def test_of_thousands_of_problems_the_first_thousand_is_told(steps: Any) -> None:
    told = examine_value({"id": "d", "steps": steps})
    assert (len(told.problems), told.definition) == (1_000, None)


def test_everything_wrong_with_a_text_is_told_at_once_in_its_order() -> None:
    text = """
id: shop
steps:
  - id: charge
    dependencies: [shp]
    maxRetires: 3
    wait: 3 weeks
  - id: ship
    condition: charge.
    dependsOn: [ship]
"""
    assert [(str(problem).split(",")[0], problem.line) for problem in examine(text).problems] == [
        ('5:20: FF-1004 unknown dependency "shp"', 5),
        ('6:5: FF-1002 unknown key "maxRetires"', 6),
        ('7:5: FF-1008 "wait": not a duration: write one like 500ms', 7),
        ("9:5: FF-1010 bad expression: the expression ends here", 9),
        ("10:17: FF-1005 these steps wait for one another: ship → ship (/steps/1/dependsOn/0)", 10),
    ]


@pytest.mark.parametrize(
    "keys",
    [
        {"transitions": [5, {"condition": "true"}, {"to": None}]},
        {"compensation": {"params": 1, "retryPolicy": {"maxAttempts": 0}}},
        {"forEach": {"items": 5, "concurrency": 0}},
    ],
)
def test_two_things_wrong_with_one_part_hide_nothing_elsewhere(keys: dict[str, Any]) -> None:
    told = [(code, pointer) for code, pointer, _ in found(a(condition="1 +", **keys), b(id="b b"))]
    assert ("FF-1010", "/steps/0/condition") in told
    assert ("FF-1007", "/steps/1/id") in told


def test_problems_of_a_state_map_have_their_lines() -> None:
    text = '{"id": "d", "initialStepId": "a",\n "steps": {\n  "a": {"type": "x",\n   "config": {"y": "${"}}}}'
    (problem,) = examine(text).problems
    assert (problem.pointer, problem.line, problem.column) == ("/steps/a/config/y", 4, 15)


def test_warnings_let_a_definition_pass_unless_none_are_allowed() -> None:
    warned = report(a(action="pya"))
    assert (len(warned.warnings), warned.errors) == (1, ())
    assert warned.accepted().id == "d"
    with pytest.raises(DefinitionRefused, match="FF-1101"):
        warned.accepted(strict=True)
    with pytest.raises(DefinitionRefused, match="FF-1006"):
        report(a(), a()).accepted()


def test_text_that_cannot_be_read_is_reported_like_any_other() -> None:
    assert [problem.code for problem in examine("{").problems] == ["FF-1000"]
    assert [problem.code for problem in examine_value([[[[]]]]).problems] == ["FF-1003"]
    deep: Any = []
    for _ in range(40):
        deep = [deep]
    assert [problem.code for problem in examine_value(deep).problems] == ["FF-1014"]


def test_second_step_of_an_action_that_is_once_in_a_run_is_a_warning() -> None:
    reserve = {"action": "inventory.reserve", "params": {"productId": "p", "quantity": 1}}
    twice = {"id": "d", "steps": [a(**reserve), b(**reserve)]}
    (problem,) = examine_value(twice, catalogue=KnownActions()).warnings
    assert (problem.code, problem.pointer) == ("FF-1105", "/steps/1/action")
    assert '"a" runs inventory.reserve too' in problem.message
    once = {"id": "d", "steps": [a(**reserve), b(action="payments.capture", params={"chargeId": "ch_1"})]}
    assert examine_value(once, catalogue=KnownActions()).warnings == ()
    elsewhere = {"id": "d", "steps": [a(**reserve), b(**reserve, taskQueue="theirs")]}
    assert examine_value(elsewhere, catalogue=KnownActions()).warnings == ()


def test_undo_as_a_step_is_refused_and_one_that_changes_nothing_is_a_warning() -> None:
    def told(**keys: Any) -> list[tuple[str, str]]:
        problems = examine_value({"id": "d", "steps": [a(**keys)]}, catalogue=KnownActions()).problems
        return [(problem.code, problem.pointer) for problem in problems]

    assert told(action="payments.refund_by_key") == [("FF-1026", "/steps/0/action")]
    assert told(action="RevokeApproval1") == [("FF-1026", "/steps/0/action")]
    assert told(action="payments.refund_by_key", taskQueue="theirs") == []
    for action in ("noop", "log", "fail", "workflow", "webhook"):
        undo = {"action": action, "params": {"url": "http://x"} if action == "webhook" else None}
        assert ("FF-1106", "/steps/0/compensation/action") in told(action="NotifyUser", compensation=undo)
        assert told(action="log", compensation=undo) == []
    undelivered = {"action": "webhook", "params": {"url": "http://x", "failOnError": True}}
    assert told(action="NotifyUser", compensation=undelivered) == []


def test_missing_keys_hide_no_other_problem() -> None:
    text = """\
steps:
- {action: do, dependsOn: [c]}
- {id: b, action: do, dependsOn: [chrage], compensation: {params: 1}, condition: "1 +"}
- 5
- {id: charge, action: 7, input: {type: key}, timeout: never}
triggers: [{}, {event: e, condition: "=="}]
"""
    problems = [(problem.code, problem.line) for problem in examine(text, catalogue=Shelf()).problems]
    assert problems == [
        ("FF-1001", 1),
        ("FF-1001", 2),
        ("FF-1004", 2),
        ("FF-1004", 3),
        ("FF-1001", 3),
        ("FF-1010", 3),
        ("FF-1003", 4),
        ("FF-1003", 5),
        ("FF-1001", 5),
        ("FF-1008", 5),
        ("FF-1001", 6),
        ("FF-1010", 6),
    ]


def test_problems_of_shape_speak_of_json_and_not_of_python() -> None:
    text = (
        "id: 5\nsteps:\n- {id: b, action: do, dependsOn: a, input: {type: keyz}, retryPolicy: {maxAttempts: 0}}\n- 7\n"
    )
    assert [problem.message for problem in examine(text, catalogue=Shelf()).errors] == [
        '"id": a text belongs here',
        '"dependsOn": a list belongs here',
        '"input": no way to choose an input',
        '"maxAttempts": at least 1',
        "an object belongs here",
    ]


def test_long_names_that_are_unknown_get_hints_until_these_cost_too_much() -> None:
    """Holding each against all others would keep a request busy for the better part of a minute."""
    names = [f"{'long' * 30}{number}" for number in range(300)]
    problems = found(*({"id": name, "dependsOn": [f"{name}x"]} for name in names))
    assert [code for code, _, _ in problems] == ["FF-1004"] * 300
    assert problems[0][2] == f'did you mean "{names[0]}"?'
    assert problems[-1][2] is None
