"""What validation finds: each kind of problem where it is written, with a hint."""

from typing import Any

import pytest

from tests.unit.engine.validation.drafts import a, b, compensated, found, report


def test_definition_without_a_problem_is_accepted() -> None:
    good = report(a(), b(dependsOn=["a"], params={"x": "${a.id} ${b2c}"}), output="${b}")
    assert good.problems == ()
    assert good.accepted(strict=True).id == "d"


@pytest.mark.parametrize(
    ("steps", "body", "expected"),
    [
        ([a(), b(dependsOn=["aa"])], {}, ("FF-1004", "/steps/1/dependsOn/0", 'did you mean "a"?')),
        ([a(), b(dependsOn=["zzz"])], {}, ("FF-1004", "/steps/1/dependsOn/0", None)),
        ([a(), b(dependsOn=["a", "a"])], {}, ("FF-1022", "/steps/1/dependsOn/1", None)),
        ([a(), a()], {}, ("FF-1006", "/steps/1/id", None)),
        ([a(onError="branch")], {}, ("FF-1018", "/steps/0", 'name an "errorBranch"')),
        (
            [a(action="wait", params={"event": "e", "onTimeout": "branch"})],
            {},
            ("FF-1018", "/steps/0", 'name an "errorBranch"'),
        ),
        ([a(onError="branch", errorBranch="bb"), b()], {}, ("FF-1018", "/steps/0/errorBranch", 'did you mean "b"?')),
        ([a(errorBranch="b"), b()], {}, ("FF-1019", "/steps/0/errorBranch", 'say "onError": "branch"')),
        ([a(outputKey="b"), b()], {}, ("FF-1024", "/steps/0/outputKey", "take another name")),
        ([a(outputKey="undo")], {}, ("FF-1007", "/steps/0/outputKey", "take another name")),
        ([a(forEach={"items": [1], "as": "b"}), b()], {}, ("FF-1024", "/steps/0/forEach/as", "take another name")),
        ([a(), b()], {"initialStepId": "a"}, ("FF-1009", "/steps/1", None)),
        ([a()], {"initialStepId": "aa"}, ("FF-1017", "/initialStepId", 'did you mean "a"?')),
        ([a(condition="x.y > ")], {}, ("FF-1010", "/steps/0/condition", None)),
        ([a(params={"x": ["${a b}"]})], {}, ("FF-1011", "/steps/0/params/x/0", None)),
        ([a(params="${undo.key}")], {}, ("FF-1025", "/steps/0/params", None)),
        (
            [compensated("${undo.kye}")],
            {},
            ("FF-1012", "/steps/0/compensation/params", "there are undo.key and undo.result"),
        ),
        ([a()], {"triggers": [{"event": "e", "condition": "=="}]}, ("FF-1010", "/triggers/0/condition", None)),
        ([a()], {"output": {"n": "${"}}, ("FF-1011", "/output/n", None)),
        ([a(action="pya", taskQueue="mine")], {}, None),
        ([a(action="pya", taskQueue="mine", heartbeatTimeout="5s")], {}, None),
        (
            [a(action="pay", heartbeatTimeout="5s")],
            {},
            ("FF-1003", "/steps/0/heartbeatTimeout", "actions of this worker heartbeat by themselves"),
        ),
        ([a(action="pya")], {}, ("FF-1101", "/steps/0/action", 'did you mean "pay"?')),
        ([a(compensation="refnd")], {}, ("FF-1101", "/steps/0/compensation", 'did you mean "refund"?')),
        ([a(action="pay", params={"amount": 0})], {}, ("FF-1013", "/steps/0/params/amount", None)),
        ([a(action="pay", params={})], {}, ("FF-1013", "/steps/0/params", None)),
        ([a(action="pay", params={}, input={"type": "full"})], {}, None),
        ([a(action="pay", params={"amount": "${total}"})], {}, None),
        ([a(action="pay")], {}, None),
        (
            [a(action="pay", params={"amount": 1, "card": {"nmber": "x"}})],
            {},
            ("FF-1013", "/steps/0/params/card", 'did you mean "number"?'),
        ),
        ([a(timeout=0)], {}, ("FF-1008", "/steps/0/timeout", None)),
        ([a(compensation={"action": "do", "timeout": "0s"})], {}, ("FF-1008", "/steps/0/compensation/timeout", None)),
        ([a()], {"timeout": 0}, ("FF-1008", "/timeout", None)),
        ([a(retryPolicy={"maxAttempts": 2**31})], {}, ("FF-1003", "/steps/0/retryPolicy/maxAttempts", None)),
        ([a(maxRetries=10**6)], {}, ("FF-1003", "/steps/0/maxRetries", None)),
        ([a(taskQueue="")], {}, ("FF-1003", "/steps/0/taskQueue", None)),
        ([a(taskQueue="q" * 201)], {}, ("FF-1003", "/steps/0/taskQueue", None)),
        ([a(taskQueue="q", action="d" * 201)], {}, ("FF-1003", "/steps/0/action", None)),
        ([a(taskQueue="q", action="")], {}, ("FF-1003", "/steps/0/action", None)),
        (
            [a(action="wait", params={"event": "order paid"})],
            {},
            ("FF-1013", "/steps/0/params/event", "letters, digits and . _ : -, at most 128 in all"),
        ),
        ([a(action="wait", params={"event": "${name}"})], {}, None),
        ([a(action="delay", params={"duration": "soon"})], {}, ("FF-1008", "/steps/0/params/duration", None)),
        ([a(action="delay", params={"duration": "${soon}"})], {}, None),
        ([a(action="wait", params={"event": "e", "timeout": "5"})], {}, ("FF-1008", "/steps/0/params/timeout", None)),
        ([a(action="wait", params={"reason": "none"})], {}, ("FF-1013", "/steps/0/params", None)),
        ([a(action="wait", params={"duration": "1s", "timeout": "1s"})], {}, ("FF-1013", "/steps/0/params", None)),
        (
            [a(action="delay", params={"until": "2030-01-01T00:00:00"})],
            {},
            ("FF-1013", "/steps/0/params/until", "write one like 2030-01-31T09:00:00+01:00"),
        ),
        ([a(action="delay", params={"until": "2030-01-01T00:00:00Z"})], {}, None),
        (
            [a(action="wait", params={"event": "e", "schema": {"type": "strange"}})],
            {},
            ("FF-1023", "/steps/0/params/schema", None),
        ),
        ([a(action="http.request", params={"timeout": "1 hour"})], {}, ("FF-1008", "/steps/0/params/timeout", None)),
        ([a(action="condition", params={"expression": "1 +"})], {}, ("FF-1010", "/steps/0/params/expression", None)),
        ([a(action="condition", params={"expression": "${n}"})], {}, None),
        (
            [a(action="condition", params={"expression": "${n} > 1"})],
            {},
            (
                "FF-1011",
                "/steps/0/params/expression",
                "write `score.risk`, not `${score.risk}`: what is filled in is never evaluated",
            ),
        ),
        ([a(action="wait", taskQueue="mine", params={})], {}, None),
        ([a(input={"type": "path", "path": "x..y"})], {}, ("FF-1011", "/steps/0/input/path", None)),
        ([a(forEach={"items": "x +"})], {}, ("FF-1010", "/steps/0/forEach/items", None)),
        ([a(forEach={"items": "${orders}"}, params="${item.id}")], {}, None),
    ],
)
def test_problem_is_told_where_it_is(steps: list[Any], body: dict[str, Any], expected: Any) -> None:
    assert found(*steps, **body) == ([] if expected is None else [expected])


