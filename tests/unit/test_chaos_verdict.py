"""What a scenario's verdict objects to by itself: runs that prove nothing."""

from collections import Counter

from chaos.judge import Verdict


def test_too_few_orders_completed_that_is_a_violation_and_a_returned_one_had() -> None:
    proves_nothing = Verdict(name="all fail", ends=Counter(failed=71, completed=20, returned=9))
    proves_nothing.must_have_completed()
    assert proves_nothing.violations == ["only 29 of 100 orders completed"]
    proves_something = Verdict(name="some do not", ends=Counter(failed=70, completed=20, returned=10))
    proves_something.must_have_completed()
    assert proves_something.violations == []


def test_point_was_hit_too_seldom_that_is_a_violation() -> None:
    verdict = Verdict(name="points", hits=Counter({"a:before": 5, "a:inside": 4}))
    verdict.must_have_hit(5)
    assert verdict.violations == ["a:inside was hit only 4 times"]
