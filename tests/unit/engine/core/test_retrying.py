"""Runs that are begun again: on from where they failed, from another step, or from nothing."""

from collections.abc import Callable

import pytest

from flowforge.engine.core.events import CancelRequested, Compensate, PauseRequested, Retry
from flowforge.engine.core.retrying import obstacles
from flowforge.engine.core.views import run_status, step_view
from tests.unit.engine.core.walk import UNDO, Walk, step


def codes(walk: Walk, at: str | None = None) -> list[tuple[str, str | None]]:
    return [(found.code, found.step) for found in obstacles(walk.plan, walk.state, Retry(step=at))]


def failed_at_c() -> Walk:
    """Read, compute, fail to charge: nothing but the last one changes anything."""
    steps = (step("a"), step("b", "a"), step("c", "b"), step("d", "c"))
    return Walk(*steps, free=("a", "b")).ok("a", 1).ok("b", 2).bad("c", "timed_out")


def test_run_goes_on_from_a_step_without_effect_and_everything_after_it_runs_again() -> None:
    walk = failed_at_c().send(Retry(step="a"))
    assert (walk.started[3:], walk.state.values) == (["a#2"], {})
    assert [step_view(walk.state, name) for name in "abcd"] == ["running", "pending", "pending", "pending"]
    walk.ok("a#2", 3)
    assert walk.started[4:] == ["b#2"]
    walk.ok("b#2", 4)
    assert walk.started[5:] == ["c"], "whether it happened is not known: it keeps its key"
    assert walk.ok("c").ok("d").ends == ["failed", "completed"]


def test_results_of_what_runs_again_are_forgotten_and_edited_ones_stay() -> None:
    walk = failed_at_c().send(Retry(step="b", values={"a": 7, "limit": 5}))
    assert walk.state.values == {"a": 7, "limit": 5}


@pytest.mark.parametrize("edits", [{"a": 7}, {"score": 7}])
def test_edited_result_is_read_under_both_of_its_names(edits: dict[str, int]) -> None:
    walk = Walk(step("a", outputKey="score"), step("b", "a")).ok("a", 1).bad("b", "refused").send(Retry(values=edits))
    assert walk.state.values == {"a": 7, "score": 7}


def test_edited_result_whose_other_name_is_several_steps_is_read_under_its_own() -> None:
    steps = (step("a", outputKey="n"), step("b", "a", outputKey="n"), step("c", "b"))
    walk = Walk(*steps).ok("a", 1).ok("b", 2).bad("c", "refused").send(Retry(values={"a": 7}))
    assert walk.state.values == {"a": 7, "b": 2, "n": 2}


def test_step_that_would_repeat_a_kept_effect_is_no_place_to_go_on_from() -> None:
    walk = Walk(step("a"), step("b", "a"), step("c", "b"), free=("a",)).ok("a").ok("b").bad("c", "refused")
    before = walk.state
    assert codes(walk, "a") == [("kept_effect", "b")]
    assert codes(walk, "b") == [("kept_effect", "b")]
    assert walk.send(Retry(step="a")).state == before
    assert walk.send(Retry(step="c")).started[3:] == ["c#2"]


@pytest.mark.parametrize(("at", "code"), [("x", "unknown_step"), ("d", "not_come_to")])
def test_step_that_the_run_has_not_come_to_is_no_place_to_go_on_from(at: str, code: str) -> None:
    walk = failed_at_c()
    before = walk.state
    assert codes(walk, at) == [(code, at)]
    assert walk.send(Retry(step=at)).state == before


def test_what_failed_elsewhere_runs_again_too() -> None:
    walk = Walk(step("a"), step("b", "a"), step("x"), free=("a",), failurePolicy="hold")
    walk.ok("a").bad("b", "refused").bad("x")
    walk.send(Retry(step="a"))
    assert walk.started[3:] == ["x", "a#2"]
    assert walk.ok("x").ok("a#2").ok("b#2").ends == ["completed"]


def test_skipped_step_is_decided_anew_after_the_step_that_runs_again() -> None:
    walk = Walk(step("a"), step("b", "a", condition="x"), step("c", "a", "b"), free=("a",))
    walk.ok("a").answer("b", "condition", answer=False).bad("c", "refused").send(Retry(step="a"))
    walk.ok("a#2").answer("b", "condition", answer=True).ok("b").ok("c#2")
    assert walk.ends == ["failed", "completed"]
    assert walk.status_of("b") == "succeeded"


def test_step_that_is_not_come_to_the_second_time_is_skipped() -> None:
    walk = Walk(step("a", onError="branch", errorBranch="r"), step("r"), step("z"), free=("a", "r"))
    walk.bad("a", "refused").ok("r").bad("z", "refused").send(Retry(step="a")).ok("a#2").ok("z#2")
    assert walk.ends == ["failed", "completed"]
    assert walk.status_of("r") == "skipped"


def test_edit_that_would_not_reach_a_step_which_goes_on_with_its_items_is_refused() -> None:
    each = {"forEach": {"items": "${list.of}"}}
    walk = Walk(step("a"), step("b", "a", **each), free=("a",)).ok("a").items("b", 1, 2).bad("b[0]", "refused")
    before = walk.state
    for at in (None, "b"):
        found = obstacles(walk.plan, walk.state, Retry(step=at, values={"list": {"of": [3]}}))
        assert [(one.code, one.step) for one in found] == [("items_kept", "b")]
        assert walk.send(Retry(step=at, values={"list": {"of": [3]}})).state == before
    assert obstacles(walk.plan, walk.state, Retry(values={"limit": 3})) == ()
    fresh = Walk(step("a"), step("b", "a", **each), free=("a",)).ok("a").items("b", 1).bad("b[0]", "refused")
    assert obstacles(fresh.plan, fresh.state, Retry(step="a", values={"list": {"of": [3]}})) == ()


