"""The harness as its users meet it: what is undone, tried again, and decided by people."""

from datetime import timedelta
from typing import Any

import pytest

from flowforge.engine.actions.declaration import ActionContext, Failed, Refused
from flowforge.testing.harness import TestHarness
from flowforge.testing.mocks import Takes
from tests.unit.testing.orders import harness, order, step


def test_undo_is_told_the_forward_key_and_the_result_and_is_retried() -> None:
    seen: list[Any] = []

    def release(params: Any, context: ActionContext) -> None:
        seen.append((params["key"], context.undone_result))
        if len(seen) < 3:
            raise Failed("down", "no")

    it = order(charge=Refused("declined", "no"), release=release)
    it.run("order", {"sku": "X"})
    it.assert_compensated("charge", "reserve")
    assert seen == [("exec-1:1:reserve:1", {"at": "A7"})] * 3


def test_undo_that_is_refused_needs_attention() -> None:
    it = order(**{"ship": Refused("no", "no"), "undo charge": Refused("too_late", "no")})
    assert it.run("order", {"sku": "X"}).status == "needs_attention"
    assert it.current.undone == ["charge", "reserve"]


def test_undo_that_fails_for_ever_keeps_the_run_compensating() -> None:
    assert (
        order(ship=Refused("no", "no"), refund=Failed("down", "no")).run("order", {"sku": "X"}).status == "compensating"
    )


def test_cancelled_run_undoes_what_is_in_flight_too() -> None:
    it = order(charge=Takes(timedelta(hours=1), {"id": 1}))
    it.start("order", {"sku": "X"})
    it.step().step().step()
    it.cancel("changed my mind")
    it.assert_cancelled()
    assert it.current.undone == ["charge", "reserve"]


def test_child_run_completes_fails_and_is_undone_with_its_parent() -> None:
    inner = {"id": "inner", "steps": [step("book", compensation={"action": "unbook"})], "output": "${book}"}
    child = step("child", action="workflow", params={"workflowId": "inner", "input": {"n": "${n}"}})
    outer = {"id": "outer", "steps": [child, step("pay", "child")]}
    undone: list[int] = []
    mocks = {"book": lambda params: params["n"], "pay": None, "unbook": lambda: undone.append(1)}
    it = TestHarness(mocks, [inner, outer])
    it.run("outer", {"n": 3})
    it.assert_completed().assert_context(child=3)
    failing = TestHarness({**mocks, "pay": Refused("declined", "no")}, [inner, outer])
    failing.run("outer", {"n": 3})
    failing.assert_compensated("child")
    assert undone == [1]
    refused = TestHarness({**mocks, "book": Refused("full", "no")}, [inner, outer])
    refused.run("outer", {"n": 3})
    refused.assert_failed("full")


def test_held_run_is_tried_again_and_failed_undos_are_decided() -> None:
    it = harness(
        step("a", compensation={"action": "u"}),
        step("b", "a"),
        mocks={"a": 1, "b": Refused("no", "no"), "undo a": [Refused("late", "no"), Refused("late", "no")]},
        failurePolicy="hold",
    )
    assert it.run("d").status == "needs_attention"
    assert it.retry("b", {"a": 2}).started == ["a", "b", "b#2"]
    assert it.compensate().status == "needs_attention"
    assert it.retry_undo("a").undone == ["a", "a"]
    assert it.write_off("a", reason="gone").status == "compensated"


def test_failed_run_goes_on_and_an_undone_one_starts_over_with_new_keys() -> None:
    keys: list[str] = []

    def charge(_params: Any, context: ActionContext) -> str:
        keys.append(context.call.key)
        return "ch"

    steps = [
        {"id": "read", "action": "transform"},
        {"id": "charge", "action": "charge", "dependsOn": ["read"], "compensation": {"action": "refund"}},
        {"id": "ship", "action": "ship", "dependsOn": ["charge"]},
    ]
    answers = [Refused("no", "no"), "sent"]
    harness = TestHarness({"read": 1, "charge": charge, "ship": answers}, [{"id": "o", "steps": steps}])
    harness.run("o")
    harness.assert_compensated("charge")
    with pytest.raises(ValueError, match="starts over"):
        harness.retry("ship")
    harness.retry(values={"limit": 5})
    harness.assert_completed().assert_context(limit=5, ship="sent")
    assert keys == ["exec-1:1:charge:1", "exec-1:2:charge:1"]


def test_step_without_an_effect_may_run_again_and_one_with_an_effect_may_not() -> None:
    steps = [
        {"id": "read", "action": "transform"},
        {"id": "charge", "action": "charge", "dependsOn": ["read"]},
        {"id": "ship", "action": "ship", "dependsOn": ["charge"]},
    ]
    mocks = {"read": [1, 2], "charge": [Refused("no", "no"), "ch"], "ship": [Refused("no", "no"), "sent"]}
    harness = TestHarness(mocks, [{"id": "o", "steps": steps}])
    harness.run("o")
    harness.retry("read")
    harness.assert_failed("no").assert_context(read=2)
    with pytest.raises(ValueError, match="is kept"):
        harness.retry("read")
    harness.retry()
    harness.assert_completed()
