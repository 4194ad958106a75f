"""What stands for values that are kept elsewhere, in the interpreter's hands."""

import json
from typing import Any

import pytest

from flowforge.engine.core.bindings import data_for, needs, undo_data_for
from flowforge.engine.core.codec import dump, load
from flowforge.engine.core.events import ItemList
from flowforge.engine.core.keys import Key
from flowforge.engine.core.stored import Stored, gathered, part_of, read, split, write
from tests.unit.engine.core.walk import Walk, step

A = Stored(ref="run:1:a:1", size=20_000)


def part(at: int, size: int = 100) -> Stored:
    return Stored(ref="run:1:each:1", size=size, item=at)


def test_results_of_items_become_one_reference_where_any_is_kept_elsewhere() -> None:
    assert gathered([1, None, "x"]) == [1, None, "x"]
    assert gathered([part(0), part(1, 50)]) == Stored(ref="run:1:each:1", size=150, count=2)
    mixed = gathered([1, part(1), None])
    assert mixed == Stored(ref="run:1:each:1", size=100, count=3, inline=((0, 1),))


def test_item_of_a_list_that_is_kept_elsewhere_is_a_part_of_it() -> None:
    assert part_of([5, 6], 1) == 6
    assert part_of(Stored(ref="l", size=100, count=10), 7) == Stored(ref="l", size=10, item=7)


def test_what_is_undone_is_split_off_under_its_name() -> None:
    here, elsewhere = split({"a": A, "n": 1, "undo": {"key": "k", "result": A}})
    assert here == {"n": 1, "undo": {"key": "k", "result": None}}
    assert elsewhere == {"a": A, "undo": A}
    assert needs(elsewhere, frozenset({"a"}))
    assert not needs(elsewhere, frozenset({"n"}))
    assert needs(elsewhere, None)


@pytest.mark.parametrize("value", [A, part(3), None, [A.ref], {"ref": "looks", "size": 1}, gathered([1, part(1)])])
def test_reference_is_told_from_a_value_that_only_looks_like_one(value: Any) -> None:
    assert read(json.loads(json.dumps(write(value)))) == value


def test_state_with_references_is_the_same_after_a_journey() -> None:
    each = {"items": "${x}", "as": "line"}
    undo = {"action": "undo"}
    walk = Walk(step("first"), step("a", "first", forEach=each, params={}, compensation=undo))
    walk.ok("first", A).items("a", "x", "y").ok("a[0]", part(0))
    state = load(json.loads(json.dumps(dump(walk.state, value=write))), value=read)
    assert state == walk.state
    assert state.values["first"] == A


def test_each_undo_of_an_item_knows_its_part_of_a_list_that_is_kept_elsewhere() -> None:
    each = {"items": "${x}", "as": "line"}
    walk = Walk(step("a", forEach=each, params={}, compensation={"action": "undo"}))
    listed = ItemList(count=2, value=Stored(ref="list", size=100, count=2))
    walk.answer("a", "items", listed).ok("a[0]", part(0))
    data = undo_data_for(walk.plan, walk.state, {}, Key("a", 1, 0), "k")
    assert data["line"] == Stored(ref="list", size=50, item=0)
    assert data["undo"]["result"] == part(0)
    assert data_for(walk.plan, walk.state, {}, Key("a", 1, 1))["line"] == Stored(ref="list", size=50, item=1)
