"""Which steps may run inside a workflow task: those that a discarded one cannot leave behind."""

from typing import Any

import pytest

from flowforge.engine.definition.model import Definition
from flowforge.engine.placing import effect_free, local_effects

UNDO = {"action": "ledger.undo"}


class Effects:
    """What is named `ledger…` is in one, `free` and `condition` change nothing, `wait` may wait."""

    def has_effect(self, name: str, params: Any) -> bool:
        return name not in {"free", "condition", "ledger.read"} and params != "reads"

    def in_ledger(self, name: str) -> bool:
        return name.startswith("ledger")

    def may_wait(self, name: str) -> bool:
        return name == "wait"


def fenced(name: str, *after: str, **keys: Any) -> dict[str, Any]:
    return {"id": name, "action": "ledger.do", "compensation": UNDO, "dependsOn": list(after), **keys}


def local(*steps: dict[str, Any], **body: Any) -> str:
    definition = Definition.model_validate({"id": "d", "steps": list(steps), **body})
    return "".join(local_effects(definition, Effects()))


def test_fenced_steps_that_every_run_comes_to_are_local() -> None:
    free, plain = {"id": "f", "action": "free"}, {"id": "p", "action": "do", "onError": "continue"}
    assert local(free, plain, fenced("a"), fenced("b", "a", "f", "p"), fenced("c", "b", join="any")) == "abc"


@pytest.mark.parametrize(
    "odd",
    [
        {"action": "do"},
        {"action": "ledger.read"},
        {"compensation": None},
        {"compensation": {"action": "do"}},
        {"compensation": {"action": "ledger.undo", "params": {"id": "${a.id}"}}},
        {"taskQueue": "theirs"},
        {"condition": "x > 1"},
        {"forEach": {"items": [1, 2]}},
    ],
)
def test_step_that_a_discarded_task_could_leave_behind_is_not_local(odd: dict[str, Any]) -> None:
    assert local(fenced("a"), {**fenced("b", "a"), **odd}) == "a"


@pytest.mark.parametrize(
    "before",
    [
        {"id": "x", "action": "do", "condition": "y"},
        {"id": "x", "action": "condition"},
        {"id": "x", "action": "wait"},
        {"id": "x", "action": "do", "onError": "branch", "errorBranch": "z"},
    ],
)
def test_step_after_one_that_may_lead_elsewhere_is_not_local_nor_is_what_follows_it(before: dict[str, Any]) -> None:
    assert local(before, fenced("a", "x"), fenced("b", "a"), fenced("z"), fenced("c")).removesuffix("c") in {"", "z"}


def test_error_branch_and_steps_of_a_state_machine_are_not_local() -> None:
    branching = {"id": "x", "action": "do", "onError": "branch", "errorBranch": "z"}
    assert local(branching, fenced("z")) == ""
    machine = {**fenced("a"), "transitions": {}}
    assert local(machine, initialStepId="a") == ""


def test_step_without_effect_is_told_by_its_params_too_and_not_where_others_run_it() -> None:
    steps = [
        {"id": "a", "action": "http", "params": "reads"},
        {"id": "b", "action": "http", "params": "writes"},
        {"id": "c", "action": "free", "taskQueue": "theirs"},
    ]
    assert effect_free(Definition.model_validate({"id": "d", "steps": steps}), Effects()) == ("a",)
