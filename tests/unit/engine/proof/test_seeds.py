"""What a proof finds in the bundled fixtures, with the bundled actions, is written beside them."""

import json
from pathlib import Path

import pytest

from flowforge.cli.workflows.known import KnownActions
from flowforge.engine.proof.prove import prove
from flowforge.engine.validation.examine import examine

_FIXTURES = Path(__file__).parents[3] / "fixtures" / "engine"
_SEEDS = sorted(file for file in (_FIXTURES / "seeds").glob("*.json") if not file.name.startswith("start-"))
_EXPECTED = json.loads((_FIXTURES / "findings.json").read_text())


def test_every_fixture_has_its_expected_findings() -> None:
    assert sorted(_EXPECTED) == [file.stem for file in _SEEDS]


@pytest.mark.parametrize("file", _SEEDS, ids=lambda file: file.stem)
def test_fixture_has_the_expected_findings(file: Path) -> None:
    proof = prove(examine(file.read_bytes()).accepted(), KnownActions(), faults=1)
    found: dict[str, list[str]] = {}
    for finding in proof.findings:
        if finding.severity != "note":
            found.setdefault(finding.kind, []).append(finding.step)
    assert proof.complete
    assert {kind: sorted(steps) for kind, steps in found.items()} == _EXPECTED[file.stem]
