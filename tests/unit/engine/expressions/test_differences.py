"""docs/expressions.md says where expressions differ from JavaScript; each line of its tables is tried in both."""

import json
import re
from pathlib import Path
from typing import Any, Final

import pytest

from flowforge.engine.expressions.errors import ExpressionError, Reason
from flowforge.engine.expressions.expression import Expression
from flowforge.engine.expressions.values import UNDEFINED
from tests.unit.engine.expressions.javascript import FUNCTION, JavaScript, Thrown, plain

_PAGE: Final = (Path(__file__).parents[4] / "docs" / "expressions.md").read_text()
_DIFFERENCES: Final = _PAGE[_PAGE.index("### Differences") : _PAGE.index("### Errors")]
_ROW: Final = re.compile(r"^\| (?P<quote>`` |`)(.+?)(?: ``|`) \| (.+?) \| (.+?) \|$", re.MULTILINE)
_ROWS: Final = [(text.replace(r"\|", "|"), here, there) for _, text, here, there in _ROW.findall(_DIFFERENCES)]
_DATA: Final = json.loads(_DIFFERENCES.partition("```json")[2].partition("```")[0])


@pytest.fixture(scope="module")
def javascript() -> JavaScript:
    return JavaScript(with_everything=True)


def _meant(cell: str) -> Any:
    """Return what a cell says: a value as JSON, or a word."""
    if cell.startswith("`"):
        return float("nan") if cell == "`NaN`" else json.loads(cell.strip("`"))
    return {"undefined": UNDEFINED, "a function": FUNCTION}.get(cell, cell)


def _here(text: str) -> Any:
    try:
        return Expression.parse(text).evaluate(_DATA)
    except ExpressionError as error:
        return error.reason


def _there(javascript: JavaScript, text: str) -> Any:
    try:
        return javascript.evaluate(text, _DATA)
    except Thrown as error:
        return str(error)


@pytest.mark.parametrize(("text", "here", "there"), _ROWS)
def test_difference_is_as_the_page_says(text: str, here: str, there: str, javascript: JavaScript) -> None:
    assert plain(_here(text)) == plain(_meant(here))
    assert plain(_there(javascript, text)) == plain(_meant(there))
    assert plain(_here(text)) != plain(_there(javascript, text))


def test_page_has_every_line_of_its_tables_tried() -> None:
    lines = [line for line in _DIFFERENCES.splitlines() if line.startswith("| `")]
    assert len(lines) == len(_ROWS) > 60


@pytest.mark.parametrize("reason", list(Reason))
def test_page_names_every_reason(reason: Reason) -> None:
    assert f"`{reason}`" in _PAGE[_PAGE.index("### Errors") : _PAGE.index("## Templates")]
