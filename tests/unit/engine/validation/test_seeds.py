"""Every bundled example is valid as it stands, and so is the canonical form of each."""

from pathlib import Path

import pytest

from flowforge.engine.validation.examine import examine

_FIXTURES = Path(__file__).parents[3] / "fixtures" / "engine"
_FILES = [
    *((_FIXTURES / "canonical").glob("*.json")),
    *(file for file in (_FIXTURES / "seeds").glob("*.json") if not file.name.startswith("start-")),
]


@pytest.mark.parametrize("file", sorted(_FILES), ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_seed_has_no_problem(file: Path) -> None:
    assert examine(file.read_bytes()).problems == ()
