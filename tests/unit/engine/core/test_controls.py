"""What operators do: pause and resume, hold a failed run, try it again, have it undone."""

from flowforge.engine.core.events import (
    CancelRequested,
    Compensate,
    DeadlinePassed,
    PauseRequested,
    Resumed,
    Retry,
)
from flowforge.engine.core.views import run_status
from tests.unit.engine.core.walk import UNDO, Walk, step


def held(kind: str = "failed", *, began: bool = True) -> Walk:
    walk = Walk(
        step("a", compensation=UNDO),
        step("b", "a", compensation=UNDO),
        step("x"),
        step("c", "b", "x"),
        failurePolicy="hold",
    )
    return walk.ok("a", 1).bad("b", kind, began=began)


def test_paused_run_starts_nothing_until_it_is_resumed() -> None:
    walk = Walk(step("a"), step("b", "a")).send(PauseRequested()).send(PauseRequested())
    assert run_status(walk.state) == "paused"
    assert walk.ok("a").started == ["a"]
    assert walk.send(Resumed()).started == ["a", "b"]
    assert walk.ok("b").ends == ["completed"]


def test_run_that_waits_before_an_action_is_woken_and_goes_on_to_it() -> None:
    walk = Walk(step("a", wait="3d"), step("b", "a"))
    assert (run_status(walk.state), walk.started) == ("waiting", [])
    assert walk.send(Resumed({"ignored": True})).started == ["a"]
    assert walk.send(Resumed()).ok("a", 1).ok("b").ends == ["completed"]
    assert walk.state.values["a"] == 1


def test_paused_run_that_is_cancelled_is_undone() -> None:
    walk = Walk(step("a", compensation=UNDO), step("b", "a")).send(PauseRequested()).ok("a").send(CancelRequested())
    assert walk.undone("a").ends == ["cancelled"]
    assert walk.started == ["a"]


def test_held_run_lets_what_is_in_flight_settle_and_starts_nothing() -> None:
    walk = held()
    assert (run_status(walk.state), walk.undos) == ("needs_attention", [])
    walk.ok("x")
    assert (walk.started, walk.ends) == (["a", "x", "b"], [])


def test_held_run_that_is_retried_goes_on_with_edited_values_under_the_same_key() -> None:
    walk = held("timed_out").ok("x").send(Retry(values={"limit": 5}))
    assert walk.started == ["a", "x", "b", "b"]
    walk.ok("b", 2).ok("c")
    assert walk.ends == ["completed"]
    assert walk.state.values == {"a": 1, "b": 2, "c": None, "x": None, "limit": 5}
    assert [str(entry.key) for entry in walk.state.undos] == ["a", "b"]


def test_refused_step_that_is_retried_is_visited_anew_and_both_visits_are_undone() -> None:
    walk = held("refused").send(Retry(step="b"))
    assert walk.started[-1] == "b#2"
    walk.bad("b#2").ok("x").send(Compensate())
    assert walk.undone("b#2").undone("b").undone("a").ends == ["compensated"]


def test_retry_that_is_not_even_called_keeps_the_undo_of_the_first_try() -> None:
    walk = held("timed_out").send(Retry()).bad("b", began=False).ok("x").send(Compensate())
    assert walk.undos == ["b"]


def test_retry_of_a_step_that_did_not_fail_changes_nothing() -> None:
    walk = held()
    before = walk.state
    assert walk.send(Retry(step="a")).state == before


def test_held_run_is_undone_on_request_and_when_it_is_cancelled() -> None:
    for event, end in ((Compensate(), "compensated"), (CancelRequested(), "cancelled")):
        walk = held().send(event).bad("x", "cancelled").undone("b").undone("a")
        assert walk.ends == [end]


def test_held_run_does_not_expire() -> None:
    walk = held()
    before = walk.state
    assert walk.send(DeadlinePassed()).state == before


def test_failed_run_with_nothing_to_undo_goes_on_from_its_failed_step() -> None:
    walk = Walk(step("a"), step("w", wait="1h"), step("b", "a")).ok("a", 1).bad("b")
    assert walk.ends == ["failed"]
    walk.send(Retry())
    assert walk.started == ["a", "b", "b"]
    walk.ok("b").fire("w").ok("w")
    assert walk.ends == ["failed", "completed"]


def test_items_that_failed_or_were_not_finished_are_tried_again_and_no_others() -> None:
    walk = Walk(step("a", forEach={"items": "x", "concurrency": 3}, compensation=UNDO), failurePolicy="hold")
    walk.items("a", 10, 11, 12, 13).ok("a[1]", "one").bad("a[0]", "refused").bad("a[2]", "timed_out")
    walk.send(Retry())
    assert walk.started == ["a[0]", "a[1]", "a[2]", "a[3]", "a#2[0]", "a[2]"]
    walk.ok("a[3]", "three").ok("a#2[0]", "zero").ok("a[2]", "two")
    assert walk.ends == ["completed"]
    assert walk.state.values["a"] == ["zero", "one", "two", "three"]
    assert [str(entry.key) for entry in walk.state.undos] == ["a[0]", "a[1]", "a[2]", "a[3]", "a#2[0]"]


def test_items_that_a_failure_elsewhere_stopped_are_finished_by_a_retry() -> None:
    walk = Walk(step("b"), step("a", forEach={"items": "x", "concurrency": 2}), limits={"max_in_flight": 2})
    walk.items("a", 1, 2, 3)
    assert walk.started == ["b", "a[0]"]
    walk.bad("b").bad("a[0]", "cancelled")
    assert walk.ends == ["failed"]
    walk.send(Retry()).ok("b").ok("a[1]").ok("a[0]").ok("a[2]", 3)
    assert walk.ends == ["failed", "completed"]
