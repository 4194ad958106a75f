"""Definitions by the Python client, against the application behind a real socket."""

import json
from pathlib import Path

import pytest

from flowforge.client import FlowForge
from flowforge.errors import FlowForgeError
from flowforge.remote.problems import ApiConflict, ApiInvalid
from tests.workflow.engine.pair import BODY

_YAML = """\
id: pair
name: A pair
steps:
  - {id: a, action: do, compensation: {action: undo}}
  - {id: b, action: do, dependsOn: [a]}
output: ${b.did}
"""


async def test_definition_is_taken_as_mapping_text_and_file(flowforge: FlowForge, tmp_path: Path) -> None:
    first = await flowforge.register(BODY)
    assert (first.id, first.revision, first.created) == ("pair", 1, True)
    text = await flowforge.register(_YAML)
    assert (text.revision, text.created) == (2, True)
    file = tmp_path / "pair.yaml"
    file.write_text(_YAML)
    assert not (await flowforge.register(file)).created
    assert (await flowforge.register(str(file))).revision == 2
    assert (await flowforge.register(json.dumps(BODY))).revision == 3
    got = await flowforge.get_definition("pair", revision=2, form="canonical")
    assert (got.revision, got.definition["steps"][1]["dependsOn"]) == (2, ["a"])
    assert (await flowforge.get_definition("pair")).definition == BODY
    assert [each.id for each in await flowforge.list_definitions()] == ["pair"]
    assert got.created_at.tzinfo is not None


async def test_deleted_definition_starts_no_runs(flowforge: FlowForge) -> None:
    await flowforge.register(BODY)
    await flowforge.delete_definition("pair")
    assert await flowforge.list_definitions() == []
    with pytest.raises(ApiConflict, match="was deleted") as refused:
        await flowforge.start("pair")
    assert (refused.value.code, refused.value.status) == ("conflict", 409)


async def test_all_findings_of_a_definition_are_told(flowforge: FlowForge) -> None:
    text = _YAML.replace("dependsOn: [a]", "dependsOn: [q], condition: '1 +'")
    with pytest.raises(ApiInvalid) as refused:
        await flowforge.register(text)
    assert (refused.value.code, refused.value.status) == ("definition_invalid", 422)
    assert [(each.code, each.pointer, each.line) for each in refused.value.findings] == [
        ("FF-1004", "/steps/1/dependsOn/0", 5),
        ("FF-1010", "/steps/1/condition", 5),
    ]
    assert str(refused.value.findings[0]).startswith('5:37: FF-1004 unknown dependency "q"')
    assert refused.value.request_id is not None


async def test_warning_is_told_and_refused_where_that_is_asked_for(flowforge: FlowForge) -> None:
    undo = {"action": "u", "params": "${undo.result.x}"}
    body = {"id": "w", "steps": [{"id": "a", "action": "do", "compensation": undo}]}
    assert [each.code for each in (await flowforge.register(body)).warnings] == ["FF-1102"]
    with pytest.raises(ApiInvalid):
        await flowforge.register(body, strict=True)


async def test_definition_that_cannot_be_sent_is_told_of(flowforge: FlowForge, tmp_path: Path) -> None:
    with pytest.raises(FlowForgeError, match=r"none\.yaml: No such file"):
        await flowforge.register(tmp_path / "none.yaml")
    with pytest.raises(FlowForgeError, match="no JSON"):
        await flowforge.register({"id": object()})
