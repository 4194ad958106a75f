"""Identifiers: prefixes, order in time, the way from one name of an order to the other, and what clients may use."""

import re
from collections.abc import Callable

import pytest

from flowforge.ids import (
    IDENTIFIER,
    new_charge_id,
    new_order_id,
    new_request_id,
    order_id_of,
    workflow_id_for,
    workflow_id_of_retry,
    workflow_id_of_unwinding,
)


@pytest.mark.parametrize(("make", "prefix"), [(new_order_id, "ord_"), (new_charge_id, "ch_"), (new_request_id, "req_")])
def test_new_ids_have_their_prefix_and_sort_by_time(make: Callable[[], str], prefix: str) -> None:
    made = [make() for _ in range(1000)]
    assert all(re.fullmatch(prefix + "[0-9a-f]{32}", each) and IDENTIFIER.fullmatch(each) for each in made)
    assert made == sorted(set(made))


def test_either_name_of_an_order_leads_to_the_other() -> None:
    order_id = new_order_id()
    assert order_id_of(workflow_id_for(order_id)) == order_id


@pytest.mark.parametrize("workflow_id", ["mine", "order-ord_1", "order-ord_w.x", f"order-ord_{'0' * 32}", "A.b_c-1"])
def test_workflow_id_that_a_client_chose_leads_to_its_order_and_back(workflow_id: str) -> None:
    assert workflow_id_for(order_id_of(workflow_id)) == workflow_id


@pytest.mark.parametrize("first", ["mine", f"order-ord_{'0' * 32}"])
def test_order_that_is_tried_again_is_counted_and_either_name_leads_to_the_other(first: str) -> None:
    second = workflow_id_of_retry(first)
    third = workflow_id_of_retry(second)
    assert (second, third) == (f"{first}~2", f"{first}~3")
    assert [workflow_id_for(order_id_of(name)) for name in (second, third)] == [second, third]
    assert not any(IDENTIFIER.fullmatch(name) for name in (second, third, workflow_id_of_unwinding(first)))


@pytest.mark.parametrize("text", ["a", "A-1._", "x" * 128])
def test_identifier_a_client_may_use(text: str) -> None:
    assert IDENTIFIER.fullmatch(text)


@pytest.mark.parametrize("text", ["", "x" * 129, "a b", "a~2", "a/b", "é", "a\n", "a\x00"])
def test_identifier_a_client_may_not_use(text: str) -> None:
    assert not IDENTIFIER.fullmatch(text)
