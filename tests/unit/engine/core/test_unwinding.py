"""The way back: all in flight settles, then undos in reverse order of start, and operators decide what is stuck."""

from dataclasses import replace
from typing import Any

import pytest

from flowforge.engine.core.commands import Cancel, Undo
from flowforge.engine.core.events import (
    Abandoned,
    CancelRequested,
    DeadlinePassed,
    Overruled,
    UndoDelayed,
    UndoRetried,
    UndoSettled,
    UndoWrittenOff,
)
from flowforge.engine.core.keys import Key
from flowforge.engine.core.outcomes import Failure, StepError
from flowforge.engine.core.plan import MAX_IN_FLIGHT
from flowforge.engine.core.state import StepState, UndoEntry
from flowforge.engine.core.table import Table
from flowforge.engine.core.views import run_status, step_view
from tests.unit.engine.core.walk import UNDO, Walk, names, step


def three_in_flight() -> Walk:
    return Walk(*(step(name, compensation=UNDO) for name in "abc"))


def test_failure_cancels_what_is_in_flight_and_undoes_once_all_has_settled() -> None:
    walk = three_in_flight()
    walk.ok("b").bad("a", "refused")
    assert names(walk.latest, Cancel) == ["c"]
    assert walk.undos == []
    assert run_status(walk.state) == "compensating"
    walk.bad("c", "cancelled")
    assert walk.undos == ["c"]
    walk.undone("c").undone("b", "not_needed").undone("a")
    assert walk.undos == ["c", "b", "a"]
    assert walk.ends == ["compensated"]
    assert [step_view(walk.state, name) for name in "abc"] == ["compensated"] * 3


def test_action_that_succeeds_although_cancelled_is_undone_with_its_result() -> None:
    walk = three_in_flight().bad("a").ok("b", "late").bad("c", "cancelled")
    entry = next(entry for entry in walk.state.undos if entry.key.step == "b")
    assert (entry.answered, entry.result) == (True, "late")


def test_failing_run_without_undos_ends_failed() -> None:
    walk = Walk(step("a")).bad("a")
    assert walk.ends == ["failed"]
    assert walk.state.failure is not None
    assert (walk.state.failure.step, walk.state.failure.error.code) == ("a", "failed_a")


def test_action_that_was_never_called_is_not_undone() -> None:
    assert Walk(step("a", compensation=UNDO)).bad("a", began=False).ends == ["failed"]


def test_child_run_is_undone_without_a_compensation_of_its_own() -> None:
    assert Walk(step("a", action="workflow"), step("b", "a")).ok("a").bad("b").undos == ["a"]


def test_only_the_first_failure_counts() -> None:
    walk = three_in_flight().bad("a").bad("b").bad("c")
    assert walk.state.failure is not None
    assert walk.state.failure.step == "a"


def test_cancelled_run_lets_go_of_what_waits_and_ends_cancelled() -> None:
    walk = Walk(step("a", compensation=UNDO), step("b", wait="1m"), step("c", condition="x"), step("d", "a"))
    walk.send(CancelRequested(reason="stop it"))
    walk.send(CancelRequested(reason="again"))
    walk.ok("a")
    assert (walk.started, walk.undos) == (["a"], ["a"])
    assert walk.undone("a").ends == ["cancelled"]
    assert walk.state.failure is not None
    assert walk.state.failure.error.message == "stop it"


@pytest.mark.parametrize("event", [CancelRequested(), DeadlinePassed()])
def test_completed_run_is_not_turned_back(event: CancelRequested | DeadlinePassed) -> None:
    assert Walk(step("a")).ok("a").send(event).ends == ["completed"]


def test_completed_run_that_had_been_cancelled_before_is_undone() -> None:
    walk = Walk(step("a", compensation=UNDO)).ok("a").send(Overruled())
    assert walk.undone("a").ends == ["completed", "cancelled"]


def test_deadline_undoes_and_ends_compensated() -> None:
    walk = Walk(step("a", compensation=UNDO)).send(DeadlinePassed())
    assert walk.bad("a", "timed_out").undone("a").ends == ["compensated"]
    assert walk.state.failure is not None
    assert walk.state.failure.kind == "deadline"


def test_undo_that_fails_for_good_stops_no_other_and_waits_for_attention() -> None:
    walk = three_in_flight().bad("a").ok("b").ok("c").undone("c", "failed")
    assert walk.undos == ["c", "b"]
    walk.undone("b").undone("a")
    assert (run_status(walk.state), walk.ends) == ("needs_attention", [])
    walk.send(UndoRetried("c"))
    assert (walk.undos, run_status(walk.state)) == (["c", "b", "a", "c"], "compensating")
    assert walk.undone("c").ends == ["compensated"]


def test_undo_that_is_written_off_ends_the_run() -> None:
    walk = Walk(step("a", compensation=UNDO)).bad("a").undone("a", "failed")
    walk.send(UndoWrittenOff(step="other", by="ann", reason="gone"))
    assert walk.ends == []
    walk.send(UndoWrittenOff(step="a", by="ann", reason="gone"))
    assert walk.ends == ["compensated"]
    assert walk.state.undos[0].written_off == "ann: gone"


def test_undo_written_off_early_lets_the_others_go_on() -> None:
    walk = three_in_flight().bad("a").ok("b").ok("c").undone("c", "failed")
    walk.send(UndoWrittenOff(step="c", by="ann", reason="gone"))
    walk.undone("b").undone("a")
    assert walk.ends == ["compensated"]


