"""The migrations form one line: two that follow the same one would leave a database with no newest revision."""

from pathlib import Path

from alembic.script import ScriptDirectory

from flowforge.persistence import migrations


def test_there_is_one_newest_migration() -> None:
    scripts = ScriptDirectory(str(Path(migrations.__file__).parent))
    assert len(scripts.get_heads()) == 1
    assert all(len(each.nextrev) <= 1 for each in scripts.walk_revisions())
