"""The four ways to write a definition come to one: every bundled example as it stands, and what contradicts itself."""

import json
from pathlib import Path
from typing import Any

import pytest

from flowforge.engine.definition.document import read
from flowforge.engine.definition.parse import parse
from flowforge.engine.dialects.normalise import normalise

_FIXTURES = Path(__file__).parents[3] / "fixtures" / "engine"
SEEDS = sorted(file for file in (_FIXTURES / "seeds").glob("*.json") if not file.name.startswith("start-"))


def canonical(source: Any) -> dict[str, Any]:
    normalised = normalise(source)
    definition, problems = parse(normalised.body)
    assert (normalised.problems, problems) == ((), ())
    assert definition is not None
    return definition.canonical()


def steps_of(*steps: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = canonical({"id": "d", "steps": list(steps)})["steps"]
    return found


@pytest.mark.parametrize("seed", SEEDS, ids=lambda file: file.stem)
def test_seed_as_it_stands_has_its_canonical_form(seed: Path) -> None:
    golden = json.loads((_FIXTURES / "canonical" / seed.name).read_text())
    assert canonical(read(seed.read_bytes()).value) == golden


@pytest.mark.parametrize("seed", SEEDS, ids=lambda file: file.stem)
def test_canonical_form_of_a_seed_is_its_own_canonical_form(seed: Path) -> None:
    golden = json.loads((_FIXTURES / "canonical" / seed.name).read_text())
    assert normalise(golden).body == golden
    assert canonical(golden) == golden


def test_retries_become_attempts_and_a_delay() -> None:
    (step,) = steps_of(
        {"id": "a", "action": "x", "maxRetries": 0, "retryDelay": 1500, "retryPolicy": {"maxDelay": "1m"}}
    )
    assert step["retryPolicy"] == {"maxAttempts": 1, "initialDelay": "1s500ms", "maxDelay": "1m"}


def test_type_of_a_step_is_its_action() -> None:
    http, wait, nothing = steps_of(
        {"id": "a", "type": "http", "config": {"url": "u"}}, {"id": "b", "type": "delay"}, {"id": "c"}
    )
    assert http == {"id": "a", "action": "http.request", "params": {"response": "full", "url": "u"}}
    assert wait["action"] == "delay"
    assert nothing["action"] == "noop"


def test_compensation_that_is_a_name_is_an_action() -> None:
    (step,) = steps_of({"id": "a", "action": "x", "compensation": "y"})
    assert step["compensation"] == {"action": "y"}


def test_saga_by_names_keeps_what_else_its_steps_say() -> None:
    body = canonical(
        {"type": "T", "steps": [{"name": "A"}, {"id": "b", "name": "Second", "action": "x", "timeout": "1m"}]}
    )
    assert body == {
        "id": "T",
        "steps": [
            {"id": "A", "action": "A"},
            {"id": "b", "name": "Second", "action": "x", "dependsOn": ["A"], "timeout": "1m"},
        ],
    }


def test_version_that_yaml_reads_as_a_number_is_a_label() -> None:
    assert canonical(read("id: d\nversion: 1.0\nsteps: [{id: a}]").value)["version"] == "1.0"


@pytest.mark.parametrize(
    ("step", "code", "pointer"),
    [
        ({"dependencies": ["x"], "dependsOn": ["y"]}, "FF-1022", "/steps/0/dependencies"),
        ({"type": "http", "action": "log"}, "FF-1022", "/steps/0/type"),
        ({"maxRetries": 3, "retryPolicy": {"maxAttempts": 3}}, "FF-1022", "/steps/0/maxRetries"),
        ({"maxRetries": "3"}, "FF-1003", "/steps/0/maxRetries"),
        ({"type": "task"}, "FF-1001", "/steps/0"),
        ({"config": {}, "params": {"a": 1}}, "FF-1022", "/steps/0/config"),
    ],
)
def test_step_that_contradicts_itself_is_told_where(step: dict[str, Any], code: str, pointer: str) -> None:
    (problem,) = normalise({"id": "d", "steps": [{"id": "a", **step}]}).problems
    assert (problem.code, problem.pointer) == (code, pointer)


def test_problem_in_a_state_map_points_into_the_map() -> None:
    normalised = normalise(
        {"id": "d", "initialStepId": "a", "steps": {"a": {"type": "x", "config": {"n": 1}}, "b/c": {"id": "d"}}}
    )
    assert [problem.pointer for problem in normalised.problems] == ["/steps/b~1c/id"]
    source_of = normalised.origins.source_of
    assert source_of("/steps/0/params/n") == "/steps/a/config/n"
    assert source_of("/steps/0/action") == "/steps/a/type"
    assert source_of("/steps/1/wait") == "/steps/b~1c/wait"
    assert source_of("/id") == "/id"


def test_problem_in_a_task_list_points_at_its_own_spelling() -> None:
    origins = normalise({"id": "d", "steps": [{"id": "a", "dependencies": ["x"], "maxRetries": 2}]}).origins
    assert origins.source_of("/steps/0/dependsOn/0") == "/steps/0/dependencies/0"
    assert origins.source_of("/steps/0/retryPolicy/maxAttempts") == "/steps/0/maxRetries"


@pytest.mark.parametrize(
    "source",
    [None, 3, [], {"steps": 3}, {"steps": [3, None]}, {"steps": {"a": 3}}, {"type": {}, "steps": [{"name": {}}]}],
)
def test_anything_at_all_is_normalised_without_an_error(source: Any) -> None:
    definition, problems = parse(normalise(source).body)
    assert definition is None
    assert problems
