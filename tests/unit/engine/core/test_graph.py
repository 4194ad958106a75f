"""A graph of steps: what starts when, what is skipped, and what a failure does."""

from flowforge.engine.core.commands import Run
from flowforge.engine.core.events import Decided, Settled, TimerFired
from flowforge.engine.core.keys import Key
from flowforge.engine.core.outcomes import Outcome, StepError
from tests.unit.engine.core.walk import UNDO, Walk, names, step


def test_chain_runs_in_order_and_keeps_results_under_both_names() -> None:
    walk = Walk(step("b", "a", outputKey="second"), step("a"))
    assert walk.started == ["a"]
    walk.ok("a", {"n": 1})
    assert walk.started == ["a", "b"]
    walk.ok("b", 2)
    assert walk.ends == ["completed"]
    assert walk.state.values == {"a": {"n": 1}, "b": 2, "second": 2}


def test_step_that_joins_all_waits_for_the_last_one() -> None:
    walk = Walk(step("a"), step("b"), step("c", "a", "b"))
    assert walk.started == ["a", "b"]
    assert walk.ok("b").latest == []
    assert names(walk.ok("a").latest, Run) == ["c"]


def test_step_that_joins_any_starts_once_at_the_first_success() -> None:
    walk = Walk(step("a", onError="continue"), step("b"), step("c", "a", "b", join="any"))
    walk.ok("b").ok("a")
    assert walk.started == ["a", "b", "c"]
    assert not walk.state.is_over
    assert walk.ok("c").ends == ["completed"]


def test_condition_that_is_false_skips_the_step_and_what_depends_only_on_it() -> None:
    walk = Walk(
        step("a", condition="x"), step("b", "a"), step("c"), step("d", "b", "c"), step("e", "a", "b", join="any")
    )
    assert walk.asked == [("a", "condition")]
    walk.answer("a", "condition", answer=False)
    assert [walk.status_of(name) for name in "abe"] == ["skipped", "skipped", "skipped"]
    walk.ok("c")
    assert walk.started == ["c", "d"]
    assert walk.ok("d").ends == ["completed"]


def test_condition_that_is_true_runs_the_step() -> None:
    assert Walk(step("a", condition="x")).answer("a", "condition", answer=True).started == ["a"]


def test_condition_that_cannot_be_evaluated_fails_the_step_and_nothing_is_undone() -> None:
    walk = Walk(step("a", condition="x", compensation=UNDO)).answer("a", "condition", error="unknown")
    assert (walk.started, walk.undos, walk.ends) == ([], [], ["failed"])


def test_condition_action_that_gives_false_skips_what_depends_on_it() -> None:
    walk = Walk(step("a", action="condition"), step("b", "a"))
    walk.ok("a", result=False)
    assert (walk.status_of("a"), walk.status_of("b"), walk.ends) == ("succeeded", "skipped", ["completed"])
    assert Walk(step("a", action="condition"), step("b", "a")).ok("a", result=True).started == ["a", "b"]


def test_noop_steps_run_without_a_shell() -> None:
    walk = Walk(step("a", action="noop"), *(step(f"s{n}", "a", action="noop") for n in range(400)))
    assert walk.ends == ["completed"]
    assert walk.started == []


def test_chain_of_five_hundred_noops_ends_in_one_turn() -> None:
    steps = [step(f"s{n}", *([f"s{n - 1}"] if n else []), action="noop") for n in range(500)]
    assert Walk(*reversed(steps)).ends == ["completed"]


def test_failed_step_that_continues_counts_as_done_and_keeps_its_undo() -> None:
    walk = Walk(step("a", onError="continue", compensation=UNDO), step("b", "a"))
    walk.bad("a")
    assert walk.started == ["a", "b"]
    walk.bad("b")
    assert walk.undos == ["a"]
    assert walk.undone("a").ends == ["compensated"]


def test_failed_step_that_branches_runs_only_its_error_branch() -> None:
    walk = Walk(step("a", onError="branch", errorBranch="e"), step("b", "a"), step("e"), step("f", "b", "e"))
    assert walk.started == ["a"]
    walk.bad("a")
    assert (walk.started, walk.status_of("b")) == (["a", "e"], "skipped")
    walk.ok("e").ok("f")
    assert walk.ends == ["completed"]
    assert walk.status_of("a") == "failed"


def test_error_branch_of_a_step_that_succeeded_is_skipped() -> None:
    walk = Walk(step("a", onError="branch", errorBranch="e"), step("e"), step("f", "a", "e"))
    walk.ok("a")
    assert (walk.started, walk.status_of("e")) == (["a", "f"], "skipped")


def test_error_branch_of_two_steps_runs_once() -> None:
    both = {"onError": "branch", "errorBranch": "e"}
    walk = Walk(step("a", **both), step("b", **both), step("e"))
    walk.bad("a").bad("b")
    assert walk.started == ["a", "b", "e"]


def test_wait_before_a_step_is_a_timer() -> None:
    walk = Walk(step("a", wait="3d"))
    assert walk.started == []
    assert walk.latest
    assert walk.fire("a").started == ["a"]


def test_output_is_decided_when_everything_is_done() -> None:
    walk = Walk(step("a"), output={"n": "${a}"}).ok("a")
    assert walk.asked == [(None, "output")]
    assert walk.ends == []


def test_output_that_has_no_value_undoes_the_run() -> None:
    walk = Walk(step("a", compensation=UNDO), output="${x}").ok("a")
    walk.send(Decided(key=None, question="output", error=StepError(code="missing", message="no")))
    assert walk.undos == ["a"]
    assert walk.undone("a").ends == ["compensated"]


def test_no_more_actions_are_in_flight_than_allowed() -> None:
    walk = Walk(*(step(f"s{n}") for n in range(5)), limits={"max_in_flight": 2})
    assert walk.started == ["s0", "s1"]
    assert walk.ok("s1").started == ["s0", "s1", "s2"]
    walk.ok("s0").ok("s2").ok("s3").ok("s4")
    assert walk.ends == ["completed"]


def test_answer_that_comes_twice_or_to_nobody_changes_nothing() -> None:
    walk = Walk(step("a"), step("b", "a")).ok("a")
    before = walk.state
    walk.send(Settled(Key("a"), Outcome(kind="failed")))
    walk.send(TimerFired(Key("a"))).send(Settled(Key("nobody"), Outcome(kind="succeeded")))
    assert walk.state == before
    assert hash(walk.state) == hash(before)
