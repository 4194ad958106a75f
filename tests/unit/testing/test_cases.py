"""Files of tests: mocks, acts and stories as YAML, and what is told when something comes out otherwise."""

import json
from pathlib import Path
from typing import Any

import pytest

from flowforge.testing.cases import Result, run_file
from flowforge.testing.documents import TestFileError
from tests.unit.testing.orders import ORDER, step


def cases(folder: Path, *found: dict[str, Any], workflow: Any = ORDER, **rest: Any) -> list[Result]:
    file = folder / "d.test.yaml"
    file.write_text(json.dumps({"workflow": workflow, "cases": list(found), **rest}))
    return run_file(file)


def case(expect: dict[str, Any], **keys: Any) -> dict[str, Any]:
    return {"name": "a case", "input": {"sku": "X"}, "expect": expect, **keys}


MOCKS: dict[str, Any] = {"reserve": {"at": "A7"}, "charge": [{"faults": "down"}, {"id": "ch_1"}], "ship": None}


def test_case_that_comes_out_as_expected_passes(tmp_path: Path) -> None:
    expect = {
        "status": "completed",
        "steps": ["reserve", "charge", "ship"],
        "undo": [],
        "attempts": {"charge": 2},
        "output": {"charge": "ch_1"},
        "context": {"reserve.at": "A7"},
    }
    [result] = cases(tmp_path, case(expect), mocks=MOCKS)
    assert (result.passed, result.differences) == (True, ())


def test_case_that_comes_out_otherwise_tells_what_was_found(tmp_path: Path) -> None:
    expect = {"status": "completed", "steps": {"ship": "success"}, "undo": [], "output": 1, "context": {"ship": 1}}
    mocks = {**MOCKS, "ship": {"refuses": "no_courier", "message": "none is free"}}
    [result] = cases(tmp_path, case(expect, mocks=mocks))
    assert [one.what for one in result.differences] == ["status", "steps", "undo", "output", "context ship"]
    assert list(result.differences[2].lines()) == ["undo:", "  - expected []", '  + found    ["charge", "reserve"]']
    assert result.failure == "none is free"


def test_case_whose_action_nothing_stands_in_for_fails_with_its_name(tmp_path: Path) -> None:
    [result] = cases(tmp_path, case({}))
    assert 'the action "do-reserve"' in result.differences[0].found


def test_acts_come_one_after_the_other_once_the_run_waits(tmp_path: Path) -> None:
    workflow = {"id": "d", "failurePolicy": "hold", "steps": [step("a"), step("b", "a", compensation={"action": "u"})]}
    acts = [{"signal": "go", "data": 1}, {"letPass": "1d"}, {"compensate": True}]
    mocks = {"a": {"waits": "go"}, "b": {"takes": "1s", "refuses": "no"}}
    [result] = cases(
        tmp_path, case({"status": "compensated", "context": {"a": 1}}, mocks=mocks, then=acts), workflow=workflow
    )
    assert result.differences == ()
    woken = case({"status": "completed"}, mocks={**mocks, "b": {"returns": [1]}}, then=[{"resume": None}])
    paused = case({"status": "paused"}, mocks=mocks, then=[{"pause": True}, {"resume": 2}, {"pause": True}])
    called_off = case({"status": "cancelled"}, mocks=mocks, then=[{"cancel": "no more"}])
    results = cases(tmp_path, woken, paused, called_off, workflow=workflow)
    assert [result.passed for result in results] == [True, True, True]


def test_story_happens_again_and_tells_what_is_wrong(tmp_path: Path) -> None:
    story = [{"reserve": "succeeds"}, {"charge": "succeeds"}, {"ship": "fails after its effect"}]
    [result] = cases(tmp_path, case({"wrong": {}}, happens=story))
    assert result.differences[0].found == {"ship": "left_behind"}
    [known] = cases(tmp_path, case({"status": "compensated", "wrong": {"ship": "left_behind"}}, happens=story))
    assert known.passed


def test_story_that_cannot_happen_tells_what_can(tmp_path: Path) -> None:
    [result] = cases(tmp_path, case({}, happens=[{"ship": "succeeds"}]))
    assert '"ship succeeds" cannot happen there; possible: reserve succeeds' in result.differences[0].found


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("workflow: {id: d, steps: [{id: a}]}\ncases: []", "cases"),
        ("workflow: nowhere.yaml\ncases: [{name: a, expect: {}}]", "nowhere.yaml"),
        ("workflow: {id: d, steps: [{id: a}]}\ncases: [{name: a, expect: {state: x}}]", "expect.state"),
        ("workflow: {id: d, steps: [{id: a, dependsOn: [b]}]}\ncases: [{name: a, expect: {}}]", "FF-1004"),
        ("a: [", "FF-1000"),
    ],
)
def test_file_that_cannot_be_understood_is_refused_with_a_reason(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "d.test.yaml"
    file.write_text(text)
    with pytest.raises(TestFileError, match=told):
        run_file(file)