def test_items_of_a_step_that_runs_again_are_asked_for_anew_unless_one_has_done_something() -> None:
    each = {"forEach": {"items": "x", "concurrency": 2}}
    walk = Walk(step("a"), step("b", "a", **each), free=("a",)).ok("a").items("b", 1, 2)
    walk.bad("b[0]", "refused").bad("b[1]", "refused")
    assert walk.send(Retry(step="a")).ok("a#2").asked == [("b#2", "items")]
    other = Walk(step("a"), step("b", "a", **each), free=("a",)).ok("a").items("b", 1, 2)
    other.bad("b[0]", "refused").bad("b[1]", "timed_out")
    assert codes(other, "a") == [("kept_effect", "b")]


def test_step_under_way_in_a_held_run_is_not_begun_beside_itself() -> None:
    walk = Walk(step("a"), step("b", "a"), step("c", "a"), free=("a", "b", "c"), failurePolicy="hold")
    walk.ok("a").bad("b")
    assert codes(walk, "a") == [("in_flight", "c")]


def test_cancelled_run_with_nothing_undone_goes_on() -> None:
    walk = Walk(step("a"), step("b", "a")).ok("a", 1).send(CancelRequested()).bad("b", "cancelled")
    assert walk.ends == ["cancelled"]
    assert walk.send(Retry()).started == ["a", "b", "b"]
    assert walk.ok("b").ends == ["cancelled", "completed"]


def test_paused_run_that_failed_is_not_paused_any_more_when_it_goes_on() -> None:
    walk = Walk(step("a"), step("b", "a")).send(PauseRequested()).bad("a", "refused").send(Retry())
    assert (run_status(walk.state), walk.started) == ("running", ["a", "a#2"])


def test_child_that_failed_is_another_one_the_next_time_however_it_ended() -> None:
    walk = Walk(step("a", action="workflow"), failurePolicy="hold").bad("a", "cancelled").send(Retry())
    assert walk.started == ["a", "a#2"]


@pytest.mark.parametrize("by", ["failure", "cancel"])
def test_run_that_was_undone_starts_over_in_its_next_generation(by: str) -> None:
    walk = Walk(step("a", compensation=UNDO, outputKey="o"), step("b", "a"), output="${x}").ok("a", 1)
    walk = walk.bad("b") if by == "failure" else walk.send(CancelRequested()).bad("b", "cancelled")
    walk.undone("a")
    before = walk.state
    assert codes(walk, "b") == [("starts_over", "b")]
    assert walk.send(Retry(step="b")).state == before
    walk.send(Retry(values={"limit": 5}))
    assert (walk.state.generation, walk.state.values, walk.state.undos[0].starts) == (2, {"limit": 5}, 1)
    assert walk.started == ["a", "b", "a"]
    assert (walk.state.failure, run_status(walk.state)) == (None, "running")
    walk.ok("a").bad("b").undone("a").send(Retry(values={"more": 6}))
    assert (walk.state.generation, walk.state.values) == (3, {"limit": 5, "more": 6}), "what was edited stays edited"
    walk.ok("a", 2).ok("b").answer(None, "output", "all")
    assert (walk.ends[-1], walk.state.output) == ("completed", "all")


def test_held_run_that_was_undone_starts_over() -> None:
    walk = Walk(step("a", compensation=UNDO), step("b", "a"), failurePolicy="hold").ok("a").bad("b")
    walk.send(Compensate()).undone("a").send(Retry())
    assert (walk.state.generation, walk.started) == (2, ["a", "b", "a"])


def test_run_that_goes_forward_is_being_undone_or_has_completed_is_not_retried() -> None:
    walk = Walk(step("a", compensation=UNDO), step("b", "a"))
    acts: list[Callable[[], Walk]] = [
        lambda: walk.ok("a"),
        lambda: walk.bad("b"),
        lambda: walk.undone("a", "failed"),
    ]
    for act in acts:
        assert codes(walk) == [("not_ended", None)]
        before = walk.state
        assert walk.send(Retry()).state == before
        act()
    assert codes(walk) == [("not_ended", None)]
    assert codes(Walk(step("a")).ok("a")) == [("not_ended", None)]


def machine() -> Walk:
    """Read, then do; from there back to reading."""
    ways = {"onSuccess": "do"}
    steps = (step("read", transitions=ways), step("do", transitions={"onSuccess": "end"}), step("end", transitions={}))
    return Walk(*steps, free=("read",), initialStepId="read")


def test_state_machine_goes_on_from_an_earlier_step_that_changes_nothing() -> None:
    walk = machine().ok("read", 1).bad("do", "refused").send(Retry(step="read"))
    assert walk.started == ["read", "do", "read#2"]
    assert walk.ok("read#2").ok("do#2").ok("end").ends == ["failed", "completed"]


def test_state_machine_does_not_go_back_over_what_it_has_done_or_may_have() -> None:
    assert codes(machine().ok("read").bad("do", "timed_out"), "read") == [("kept_effect", "do")]
    walk = machine().ok("read").ok("do").bad("end", "refused")
    assert codes(walk, "read") == codes(walk, "do") == [("kept_effect", "do")]
    assert codes(walk, "end") == []


def test_state_machine_that_went_back_and_fails_again_runs_again_only_what_failed_then() -> None:
    walk = machine().ok("read").bad("do", "refused").send(Retry(step="read")).bad("read#2").send(Retry())
    assert walk.started == ["read", "do", "read#2", "read#2"]
