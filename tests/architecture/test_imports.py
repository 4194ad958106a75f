"""The rules of the layout: who may import whom, empty package files, files that fit in one reading."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_LONGEST_FILE = 500
_OURS = sorted(
    file
    for folder in ("flowforge", "tests", "examples", "benchmarks", "chaos")
    for file in (_ROOT / folder).rglob("*.py")
    if "__pycache__" not in file.parts
)


def _name(file: Path) -> str:
    return str(file.relative_to(_ROOT))


def test_imports_point_where_the_contracts_let_them() -> None:
    program = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    done = subprocess.run(  # noqa: S603 - our own interpreter and a constant
        [sys.executable, "-c", program, "--no-cache"], cwd=_ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("module", ["workflows.publishing", "workflows.reading", "executions.asked"])
def test_command_that_only_asks_a_server_loads_nothing_of_one(module: str) -> None:
    heavy = "{'sqlalchemy', 'temporalio', 'flowforge.engine.validation.examine'}"
    program = f"import sys, flowforge.cli.{module}; print({heavy} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", program], cwd=_ROOT, capture_output=True, text=True, check=True)  # noqa: S603 - the same
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize("file", [file for file in _OURS if file.name == "__init__.py"], ids=_name)
def test_package_file_is_a_docstring_only(file: Path) -> None:
    match ast.parse(file.read_text()).body:
        case [ast.Expr(value=ast.Constant(value=str()))]:
            pass
        case _:
            pytest.fail(f"{_name(file)} holds more, or less, than a docstring")


def test_no_file_is_too_long_for_one_reading() -> None:
    lengths = {_name(file): len(file.read_text().splitlines()) for file in _OURS}
    assert {name: length for name, length in lengths.items() if length > _LONGEST_FILE} == {}
