"""What expressions and templates come to in a run."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from flowforge.engine.core.bindings import Bindings, data_for, undo_data_for
from flowforge.engine.core.commands import Decide
from flowforge.engine.core.events import Decided, ItemList
from flowforge.engine.core.keys import Key
from flowforge.engine.core.outcomes import Wait
from flowforge.engine.core.step_bindings import BindingError
from flowforge.engine.core.waits import wait_of
from tests.unit.engine.core.walk import Walk, step

A = Key("a")
DATA = {"order": {"id": "o1", "lines": [1, 2]}, "name": "Ann", "limit": 5}


def bindings(**keys: Any) -> Bindings:
    output = keys.pop("output", None)
    initial = "a" if "transitions" in keys else None
    return Bindings(Walk(step("a", **keys), output=output, initialStepId=initial).plan)


def params(**keys: Any) -> Any:
    return bindings(**keys).params(A, DATA)


def test_params_are_filled_in_and_without_any_the_context_is_given() -> None:
    assert params(params={"id": "${order.id}", "n": "${limit}"}) == {"id": "o1", "n": 5}
    assert params() == DATA


@pytest.mark.parametrize(
    ("selector", "alone", "beside_params"),
    [
        ({"type": "key", "key": "order"}, DATA["order"], {"p": 1, "id": "o1", "lines": [1, 2]}),
        ({"type": "key", "key": "name"}, {"name": "Ann"}, {"p": 1, "name": "Ann"}),
        ({"type": "keys", "keys": ["name", "limit"]}, {"name": "Ann", "limit": 5}, {"p": 1, "name": "Ann", "limit": 5}),
        ({"type": "path", "path": "order.id"}, {"id": "o1"}, {"p": 1, "id": "o1"}),
        ({"type": "template", "template": {"x": "${name}!"}}, {"x": "Ann!"}, {"p": 1, "x": "Ann!"}),
        ({"type": "template", "template": "${order.lines}"}, [1, 2], {"p": 1, "input": [1, 2]}),
        ({"type": "full"}, DATA, {"p": 1, **DATA}),
        ({"type": "static", "value": {"x": "${name}"}}, {"x": "${name}"}, {"p": 1, "x": "${name}"}),
        ({"type": "static", "value": None}, None, {"p": 1, "input": None}),
    ],
)
def test_input_is_merged_into_the_params(selector: Any, alone: Any, beside_params: Any) -> None:
    assert params(input=selector) == alone
    assert params(input=selector, params={"p": 1}) == beside_params


@pytest.mark.parametrize(
    "keys",
    [
        {"params": "${nobody}"},
        {"input": {"type": "key", "key": "nobody"}},
        {"input": {"type": "keys", "keys": ["nobody"]}},
        {"input": {"type": "path", "path": "order.nobody"}},
    ],
)
def test_path_that_leads_nowhere_is_an_error(keys: Any) -> None:
    with pytest.raises(BindingError) as failed:
        params(**keys)
    assert failed.value.error.code == "missing_path"


def test_conditions_items_and_ways_are_answered() -> None:
    def answer(question: Any, **keys: Any) -> Decided:
        return bindings(**keys).decide(Decide(A, question), DATA)

    ways = [{"condition": "limit > 9", "to": "a"}, {"condition": "limit > 3", "to": None}, {"to": "a"}]
    assert answer("condition", condition="limit > 3").answer is True
    assert answer("condition", condition="limit > 9").answer is False
    assert answer("transition", transitions=ways).answer == 1
    assert answer("transition", transitions=ways[:1]).answer is None
    for items in ("${order.lines}", "order.lines", [1, "${limit}"]):
        listed = answer("items", forEach={"items": items}).answer
        assert isinstance(listed, ItemList)
        assert listed.count == 2
    assert answer("items", forEach={"items": "${name}"}).error is not None
    assert answer("condition", condition="name.x.y").error is not None


def test_output_is_rendered_or_an_error() -> None:
    ask = Decide(None, "output")
    assert bindings(output={"n": "${limit}"}).decide(ask, DATA).answer == {"n": 5}
    assert bindings(output="${nobody}").decide(ask, DATA).error is not None
    assert bindings(output="${n}").decide(ask, {"n": 2**63 - 1}).answer == 2**63 - 1
    assert bindings(output="${n}").decide(ask, {"n": 2**63}).error is not None
    assert bindings(output=["${n}"]).decide(ask, {"n": 2**63}).answer == [2**63]


def test_names_that_a_step_reads_are_known_before_it_does() -> None:
    known = bindings(params="${order.id}", condition="limit > 1")
    assert known.reads(A) == frozenset({"order"})
    assert known.reads(Decide(A, "condition")) == frozenset({"limit"})
    assert bindings(input={"type": "keys", "keys": ["name"]}, params={}).reads(A) == frozenset({"name"})
    assert bindings().reads(A) is None
    assert bindings(params={}, compensation={"action": "undo"}).reads(A, undo=True) is None
    undo = {"action": "undo", "params": "${name}"}
    assert bindings(params={}, compensation=undo).reads(A, undo=True) == frozenset({"name", "undo"})
    assert bindings(params={"code": "", "inputKey": "order"}).reads(A) == frozenset({"order"})
    assert bindings(condition="context['a'] > 1").reads(Decide(A, "condition")) == frozenset({"a"})
    assert bindings(condition="context[name] > 1").reads(Decide(A, "condition")) is None
    asks = bindings(action="condition", params={"expression": "limit > 1"})
    assert asks.reads(A) == frozenset({"limit"})
    each = {"items": "order.lines", "as": "line"}
    assert bindings(forEach=each).reads(Decide(A, "items")) == frozenset({"order"})
    ways = [{"condition": "limit > 1", "to": None}, {"condition": "name", "to": None}]
    assert bindings(transitions=ways).reads(Decide(A, "transition")) == frozenset({"limit", "name"})
    assert bindings(output="${name}").reads(Decide(None, "output")) == frozenset({"name"})


def test_data_of_an_item_and_of_its_undo() -> None:
    each = {"items": "${x}", "as": "line"}
    undo = {"action": "undo", "params": {"key": "${undo.key}", "line": "${line}", "result": "${undo.result}"}}
    walk = Walk(step("first"), step("a", "first", forEach=each, params={"n": "${line}"}, compensation=undo))
    walk.ok("first", 7).items("a", "x", "y").ok("a[0]", {"id": 1}).bad("a[1]")
    compiled = Bindings(walk.plan)
    first, second = Key("a", 1, 0), Key("a", 1, 1)
    data = data_for(walk.plan, walk.state, {"order": 1}, first)
    assert data == {"order": 1, "first": 7, "line": "x"}
    assert compiled.params(second, data_for(walk.plan, walk.state, {}, second)) == {"n": "y"}
    for key, expected in ((first, ("x", {"id": 1})), (second, ("y", None))):
        undo_data = undo_data_for(walk.plan, walk.state, {}, key, f"run/{key}")
        line, result = expected
        assert compiled.undo_params(key, undo_data) == {"key": f"run/{key}", "line": line, "result": result}


def test_wait_is_for_time_or_for_an_event() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    hour = timedelta(hours=1)
    assert wait_of({"duration": "1h"}, now=now) == Wait(timeout=hour)
    assert wait_of({"until": "2026-01-01T02:00:00+01:00"}, now=now) == Wait(timeout=hour)
    assert wait_of({"until": "2020-01-01T00:00:00Z"}, now=now) == Wait(timeout=timedelta())
    assert wait_of({"event": "go"}, now=now) == Wait(event="go")
    waiting = wait_of({"event": "go", "timeout": 3_600_000, "onTimeout": "branch", "reason": "a person"}, now=now)
    assert waiting == Wait(event="go", timeout=hour, on_timeout="branch", reason="a person")


@pytest.mark.parametrize(
    "bad",
    [
        {}, {"duration": "1h", "until": "2026-01-01T00:00:00Z"}, {"event": 3}, {"event": "go", "onTimeout": "stop"},
        {"duration": "soon"}, {"until": "soon"}, {"until": "2026-01-01T00:00:00"}, {"until": 3},
    ],
)  # fmt: skip
def test_wait_that_says_nothing_clear_is_an_error(bad: Any) -> None:
    with pytest.raises(BindingError):
        wait_of(bad, now=datetime(2026, 1, 1, tzinfo=UTC))