def test_undo_that_takes_long_lets_the_next_begin_and_is_waited_for() -> None:
    walk = three_in_flight().bad("a").ok("b").ok("c")
    late = walk.key("c")
    walk.send(UndoDelayed(late))
    assert names(walk.latest, Undo) == ["b"]
    walk.undone("b").undone("a")
    assert walk.ends == []
    assert walk.undone("c").ends == ["compensated"]
    assert walk.undos == ["c", "b", "a"]


def test_undo_that_ends_late_or_is_written_off_lets_none_begin_beside_the_one_that_runs() -> None:
    walk = three_in_flight().bad("a").ok("b").ok("c").send(UndoDelayed(Key("c")))
    assert walk.undos == ["c", "b"]
    walk.undone("c", "failed")
    assert walk.undos == ["c", "b"]
    walk.send(UndoWrittenOff(step="c", by="ann", reason="gone"))
    assert walk.undos == ["c", "b"]
    assert walk.undone("b").undos == ["c", "b", "a"]


def test_undo_that_is_reported_twice_is_done_once() -> None:
    walk = three_in_flight().bad("a").ok("b").ok("c")
    key = walk.key("c")
    walk.undone("c").send(UndoSettled(key=key, status="failed"))
    assert [entry.status for entry in walk.state.undos] == ["pending", "running", "done"]


def _three_unseen(**more: Any) -> Walk:
    c, a, b = step("c", "b", compensation=UNDO), step("a", compensation=UNDO), step("b", "a", compensation=UNDO)
    return Walk(c, a, b, unseen=("a", "b", "c"), **more)


def test_what_may_have_begun_unseen_is_undone_first_and_the_last_of_the_graph_before_all() -> None:
    walk = _three_unseen().send(CancelRequested()).bad("a", "cancelled")
    walk.undone("c", "not_needed").undone("b").undone("a")
    assert walk.undos == ["c", "b", "a"]
    assert walk.ends == ["cancelled"]
    assert [entry.starts for entry in walk.state.undos] == [1, 0, 0]


def test_failure_before_anything_was_done_undoes_what_may_have_begun_unseen() -> None:
    walk = _three_unseen().bad("a", began=False)
    assert walk.undos == ["c"]
    assert walk.undone("c", "not_needed").undone("b", "not_needed").undone("a", "not_needed").ends == ["compensated"]


def test_run_that_completes_undoes_nothing_however_unseen_its_steps() -> None:
    walk = _three_unseen().ok("a").ok("b").ok("c")
    assert (walk.undos, walk.ends) == ([], ["completed"])


def thousands_that_failed(count: int) -> Walk:
    """Return a run of which no item's undo succeeded."""
    done = tuple(UndoEntry(key=Key("a", 1, at), status="failed", answered=True) for at in range(count))
    walk = Walk(step("a", compensation=UNDO, forEach={"items": "${list}"}))
    walk.state = replace(
        walk.state,
        phase="attention",
        steps=Table({"a": StepState(status="failed")}),
        tasks=Table(),
        undos=done,
        failure=Failure(kind="failed", error=StepError(code="no", message="no")),
    )
    return walk


def test_thousands_of_undos_are_tried_again_the_last_first_as_many_at_once_as_may_be_in_flight() -> None:
    count = 3_000
    walk = thousands_that_failed(count).send(UndoRetried("a"))
    expected = [Key("a", 1, at) for at in reversed(range(count))]
    asked, settled = [command.key for command in walk.latest if isinstance(command, Undo)], 0
    assert asked == expected[:MAX_IN_FLIGHT]
    assert {entry.status for entry in walk.state.undos} == {"running"}
    while settled < len(asked):
        assert len(asked) - settled <= MAX_IN_FLIGHT
        walk.send(UndoSettled(key=asked[settled], status="done"))
        asked += [command.key for command in walk.latest if isinstance(command, Undo)]
        settled += 1
    assert asked == expected
    assert walk.ends == ["compensated"]


def test_thousands_of_undos_are_tried_again_by_whoever_takes_the_run_over() -> None:
    walk = thousands_that_failed(3_000).send(UndoRetried("a")).send(Abandoned(cancelled=None))
    assert len([command for command in walk.latest if isinstance(command, Undo)]) == MAX_IN_FLIGHT
    assert len(walk.state.backlog) == 3_000 - MAX_IN_FLIGHT - 1
    assert walk.state.cursor == 1, "the one that was begun last is the next one in order"


def test_thousands_of_undos_are_given_up_at_once() -> None:
    walk = thousands_that_failed(3_000).send(UndoWrittenOff(step="a", by="ada", reason="gone"))
    assert {entry.written_off for entry in walk.state.undos} == {"ada: gone"}
    assert walk.ends == ["compensated"]


def test_undos_that_take_long_keep_the_next_one_waiting_once_too_many_are_in_flight() -> None:
    count = MAX_IN_FLIGHT + 2
    walk = Walk(*(step(f"s{at}", compensation=UNDO) for at in range(count)))
    for at in range(MAX_IN_FLIGHT):
        walk.ok(f"s{at}")
    walk.ok(f"s{count - 2}").bad(f"s{count - 1}")
    while len(walk.undos) < MAX_IN_FLIGHT:
        walk.send(UndoDelayed(Key(walk.undos[-1])))
    walk.send(UndoDelayed(Key(walk.undos[-1])))
    assert len(walk.undos) == MAX_IN_FLIGHT
    walk.undone(walk.undos[0])
    assert len(walk.undos) == MAX_IN_FLIGHT + 1
