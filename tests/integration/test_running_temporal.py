"""Which Temporal a process works with: the one that was named, or one of its own."""

from pathlib import Path

import pytest

from flowforge.cli.progress import progress
from flowforge.settings import Settings
from flowforge.temporal.client import check
from flowforge.temporal.running import own_server, running_temporal
from flowforge.temporal.target import TemporalTarget


async def test_named_temporal_is_used_and_none_is_started(
    temporal_target: TemporalTarget, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TEMPORAL_HOST", temporal_target.address)
    monkeypatch.setenv("FLOWFORGE_DATA_DIR", str(tmp_path))
    async with running_temporal(Settings.load(env_file=None), progress=progress) as running:
        assert (running.server, running.target.address) == (None, temporal_target.address)
        await check(running.client)
    assert list(tmp_path.iterdir()) == []


async def test_server_of_our_own_keeps_everything_in_the_data_folder(tmp_path: Path) -> None:
    settings = Settings.load(env_file=None).model_copy(update={"data_dir": tmp_path / "new" / "data"})
    shared = Settings.load(env_file=None).data_dir / "bin"
    settings.data_dir.mkdir(parents=True)
    if shared.is_dir():  # what another test fetched need not be fetched again
        (settings.data_dir / "bin").symlink_to(shared.absolute())
    async with own_server(settings, progress=progress, port=0, ui_port=0) as server:
        assert server.log_path.parent == settings.data_dir
    assert (settings.data_dir / "temporal.sqlite3").is_file()
