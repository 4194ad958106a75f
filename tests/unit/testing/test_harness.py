"""The harness as its users meet it: mocks, virtual time, events, undo."""

from datetime import timedelta
from typing import Any

import pytest

from flowforge.engine.actions.declaration import ActionContext, Failed, Refused, Wait
from flowforge.testing.harness import TestHarness
from flowforge.testing.mocks import Hangs, NotMockedError, Returns, Takes
from tests.unit.testing.orders import ORDER, harness, order, step

HOUR = timedelta(hours=1)


def test_run_completes_with_its_context_and_output() -> None:
    it = order()
    it.run("order", {"sku": "X"})
    it.assert_completed().assert_context({"charge.id": "ch_1"}, sku="X").assert_output({"charge": "ch_1"})


def test_refusal_undoes_what_was_done_the_last_first() -> None:
    it = order(ship=Refused("no_courier", "none is free"))
    it.run("order", {"sku": "X"})
    it.assert_failed("no_courier").assert_compensated("charge", "reserve")
    assert it.status_of("ship") == "failed"
    assert it.elapsed == timedelta()


def test_faults_are_tried_again_after_longer_and_longer_pauses_and_cost_no_time() -> None:
    again = {"maxAttempts": 4, "initialDelay": "1h", "backoffMultiplier": 2, "maxDelay": "3h"}
    answers = [Failed("down", "no"), ValueError("bug"), Failed("down", "no"), 7]
    it = harness(step("a", retryPolicy=again), mocks={"a": answers})
    it.run("d")
    it.assert_completed().assert_context(a=7)
    assert (it.elapsed, it.current.attempts) == (6 * HOUR, {"a": 4})


def test_fault_is_final_when_attempts_or_codes_say_so() -> None:
    for policy, attempts in (({"maxAttempts": 2}, 2), ({"nonRetryable": ["down"]}, 1)):
        it = harness(step("a", retryPolicy=policy), mocks={"a": Failed("down", "no")})
        it.run("d")
        it.assert_failed("down")
        assert it.current.attempts["a"] == attempts


def test_action_that_hangs_is_given_up_when_its_time_is_over() -> None:
    it = harness(step("a", timeout="30s"), mocks={"a": Hangs()})
    it.run("d")
    it.assert_failed("step_timeout")
    assert it.elapsed == timedelta(seconds=30)


def test_deadline_undoes_a_run_that_takes_too_long_and_stands_still_in_a_pause() -> None:
    steps = [step("a", compensation={"action": "undo"}), step("b", "a", wait="2h")]
    it = harness(*steps, mocks={"a": 1, "b": 2}, timeout="1h")
    it.run("d")
    it.assert_failed("deadline").assert_compensated("a")
    slow = {"a": Takes(timedelta(seconds=30)), "b": 2}
    paused = harness(step("a"), step("b", "a"), mocks=slow, timeout="1m")
    paused.start("d")
    paused.pause()
    paused.let_pass("5h")
    assert paused.current.status == "paused"
    paused.resume()
    paused.assert_completed()


def test_time_before_a_pause_counts_for_the_deadline() -> None:
    slow = {"a": Takes(timedelta(seconds=30)), "b": 1, "c": Takes(timedelta(seconds=45))}
    it = harness(step("a"), step("b", "a"), step("c", "b"), mocks=slow, timeout="1m")
    it.start("d")
    it.step()
    it.step()
    assert (it.elapsed, it.current.started) == (timedelta(seconds=30), ["a", "b"])
    it.pause()
    it.let_pass("5h")
    it.resume()
    it.assert_failed("deadline")


def test_wait_for_an_event_is_over_when_it_comes_or_when_time_passes() -> None:
    approval = step("approve", action="wait", params={"event": "approved", "timeout": "3d"})
    it = harness(approval)
    assert it.run("d").status == "waiting"
    assert it.signal("other").status == "waiting"
    it.signal("approved", {"by": "ann"})
    it.assert_completed().assert_context({"approve.by": "ann"})
    late = harness(approval)
    late.run("d")
    late.let_pass("2d")
    assert late.current.status == "waiting"
    late.let_pass("2d")
    late.assert_failed("event_timeout")


