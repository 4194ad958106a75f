"""State machines: where the run goes after each step, loops, and their limit."""

import json
from typing import Any

from flowforge.engine.core.bindings import undo_data_for
from flowforge.engine.core.codec import dump, load
from flowforge.engine.core.events import CancelRequested, DeadlinePassed, Retry
from flowforge.engine.core.stored import read, write
from tests.unit.engine.core.walk import UNDO, Walk


def state(name: str, to: Any = None, **keys: Any) -> dict[str, Any]:
    transitions = to if isinstance(to, list | dict) else {"onSuccess": to}
    return {"id": name, "action": keys.pop("action", "do"), "transitions": transitions, **keys}


def machine(*steps: dict[str, Any], **keys: Any) -> Walk:
    return Walk(*steps, initialStepId=steps[0]["id"], **keys)


def test_success_leads_to_the_next_state_and_null_ends_the_run() -> None:
    walk = machine(state("a", "c"), state("b"), state("c"))
    walk.ok("a").ok("c")
    assert (walk.started, walk.ends, walk.status_of("b")) == (["a", "c"], ["completed"], None)


def test_failure_leads_where_its_transition_says_and_keeps_its_undo() -> None:
    walk = machine(state("a", {"onSuccess": "b", "onFailure": "c"}, compensation=UNDO), state("b"), state("c"))
    walk.bad("a", "refused")
    assert walk.started == ["a", "c"]
    assert walk.bad("c").undone("a").ends == ["compensated"]


def test_failure_without_a_transition_fails_the_run() -> None:
    assert machine(state("a", "b"), state("b")).bad("a").ends == ["failed"]


def test_conditions_choose_the_way() -> None:
    ways = [{"condition": "x", "to": "b"}, {"to": None}]
    walk = machine(state("a", ways), state("b")).ok("a")
    assert walk.asked == [("a", "transition")]
    assert walk.answer("a", "transition", 0).started == ["a", "b"]
    assert machine(state("a", ways), state("b")).ok("a").answer("a", "transition", 1).ends == ["completed"]


def test_no_condition_that_is_true_fails_the_run() -> None:
    walk = machine(state("a", [{"condition": "x", "to": None}])).ok("a").answer("a", "transition")
    assert walk.ends == ["failed"]
    assert walk.state.failure is not None
    assert walk.state.failure.error.code == "no_transition"


def test_loop_visits_anew_with_a_key_and_an_undo_for_each_visit() -> None:
    ways = [{"condition": "x", "to": "a"}, {"to": None}]
    walk = machine(state("a", ways, compensation=UNDO)).ok("a", 1).answer("a", "transition", 0).ok("a#2", 2)
    walk.answer("a#2", "transition", 0).bad("a#3").undone("a#3").undone("a#2").undone("a")
    assert (walk.started, walk.undos) == (["a", "a#2", "a#3"], ["a#3", "a#2", "a"])
    assert walk.ends == ["compensated"]
    assert [entry.result for entry in walk.state.undos] == [1, 2, None]


def test_loop_without_an_end_is_stopped_at_its_limit() -> None:
    walk = machine(state("a", "b", action="noop"), state("b", "a", action="noop"), limits={"max_visits": 50})
    assert walk.ends == ["failed"]
    assert walk.state.failure is not None
    assert walk.state.failure.error.code == "too_many_visits"


def test_state_that_is_skipped_goes_on_as_if_it_had_succeeded() -> None:
    walk = machine(state("a", "b", condition="x"), state("b")).answer("a", "condition", answer=False)
    assert (walk.started, walk.status_of("a")) == (["b"], "skipped")


def test_condition_action_that_is_false_does_not_stop_a_state_machine() -> None:
    assert machine(state("a", "b", action="condition"), state("b")).ok("a", result=False).started == ["a", "b"]


def test_failed_state_that_continues_goes_on_as_if_it_had_succeeded() -> None:
    assert machine(state("a", "b", onError="continue"), state("b")).bad("a").started == ["a", "b"]


def test_failed_state_that_branches_goes_to_its_error_branch() -> None:
    walk = machine(state("a", "b", onError="branch", errorBranch="c"), state("b"), state("c")).bad("a")
    assert walk.started == ["a", "c"]


def test_held_state_machine_is_retried_where_it_failed_and_nowhere_else() -> None:
    walk = machine(state("a", {"onFailure": "b"}), state("b", "c"), state("c"), failurePolicy="hold")
    walk.bad("a").bad("b").send(Retry())
    assert walk.started == ["a", "b", "b"]
    assert walk.ok("b").ok("c").ends == ["completed"]


def test_run_that_expired_before_its_way_was_decided_decides_it_when_retried() -> None:
    walk = machine(state("a", [{"condition": "x", "to": "b"}]), state("b")).ok("a").send(DeadlinePassed())
    assert walk.ends == ["failed"]
    walk.send(Retry())
    assert walk.asked == [("a", "transition")]
    assert walk.answer("a", "transition", 0).ok("b").ends == ["failed", "completed"]


def test_loop_after_a_refused_item_was_tried_again_has_keys_of_its_own() -> None:
    ways = [{"condition": "x", "to": "a"}, {"to": None}]
    walk = machine(state("a", ways, forEach={"items": "${x}"}), failurePolicy="hold").items("a", 1)
    walk.bad("a[0]", "refused").send(Retry()).ok("a#2[0]").answer("a#2", "transition", 0).items("a#3", 1)
    assert walk.started == ["a[0]", "a#2[0]", "a#3[0]"]


def test_items_of_an_earlier_visit_are_kept_for_its_undo() -> None:
    ways = [{"condition": "x", "to": "a"}, {"to": None}]
    walk = machine(state("a", ways, compensation=UNDO, forEach={"items": "${x}"})).items("a", "old").ok("a[0]")
    walk.answer("a", "transition", 0).items("a#2", "new").ok("a#2[0]").send(CancelRequested())
    assert [(str(entry.key), entry.item) for entry in walk.state.undos] == [("a[0]", ("old",)), ("a#2[0]", ())]


def test_item_of_an_earlier_visit_that_is_null_is_undone_as_such_wherever_the_run_goes_on() -> None:
    ways = [{"condition": "again", "to": "a"}, {"to": None}]
    undo = {"action": "undo", "params": {"was": "${one}"}}
    each = {"items": "${x}", "as": "one", "concurrency": 2}
    walk = machine(state("a", ways, compensation=undo, forEach=each)).items("a", None, None).ok("a[0]").ok("a[1]")
    walk.answer("a", "transition", 0).items("a#2", "new").ok("a#2[0]").send(CancelRequested())
    carried = load(json.loads(json.dumps(dump(walk.state, value=write))), value=read)
    assert carried == walk.state
    undone = [undo_data_for(walk.plan, carried, {}, entry.key, "key")["one"] for entry in carried.undos]
    assert undone == [None, None, "new"]
