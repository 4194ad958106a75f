"""Building the `temporal` tool from source with Go, where it cannot be downloaded."""

import asyncio
import contextlib
import os
import re
import shutil
import signal
from pathlib import Path
from typing import Final

from flowforge.temporal.ways import VERSION, Report, WayClosedError

_PACKAGE: Final = f"github.com/temporalio/cli/cmd/temporal@{VERSION}"
_OLDEST_GO: Final = (1, 25)


async def build(folder: Path, report: Report) -> Path:
    """Build the tool into `folder` (an absolute path) and return it; two to three minutes the first time.

    Raises:
        WayClosedError: there is no Go, it is too old, or the build failed.
    """
    go = shutil.which("go")
    if go is None:
        raise WayClosedError("there is no Go to build it with")
    version = await _version(go)
    if version < _OLDEST_GO:
        raise WayClosedError(f"Go {'.'.join(map(str, version)) or '(unknown)'} is too old to build it")
    report("building Temporal from source with Go (two to three minutes, once)")
    process = await asyncio.create_subprocess_exec(
        go,
        "install",
        "-v",
        _PACKAGE,
        cwd=folder,
        env={**os.environ, "GOBIN": str(folder)},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    last = "it said nothing"
    try:
        if process.stdout is not None:
            async for raw in process.stdout:
                last = raw.decode(errors="replace").strip() or last
                report(f"building Temporal: {last}")
        code = await process.wait()
    finally:
        # Go's compilers are its children: an abandoned build ends with all of them.
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    if code != 0:
        raise WayClosedError(f"building it with Go failed ({last[:200]})")
    return folder / "temporal"


async def _version(go: str) -> tuple[int, ...]:
    process = await asyncio.create_subprocess_exec(
        go, "version", stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    found = re.search(rb"\bgo(\d+)\.(\d+)", said)
    return (int(found[1]), int(found[2])) if found else ()
