"""The commands over definitions in files, as people call them."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from flowforge.cli.app import commands

BROKEN = """\
id: order
steps:
  - {id: charge, action: chargeMyCard}
  - {id: ship, action: shipMyOrder, dependsOn: [charge]}
"""
WELL = """\
id: order
steps:
  - id: reserve
    action: inventory.reserve
    params: {productId: "${sku}", quantity: 1}
    compensation: {action: inventory.release}
    condition: express
"""


def call(*arguments: object) -> Result:
    return CliRunner().invoke(commands(), [str(argument) for argument in arguments])


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    file = tmp_path / "broken.yaml"
    file.write_text(BROKEN)
    return file


@pytest.fixture
def well(tmp_path: Path) -> Path:
    file = tmp_path / "well.yaml"
    file.write_text(WELL)
    return file


def test_valid_definition_is_told_with_its_warnings(broken: Path, well: Path) -> None:
    told = call("workflows", "validate", broken)
    assert (told.exit_code, told.stdout.count("FF-1101")) == (0, 2)
    assert call("workflows", "validate", broken, "--strict").exit_code == 1
    assert "order is valid, with 0 warnings" in call("workflows", "validate", well).stdout


def test_invalid_definition_is_told_with_line_and_column(tmp_path: Path) -> None:
    file = tmp_path / "d.yaml"
    file.write_text("id: d\nsteps:\n  - {id: a, dependsOn: [b]}\n")
    told = call("workflows", "validate", file)
    assert told.exit_code == 1
    assert f"{file}:3:" in told.stdout
    assert "FF-1004" in told.stdout
    for command in ("graph", "prove"):
        assert call("workflows", command, file).exit_code == 1


def test_file_that_is_not_there_is_told_in_one_line(tmp_path: Path) -> None:
    told = call("workflows", "prove", tmp_path / "nothing.yaml")
    assert (told.exit_code, told.stderr.count("\n")) == (1, 1)


def test_definition_is_drawn(broken: Path) -> None:
    assert call("workflows", "graph", broken).stdout.startswith("flowchart TD")


def test_broken_definition_is_refuted_with_a_story_and_a_test_that_fails(broken: Path, tmp_path: Path) -> None:
    told = call("workflows", "prove", broken, "--tests", tmp_path / "found")
    assert told.exit_code == 1
    assert "error: charge: its effect can be left behind" in told.stdout
    assert "  1. charge fails after its effect" in told.stdout
    files = sorted((tmp_path / "found").iterdir())
    assert [file.name for file in files] == [
        "broken.left_behind.charge.test.yaml",
        "broken.left_behind.ship.test.yaml",
    ]
    again = call("test", *files)
    assert again.exit_code == 1
    assert "0 passed, 2 failed" in again.stdout
    assert '+ found    {"charge": "left_behind"}' in again.stdout


def test_well_formed_definition_is_proved_and_an_input_makes_fewer_states(well: Path, tmp_path: Path) -> None:
    told = call("workflows", "prove", well, "--strict")
    assert told.exit_code == 0
    assert "Proved, up to 2 faults" in told.stdout
    start = tmp_path / "start.json"
    start.write_text('{"workflowId": "order", "context": {"express": false, "sku": "X"}}')
    fewer = call("workflows", "prove", well, "--input", start, "--faults", "1")
    assert "1 completed" in fewer.stdout
    assert call("workflows", "prove", well, "--input", well.parent / "nothing.json").exit_code == 1


def test_bundled_example_passes_its_tests() -> None:
    examples = Path(__file__).parents[3] / "examples"
    told = call("test", examples / "order.test.yaml", examples / "greeting.test.yaml")
    assert told.exit_code == 0
    assert "6 passed, 0 failed" in told.stdout


def test_file_of_tests_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    told = call("test", tmp_path / "nothing.test.yaml")
    assert (told.exit_code, "nothing.test.yaml" in told.stderr) == (1, True)


def test_actions_of_ones_own_are_known_when_their_module_is_named(broken: Path) -> None:
    told = call("workflows", "validate", broken, "--actions", "no.such.module")
    assert (told.exit_code, "no.such.module" in told.stderr) == (1, True)
