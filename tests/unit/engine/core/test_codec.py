"""What a run takes along: thousands of items, each of which is said once."""

import json
from dataclasses import replace

from flowforge.engine.core.codec import dump, dump_undo, load
from flowforge.engine.core.keys import Key
from flowforge.engine.core.state import Items, State, StepState, UndoEntry
from flowforge.engine.core.stored import Stored, read, write
from flowforge.engine.core.table import Table


def _state(count: int) -> State:
    results = tuple(Stored(ref="exec_1:each", size=9, item=at) for at in range(count))
    items = Items(count=count, value=list(range(count)), next=count, results=results)
    return State(
        phase="forward",
        steps=Table({"each": StepState(status="active", items=items)}),
        undos=tuple(
            UndoEntry(key=Key("each", 1, at), answered=True, result=result) for at, result in enumerate(results)
        ),
    )


def _carried(state: State) -> State:
    return load(json.loads(json.dumps(dump(state, value=write))), value=read)


def test_result_of_item_is_carried_once_and_its_undo_has_it_still() -> None:
    state = _state(3)
    carried = _carried(state)
    items = carried.steps["each"].items
    assert carried == state
    assert items is not None
    assert all(undo.result is result for undo, result in zip(carried.undos, items.results, strict=True))
    assert len({id(undo.result.ref) for undo in carried.undos}) == 1
    assert [sorted(undo) for undo in dump(state, value=write)["undos"]] == [["answered", "key", "ofItem"]] * 3


def test_undo_of_an_earlier_visit_has_its_own_result_when_the_items_are_others_by_now() -> None:
    state = _state(3)
    items = Items(count=1, value=["other"], visit=2, next=1, results=({"n": 7},))
    state = replace(state, steps=Table({"each": StepState(status="active", visit=2, items=items)}))
    assert _carried(state) == state


def test_undos_that_were_written_with_their_results_can_be_read() -> None:
    state = _state(3)
    written = dump(state, value=write)
    written["undos"] = [dump_undo(undo, value=write) for undo in state.undos]
    assert load(written, value=read) == state
