"""CONTRIBUTING.md tells who may import whom as the contract has it, and adds the migration that comes next."""

import re
import tomllib
from pathlib import Path

from alembic.script import ScriptDirectory

from flowforge.persistence import migrations

_ROOT = Path(__file__).parents[2]
_GUIDE = (_ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_guide_adds_the_migration_that_follows_the_newest_one() -> None:
    newest = ScriptDirectory(str(Path(migrations.__file__).parent)).get_current_head()
    assert newest is not None
    following = f"{int(newest) + 1:04d}"
    assert re.findall(r"versions/(\d{4})_", _GUIDE) == [following]
    assert re.findall(r'`revision = "(\d{4})"`', _GUIDE) == [following]
    assert re.findall(r'`down_revision = "(\d{4})"` \(the rest of its head as in (\d{4})\)', _GUIDE) == [
        (newest, newest)
    ]


def test_guide_tells_every_layer_in_the_order_of_the_contract() -> None:
    configured = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = configured["tool"]["importlinter"]["contracts"]
    (layers,) = [contract["layers"] for contract in contracts if contract["type"] == "layers"]
    told = _GUIDE.partition("## Who may import whom")[2].split("```")[1]
    assert [re.split(r"\s{2,}", line)[0] for line in told.strip().splitlines()] == layers
