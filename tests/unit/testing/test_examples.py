"""Every bundled definition is valid, does what its tests say, and leaves nothing half done whatever happens."""

from pathlib import Path

import pytest

from flowforge.cli.workflows.known import KnownActions
from flowforge.engine.proof.prove import prove
from flowforge.engine.validation.examine import examine
from flowforge.testing.cases import run_file
from flowforge.testing.documents import SUFFIX

_EXAMPLES = Path(__file__).parents[3] / "examples"
_TESTS = sorted(_EXAMPLES.glob(f"*{SUFFIX}"))
_DEFINITIONS = [file for file in sorted(_EXAMPLES.glob("*.yaml")) if file not in _TESTS]


def test_every_example_has_its_tests() -> None:
    assert [file.name.removesuffix(SUFFIX) for file in _TESTS] == [file.stem for file in _DEFINITIONS]
    assert len(_DEFINITIONS) == 13


@pytest.mark.parametrize("file", _TESTS, ids=lambda file: file.name)
def test_example_does_what_its_tests_say(file: Path) -> None:
    for result in run_file(file, KnownActions()):
        assert result.differences == (), result.name


@pytest.mark.parametrize("file", _DEFINITIONS, ids=lambda file: file.stem)
def test_example_is_valid_and_proved(file: Path) -> None:
    known = KnownActions()
    report = examine(file.read_bytes(), catalogue=known)
    assert report.problems == ()
    proof = prove(report.accepted(), known)
    assert [finding.message for finding in proof.findings if finding.severity == "error"] == []
    assert proof.holds()


def test_order_over_the_fenced_services_is_proved_strictly() -> None:
    known = KnownActions()
    order = examine((_EXAMPLES / "order.yaml").read_bytes()).accepted()
    assert prove(order, known).holds(strict=True)
