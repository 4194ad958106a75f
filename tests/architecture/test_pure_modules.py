"""The pure modules of the engine import only what is everywhere; a list of what is forbidden cannot name what comes."""

import ast
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_CONTRACT = "The pure part of the engine imports the standard library and Pydantic only"
_EVERYWHERE = {*sys.stdlib_module_names, "pydantic", "pydantic_core"}


def _pure_modules() -> list[str]:
    contracts = tomllib.loads((_ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    [modules] = [contract["source_modules"] for contract in contracts if contract["name"] == _CONTRACT]
    return list(modules)


def _files() -> list[Path]:
    places = [_ROOT / module.replace(".", "/") for module in _pure_modules()]
    files = [file for place in places for file in place.rglob("*.py")]
    return files + [place.with_suffix(".py") for place in places if not place.is_dir()]


def _imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


@pytest.mark.parametrize("file", _files(), ids=lambda file: str(file.relative_to(_ROOT)))
def test_pure_module_imports_only_the_engine_and_what_is_everywhere(file: Path) -> None:
    strangers = [name for name in _imports(file) if name.partition(".")[0] not in _EVERYWHERE]
    assert [name for name in strangers if not name.startswith("flowforge.engine.")] == []
