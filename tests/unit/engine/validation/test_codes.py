"""Every code is explained in docs/errors.md, and every code that is explained is used."""

import re
from pathlib import Path

import pytest

from flowforge.engine.definition.codes import ERRORS, WARNINGS
from flowforge.engine.definition.problems import Problem

_ROOT = Path(__file__).parents[4]


def test_every_code_is_explained_under_its_own_heading() -> None:
    errors, warnings = (_ROOT / "docs" / "errors.md").read_text().split("\n## Warnings\n")
    assert dict(re.findall(r"^### (FF-\d{4}) (.+)$", errors, re.MULTILINE)) == ERRORS
    assert dict(re.findall(r"^### (FF-\d{4}) (.+)$", warnings, re.MULTILINE)) == WARNINGS
    for text in re.split(r"^### .+$", errors + warnings, flags=re.MULTILINE)[1:]:
        assert len(text.split()) > 5


def test_every_code_is_used() -> None:
    sources = [file for file in (_ROOT / "flowforge" / "engine").rglob("*.py") if file.name != "codes.py"]
    used = {code for file in sources for code in re.findall(r"FF-\d{4}", file.read_text())}
    assert used == {*ERRORS, *WARNINGS}


def test_problem_with_an_unknown_code_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="FF-9999"):
        Problem(code="FF-9999", message="x")
