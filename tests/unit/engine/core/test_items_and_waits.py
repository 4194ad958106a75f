"""Steps over items, and steps that wait for time or for an event."""

from datetime import timedelta

from flowforge.engine.core.commands import Cancel, StartTimer, StopTimer
from flowforge.engine.core.events import CancelRequested, EventArrived, Resumed
from flowforge.engine.core.views import run_status, step_view
from tests.unit.engine.core.walk import UNDO, Walk, names, step

_HOUR = timedelta(hours=1)


def each(concurrency: int = 1, **keys: object) -> dict[str, object]:
    return step("a", forEach={"items": "${x}", "concurrency": concurrency}, **keys)


def test_items_run_a_few_at_a_time_and_give_their_results_in_order() -> None:
    walk = Walk(each(2), step("b", "a")).items("a", *"xyz")
    assert walk.started == ["a[0]", "a[1]"]
    walk.ok("a[1]", "Y")
    assert walk.started == ["a[0]", "a[1]", "a[2]"]
    walk.ok("a[2]", "Z").ok("a[0]", "X")
    assert walk.state.values["a"] == ["X", "Y", "Z"]
    assert walk.started[-1] == "b"


def test_no_items_give_an_empty_list() -> None:
    walk = Walk(each()).items("a")
    assert (walk.ends, walk.state.values["a"]) == (["completed"], [])


def test_failed_item_cancels_the_others_and_those_that_began_are_undone() -> None:
    walk = Walk(each(3, compensation=UNDO)).items("a", *range(5)).ok("a[1]").bad("a[0]")
    assert names(walk.latest, Cancel) == ["a[2]", "a[3]"]
    walk.bad("a[2]", "cancelled").ok("a[3]")
    for item in (3, 2, 1, 0):
        walk.undone(f"a[{item}]")
    assert walk.undos == ["a[3]", "a[2]", "a[1]", "a[0]"]
    assert walk.ends == ["compensated"]


def test_failed_item_of_a_step_that_continues_leaves_a_gap() -> None:
    walk = Walk(each(onError="continue"), step("b", "a")).items("a", 1, 2, 3).ok("a[0]", 1).bad("a[1]").ok("a[2]", 3)
    assert (walk.state.values["a"], walk.status_of("a")) == ([1, None, 3], "failed")
    assert walk.started[-1] == "b"


def test_failed_item_of_a_step_that_branches_waits_for_those_in_flight() -> None:
    walk = Walk(each(2, onError="branch", errorBranch="e"), step("e")).items("a", 1, 2, 3, 4).bad("a[0]")
    assert walk.latest == []
    assert walk.ok("a[1]").started == ["a[0]", "a[1]", "e"]


def test_noop_over_thousands_of_items_ends_in_one_turn() -> None:
    walk = Walk(each(action="noop")).items("a", *range(2_000))
    assert walk.ends == ["completed"]


def test_condition_and_wait_come_once_before_the_items() -> None:
    walk = Walk(each(condition="x", wait="1m")).answer("a", "condition", answer=True).fire("a").items("a", 1, 2)
    assert walk.started == ["a[0]"]


def test_action_that_waits_for_time_goes_on_after_it() -> None:
    walk = Walk(step("a"), step("b", "a")).suspend("a", timeout=_HOUR)
    assert next(command for command in walk.latest if isinstance(command, StartTimer)).length == _HOUR
    assert (run_status(walk.state), step_view(walk.state, "a")) == ("waiting", "waiting")
    assert walk.fire("a").started == ["a", "b"]


def test_event_wakes_the_first_that_waits_for_it_with_its_data() -> None:
    walk = Walk(step("b"), step("a")).suspend("a", event="go", timeout=_HOUR).suspend("b", event="go")
    walk.send(EventArrived("stop", 1)).send(EventArrived("go", {"n": 1}))
    assert walk.state.values == {"b": {"n": 1}}
    walk.send(EventArrived("go", 2))
    assert names(walk.latest, StopTimer) == ["a"]
    assert (walk.state.values["a"], walk.ends) == (2, ["completed"])


def test_event_that_came_before_is_waiting_for_whoever_wants_it() -> None:
    walk = Walk(step("a")).send(EventArrived("go", 1)).send(EventArrived("go", 2)).suspend("a", event="go")
    assert (walk.state.values["a"], walk.ends) == (1, ["completed"])
    assert walk.state.mail == (("go", 2),)


def test_event_that_does_not_come_fails_continues_or_branches() -> None:
    ends = {}
    for on_timeout in ("fail", "continue", "branch"):
        walk = Walk(step("a", errorBranch="e"), step("b", "a"), step("e"))
        walk.suspend("a", event="go", timeout=_HOUR, on_timeout=on_timeout).fire("a")
        ends[on_timeout] = (walk.status_of("a"), walk.started, walk.ends)
    assert ends == {
        "fail": ("failed", ["a"], ["failed"]),
        "continue": ("succeeded", ["a", "b"], []),
        "branch": ("failed", ["a", "e"], []),
    }


def test_resume_wakes_a_run_that_waits() -> None:
    walk = Walk(step("a")).suspend("a").send(Resumed({"approved": True}))
    assert walk.state.values["a"] == {"approved": True}


def test_wait_that_is_cancelled_stops_its_timer_and_keeps_its_undo() -> None:
    walk = Walk(step("a", compensation=UNDO)).suspend("a", event="go", timeout=_HOUR).send(CancelRequested())
    assert names(walk.latest, StopTimer) == ["a"]
    assert walk.undone("a").ends == ["cancelled"]


def test_suspended_work_gives_its_place_to_another() -> None:
    walk = Walk(step("a"), step("b"), limits={"max_in_flight": 1})
    assert walk.suspend("a", event="go").started == ["a", "b"]


def test_action_that_asks_to_wait_while_it_is_cancelled_is_cancelled() -> None:
    walk = Walk(step("a"), step("b")).bad("b").suspend("a", event="go")
    assert walk.ends == ["failed"]