def test_id_of_a_definition_or_step_that_is_no_name_is_refused() -> None:
    assert [code for code, _, _ in found({"id": "a.b"}, {"id": "context"}, {"id": "charge-payment"}, id="1")] == [
        "FF-1007"
    ] * 3


@pytest.mark.parametrize(
    ("steps", "ways"),
    [
        ([a(dependsOn=["a"])], ["a → a"]),
        ([a(dependsOn=["c"]), b(dependsOn=["a"]), {"id": "c", "dependsOn": ["b"]}], ["a → b → c → a"]),
        ([a(onError="branch", errorBranch="b"), b(onError="branch", errorBranch="a")], ["a → b → a"]),
        ([a(dependsOn=["b"], onError="branch", errorBranch="b"), b()], ["a → b → a"]),
        (
            [
                a(dependsOn=["b"]),
                b(dependsOn=["a"]),
                {"id": "c", "dependsOn": ["d", "a"]},
                {"id": "d", "dependsOn": ["c"]},
            ],
            ["a → b → a", "c → d → c"],
        ),
    ],
)
def test_cycle_is_told_once_with_its_path(steps: list[Any], ways: list[str]) -> None:
    problems = report(*steps).problems
    assert [problem.message.partition(": ")[2] for problem in problems if problem.code == "FF-1005"] == ways
    assert {problem.code for problem in problems} == {"FF-1005"}


