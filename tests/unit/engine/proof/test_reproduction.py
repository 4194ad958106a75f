"""Each story is told again by a file of tests, which fails for as long as it can happen."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from flowforge.engine.proof.reproduction import reproduction
from flowforge.testing.cases import run_file
from tests.unit.engine.proof.chains import chain, defined, proved, step

_BROKEN: dict[str, list[dict[str, Any]]] = {
    "no compensation": [step("charge", compensation=None), step("ship", "charge", fenced=True)],
    "no timeout": [step("a", fenced=True), step("w", "a", action="wait", params={"event": "go"}, compensation=None)],
    "branch leaves something": [
        step("charge", fenced=True, onError="branch", errorBranch="tell"),
        step("tell", action="log", compensation=None),
    ],
    "undone twice": [
        step("charge", fenced=True),
        step("refund", "charge", action="undo-charge", compensation=None),
        step("ship", "refund", fenced=True),
    ],
    "comes back": [step("a"), step("b", "a")],
}


@pytest.mark.parametrize("name", _BROKEN)
def test_finding_happens_again_in_its_test(tmp_path: Path, name: str) -> None:
    definition = defined(*_BROKEN[name])
    (tmp_path / "d.yaml").write_text(yaml.safe_dump(definition.canonical()))
    findings = [one for one in proved(*_BROKEN[name]).findings if one.severity != "note"]
    assert findings
    for finding in findings:
        file = tmp_path / "found.test.yaml"
        file.write_text(reproduction(finding, "d.yaml"))
        [result] = run_file(file)
        assert result.differences[0].found[finding.step] == finding.kind


def test_finding_does_not_happen_any_more_once_the_definition_is_mended(tmp_path: Path) -> None:
    [finding] = [one for one in proved(*_BROKEN["no compensation"], faults=1).findings if one.step == "charge"]
    mended = chain(2).canonical()
    mended["steps"][0].update(id="charge", fenced=True)
    mended["steps"][1].update(id="ship", dependsOn=["charge"], fenced=True)
    (tmp_path / "d.yaml").write_text(yaml.safe_dump(mended))
    file = tmp_path / "found.test.yaml"
    file.write_text(reproduction(finding, "d.yaml"))
    assert [result.differences for result in run_file(file)] == [()]