def test_event_whose_data_are_wrong_is_not_taken() -> None:
    schema = {"type": "object", "required": ["by"]}
    it = harness(step("approve", action="wait", params={"event": "approved", "schema": schema}))
    it.run("d")
    with pytest.raises(ValueError, match="by"):
        it.signal("approved", {})
    assert it.current.status == "waiting"


def test_resume_wakes_an_action_that_waits() -> None:
    it = harness(step("a"), mocks={"a": Wait("go")})
    it.run("d")
    it.resume({"ok": True})
    it.assert_completed().assert_context(a={"ok": True})


def test_functions_plain_and_async_are_told_params_and_context() -> None:
    seen: list[tuple[Any, str, int]] = []

    def plain(params: Any, context: ActionContext) -> str:
        seen.append((params, context.key, context.attempt))
        return "plain"

    async def later(params: Any) -> str:
        return f"async {params['sku']}"

    it = order(reserve=plain, charge=later, ship=lambda: Returns([1]).value)
    it.run("order", {"sku": "X"})
    it.assert_failed("missing_path")  # the output asks for charge.id
    it.assert_context(reserve="plain", charge="async X", ship=[1])
    assert seen == [({"sku": "X"}, "exec-1:1:reserve:1", 1)]


async def test_async_function_runs_where_a_loop_runs_already() -> None:
    async def answer() -> int:
        return 5

    it = harness(step("a"), mocks={"a": answer})
    it.run("d")
    it.assert_context(a=5)


def test_steps_happen_one_by_one() -> None:
    it = order()
    it.start("order", {"sku": "X"})
    assert it.current.started == ["reserve"]
    it.step().step()
    assert it.current.started == ["reserve", "charge"]


def test_action_without_a_mock_is_an_error_of_the_test() -> None:
    it = TestHarness({}, [ORDER])
    with pytest.raises(NotMockedError, match='"do-reserve"'):
        it.run("order", {"sku": "X"})


def test_assertion_that_does_not_hold_tells_what_is() -> None:
    it = order(ship=Refused("no_courier", "none is free"))
    it.run("order", {"sku": "X"})
    with pytest.raises(AssertionError, match="none is free"):
        it.assert_completed()
    with pytest.raises(AssertionError, match="found 'no_courier'"):
        it.assert_failed("declined")
    with pytest.raises(AssertionError, match=r"expected \('charge',\)"):
        it.assert_compensated("charge")


def test_action_may_take_all_of_its_steps_time_in_one_attempt() -> None:
    it = harness(step("a", timeout="1h"), mocks={"a": Takes(timedelta(minutes=50), 1)})
    it.run("d")
    it.assert_completed()
    assert (it.elapsed, it.current.attempts) == (timedelta(minutes=50), {"a": 1})


def test_input_that_is_not_as_the_definition_says_starts_nothing() -> None:
    it = harness(step("a"), mocks={"a": 1}, inputSchema={"type": "object", "required": ["sku"]})
    with pytest.raises(ValueError, match="sku"):
        it.run("d", {})
    it.run("d", {"sku": "X"})
    it.assert_completed()


def test_faults_that_never_end_end_with_their_steps_patience() -> None:
    it = harness(step("a"), mocks={"a": Failed("down", "no", retry_after=timedelta(microseconds=1))})
    it.run("d")
    it.assert_failed("step_timeout")
    assert it.elapsed == timedelta(minutes=15)


def test_unit_of_work_that_is_never_called_cannot_be_waited_for() -> None:
    it = order()
    it.start("order", {"sku": "X"})
    assert it.until_called("charge").current.started == ["reserve", "charge"]
    with pytest.raises(LookupError, match="undo charge is not called; the run is completed"):
        it.until_called("undo charge")