def test_graph_and_state_machine_may_not_be_mixed() -> None:
    assert found(a(transitions={"onSuccess": "b"}), b()) == [
        ("FF-1015", "/steps/0/transitions", 'name the first step as "initialStepId", or use "dependsOn"')
    ]
    machine = found(a(transitions={"onSuccess": "b"}), b(dependsOn=["a"]), initialStepId="a")
    assert machine == [("FF-1015", "/steps/1/dependsOn", "use transitions")]


def test_transitions_lead_to_known_steps_and_none_stands_after_one_that_is_always_taken() -> None:
    ways = [{"condition": "a.x >", "to": "bb"}, {"to": None}, {"condition": "true", "to": "b"}]
    problems = found(a(transitions=ways), b(transitions={"onFailure": "c"}), initialStepId="a")
    assert sorted(problems, key=repr) == [
        ("FF-1009", "/steps/0/transitions/2", None),
        ("FF-1010", "/steps/0/transitions/0/condition", None),
        ("FF-1016", "/steps/0/transitions/0/to", 'did you mean "b"?'),
        ("FF-1016", "/steps/1/transitions/onFailure", None),
    ]


def test_loop_of_a_state_machine_is_legal() -> None:
    assert found(a(transitions={"onSuccess": "b"}), b(transitions={"onSuccess": "a"}), initialStepId="a") == []


def test_name_that_a_closed_input_does_not_have_is_an_error() -> None:
    schema = {"type": "object", "properties": {"order": {}}, "additionalProperties": False}
    assert found(a(params="${ordr.id}"), b(dependsOn=["a"], condition="a.x + order.y > 1"), inputSchema=schema) == [
        ("FF-1012", "/steps/0/params", 'did you mean "order"?')
    ]


def test_name_that_an_open_input_may_have_is_a_warning_where_it_looks_wrong() -> None:
    schema = {"type": "object", "properties": {"order": {}}}
    assert found(a(params="${zzz}"), inputSchema=schema) == [("FF-1103", "/steps/0/params", None)]
    assert found(a(params="${zzz}"), inputSchema={**schema, "required": ["zzz"]}) == []
    assert found(a(params="${zzz}")) == []
    assert found({"id": "charge"}, b(dependsOn=["charge"], params="${chrage.id}")) == [
        ("FF-1103", "/steps/1/params", 'did you mean "charge"?')
    ]


def test_result_of_a_step_that_does_not_come_before_is_a_warning() -> None:
    hint = 'have "b" depend on the step'
    assert found(a(), b(params="${context.a.id}")) == [("FF-1104", "/steps/1/params", hint)]
    assert found(a(), {"id": "c", "dependsOn": ["a"]}, b(dependsOn=["c"], params="${a.id}")) == []
    assert found(a(onError="branch", errorBranch="b"), b(params="${a}")) == []
    assert found(a(params="${a}", transitions={}), initialStepId="a") == [("FF-1104", "/steps/0/params", None)]


@pytest.mark.parametrize(
    ("params", "warned"),
    [
        ({"id": "${undo.result.id}"}, True),
        ({"id": "charge ${undo.result}"}, True),
        ({"id": "${undo.result}"}, False),
        ({"id": "${undo.key} ${a.id}"}, False),
    ],
)
def test_result_of_an_undone_step_may_be_null(params: Any, warned: bool) -> None:  # noqa: FBT001  a parameter of the case
    assert [code for code, _, _ in found(compensated(params))] == (["FF-1102"] if warned else [])
