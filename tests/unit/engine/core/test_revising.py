"""Runs that go on with another revision: what they keep must be in it, as it was."""

from typing import Any

import pytest

from flowforge.engine.core.commands import Run
from flowforge.engine.core.events import Retry
from flowforge.engine.core.interpreter import advance
from flowforge.engine.core.retrying import obstacles
from tests.unit.engine.core.walk import UNDO, Walk, names, plan, step

A = step("a", compensation=UNDO)
B = step("b", "a")
C = step("c", "b")
D = step("d", "c")


def held(kind: str = "failed") -> Walk:
    """A run that has done a (with an undo) and b, and is held because of c."""
    return (
        Walk(A, B, C, D, step("s", condition="no"), failurePolicy="hold")
        .answer("s", "condition", answer=False)
        .ok("a")
        .ok("b")
        .bad("c", kind)
    )


def found(walk: Walk, *steps: dict[str, Any], **body: Any) -> list[tuple[str, str | None]]:
    after = plan(*steps, **body)
    return [(each.code, each.step) for each in obstacles(after, walk.state, Retry(), before=walk.plan)]


def test_run_goes_on_with_other_params_new_steps_and_without_what_was_skipped() -> None:
    walk = held()
    new = plan(
        {**A, "compensation": {"action": "better"}, "params": 1}, B, {**C, "params": 2}, D, step("e", "d"), step("f")
    )
    assert obstacles(new, walk.state, Retry(), before=walk.plan) == ()
    walk.plan = new
    assert names(list(walk.send(Retry()).latest), Run) == ["c", "f"]
    assert walk.ok("c").ok("f").ok("d").ok("e").ends == ["completed"]
    assert "s" not in walk.state.steps


@pytest.mark.parametrize(
    ("steps", "problems"),
    [
        ((A, C, D), [("step_missing", "b")]),
        (({**A, "action": "other"}, B, C, D), [("action_changed", "a")]),
        (({**A, "taskQueue": "q"}, B, C, D), [("action_changed", "a")]),
        ((step("a"), B, C, D), [("undo_missing", "a")]),
        ((A, {**B, "compensation": UNDO}, C, D), [("undo_added", "b")]),
        ((A, {**B, "dependsOn": []}, C, D), [("dependencies_changed", "b")]),
        ((A, {**B, "dependsOn": ["a", "n"]}, C, D, step("n")), [("dependencies_changed", "b")]),
        ((A, {**B, "forEach": {"items": [1]}}, C, D), [("items_changed", "b")]),
        (({**A, "onError": "branch", "errorBranch": "b"}, B, C, D), [("dependencies_changed", "b")]),
        ((A, B, {**C, "action": "other"}, D), [("action_changed", "c")]),
        ((A, B), [("step_missing", "c")]),
        ((step("a", action="x"), {**B, "action": "y"}), [
            ("undo_missing", "a"), ("action_changed", "a"), ("action_changed", "b"), ("step_missing", "c"),
        ]),
    ],
)  # fmt: skip
def test_revision_that_does_not_suit_is_refused_with_every_reason(
    steps: tuple[dict[str, Any], ...], problems: list[tuple[str, str | None]]
) -> None:
    assert found(held(), *steps) == problems


def test_action_of_a_step_that_was_refused_may_be_another_one() -> None:
    assert found(held("refused"), A, B, {**C, "action": "other"}, D) == []


def test_graph_does_not_become_a_state_machine() -> None:
    walk = held()
    machine = [{"id": name, "action": f"do-{name}", "transitions": {}} for name in "abcd"]
    assert found(walk, *machine, initialStepId="a") == [("form_changed", None)]


def test_step_that_has_begun_with_its_items_keeps_them() -> None:
    each = {"forEach": {"items": "x"}}
    walk = Walk(step("a", **each), failurePolicy="hold").items("a", 1, 2).bad("a[0]", "refused")
    assert found(walk, step("a")) == [("items_changed", "a")]


def test_run_that_starts_over_takes_any_revision() -> None:
    walk = Walk(A, B).ok("a").bad("b").undone("a")
    new = plan(step("z"))
    assert obstacles(new, walk.state, Retry(), before=walk.plan) == ()
    state, commands = advance(new, walk.state, Retry())
    assert (state.generation, names(list(commands), Run)) == (2, ["z"])


@pytest.mark.parametrize(
    ("steps", "unseen", "problems"),
    [
        ((A, B, C, D), ("d",), []),
        ((A, B, C, {**D, "params": 2}), ("d",), []),
        ((A, B, C), (), [("action_changed", "d")]),
        ((A, B, C, {**D, "action": "other"}), ("d",), [("action_changed", "d")]),
        ((A, B, C, {**D, "compensation": {"action": "other"}}), ("d",), [("action_changed", "d")]),
        ((A, B, C, D), (), [("action_changed", "d")]),
    ],
)
def test_step_that_may_have_begun_unseen_must_be_in_the_revision_as_it_was(
    steps: tuple[dict[str, Any], ...], unseen: tuple[str, ...], problems: list[tuple[str, str | None]]
) -> None:
    walk = Walk(A, B, C, D, unseen=("d",), failurePolicy="hold").ok("a").ok("b").bad("c")
    after = plan(*steps, unseen=unseen)
    assert [(each.code, each.step) for each in obstacles(after, walk.state, Retry(), before=walk.plan)] == problems
