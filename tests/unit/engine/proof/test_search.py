"""How much a search looks at: every state once, and every way through them counted."""

import pytest

from flowforge.engine.proof.prove import prove
from tests.unit.engine.proof.chains import chain, defined, fan, proved, step


@pytest.mark.parametrize("count", [1, 2, 3])
def test_chain_has_as_many_schedules_as_can_be_counted_by_hand(count: int) -> None:
    # One fault at the i-th step: it is refused, fails before or after its effect (3); is cancelled (1); loses its
    # worker after its effect (1), or with the effect under way, which comes before or after the second attempt's
    # end (2); the run is paused, and resumed before or after the step ends (2; the last step's end is the run's, but
    # then resuming comes first or not at all); times out, and the effect comes before, between or after the i undos
    # (i + 1). None at all: 1.
    by_hand = 1 + sum(3 + 1 + 1 + 2 + 2 + (i + 1) for i in range(1, count + 1))
    assert prove(chain(count), faults=1).schedules == by_hand
    assert prove(chain(count), faults=0).schedules == 1


def test_schedules_of_a_run_with_two_faults_outnumber_its_states() -> None:
    proof = prove(chain(3), faults=2)
    assert proof.schedules > proof.states > 100
    assert proof.ends.keys() == {"completed", "compensated", "cancelled"}


def test_five_steps_side_by_side_are_a_few_thousand_states() -> None:
    proof = prove(fan(5), faults=2)
    assert (proof.complete, proof.holds()) == (True, True)
    assert 1_000 < proof.states < 6_000


def test_search_that_gives_up_proves_nothing() -> None:
    proof = prove(fan(5), faults=2, max_states=100)
    assert (proof.complete, proof.holds()) == (False, False)


def test_condition_over_a_result_branches_both_ways_and_over_given_input_one() -> None:
    choice = defined(step("a"), step("b", "a", condition="a.risk > 1"), step("c", "a", condition="limit > 1"))
    both = prove(choice, faults=0)
    one = prove(choice, faults=0, given={"limit": 2})
    none = prove(choice, faults=0, given={"limit": 2}, results={"a": {"risk": 0}})
    assert (both.ends["completed"], one.ends["completed"], none.ends["completed"]) == (4, 2, 1)


def test_loop_is_left_after_two_visits_and_that_is_said() -> None:
    again = {"condition": "a.more", "to": "a"}
    proof = proved(step("a", dependsOn=None, transitions=[again, {"to": None}]), initialStepId="a", faults=0)
    assert proof.cut == 1
    assert "it can go on" in proof.bound
    assert proof.ends == {"completed": 2}


def test_items_are_two_unless_the_input_has_fewer() -> None:
    each = defined(step("a", forEach={"items": "${list}", "concurrency": 2}))
    assert prove(each, faults=0).schedules == 2
    assert prove(each, faults=0, given={"list": [1, 2, 3]}).schedules == 2
    assert prove(each, faults=0, given={"list": [1]}).schedules == 1
