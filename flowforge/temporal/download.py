"""Downloading the `temporal` tool by the SDK's own means.

The SDK downloads only on the way to starting a server of its own, so one is started and stopped at once; what counts is
the file that this leaves behind.
"""

import asyncio
import contextlib
import os
from pathlib import Path
from typing import Final

from temporalio.testing import WorkflowEnvironment

from flowforge.temporal.ways import VERSION, Report, WayClosedError

_LOOK_EVERY_S: Final = 0.5
_NOTHING_ARRIVES_S: Final = 20.0


async def download(folder: Path, report: Report) -> Path:
    """Download the tool into the empty `folder` and return it.

    Raises:
        WayClosedError: the download host cannot be reached, or nothing arrived from it for 20 s.
    """
    report("downloading Temporal")
    fetching = asyncio.create_task(_start_and_stop(folder))
    arrived, quiet_s = 0, 0.0
    while quiet_s < _NOTHING_ARRIVES_S:
        done, _ = await asyncio.wait({fetching}, timeout=_LOOK_EVERY_S)
        if done:
            break
        now = _size(folder)
        quiet_s = 0.0 if now > arrived else quiet_s + _LOOK_EVERY_S
        arrived = now
        report(f"downloading Temporal: {arrived / 1e6:.0f} MB")
    else:
        fetching.cancel()
        raise WayClosedError(f"downloading it got no further for {_NOTHING_ARRIVES_S:g} s")
    error = fetching.exception()
    if error is not None:
        raise WayClosedError("it could not be downloaded (no connection to temporal.download)") from error
    return _executable(folder)


async def _start_and_stop(folder: Path) -> None:
    environment = await WorkflowEnvironment.start_local(
        download_dest_dir=str(folder), dev_server_download_version=VERSION
    )
    await environment.shutdown()


def _size(folder: Path) -> int:
    with contextlib.suppress(FileNotFoundError):  # the SDK renames its file while we look
        return sum(file.stat().st_size for file in folder.iterdir())
    return 0


def _executable(folder: Path) -> Path:
    for file in folder.iterdir():
        if os.access(file, os.X_OK):
            return file
    raise WayClosedError("the download left no program behind")
