"""Getting hold of the `temporal` command line tool: where it is looked for, and in which order it is made."""

import asyncio
import contextlib
import shutil
import tempfile
from pathlib import Path
from typing import Final

from flowforge.errors import StartupError
from flowforge.temporal.build import build
from flowforge.temporal.download import download
from flowforge.temporal.folder import create
from flowforge.temporal.lock import FileLock
from flowforge.temporal.ways import VERSION, Report, WayClosedError

_ANSWERS_WITHIN_S: Final = 20.0


async def provide(data_dir: Path, *, report: Report) -> Path:
    """Return the tool: from PATH, from the cache in `data_dir`, downloaded, or built with Go.

    Any number of processes may call this at once: one of them fetches, the others wait for it, and nobody ever sees
    half a file.

    Args:
        data_dir: the folder whose `bin` keeps the tool.
        report: called on the event loop with a line of progress whenever there is one.

    Raises:
        StartupError: there is no way; the message lists them.
    """
    cached = cached_binary(data_dir)
    create(cached.parent)
    found = shutil.which("temporal")
    for candidate in (*([Path(found)] if found else []), cached):
        if await _works(candidate):
            return candidate
    with FileLock(cached.parent / "temporal.lock") as lock:
        if not await lock.acquire(within_s=0.1):
            report("another process is fetching Temporal; waiting for it")
            await lock.acquire()
        if not await _works(cached):
            await _fetch(cached, report)
    return cached


def cached_binary(data_dir: Path) -> Path:
    """Return where the tool is kept, whether it is there or not; an absolute path."""
    return data_dir.absolute() / "bin" / "temporal"


async def _fetch(cached: Path, report: Report) -> None:
    for abandoned in cached.parent.glob("fetch-*"):
        shutil.rmtree(abandoned, ignore_errors=True)
    closed: list[str] = []
    for way in (download, build):
        # On the same file system as the cache, so that the finished file moves there in one step.
        with tempfile.TemporaryDirectory(dir=cached.parent, prefix="fetch-", ignore_cleanup_errors=True) as folder:
            try:
                binary = await way(Path(folder), report)
            except WayClosedError as reason:
                closed.append(str(reason))
                continue
            if await _works(binary):
                binary.replace(cached)
                return
            closed.append(f"what {way.__name__} gave does not run")
    raise StartupError(
        "there is no Temporal: TEMPORAL_HOST is not set, `temporal` is not on PATH, "
        f"{'; '.join(closed)}. Set TEMPORAL_HOST, or install the Temporal CLI (https://docs.temporal.io/cli), "
        f"or install Go 1.25 or newer so that it can be built (version {VERSION})"
    )


async def _works(binary: Path) -> bool:
    """Tell whether `binary` is there and says its version."""
    process = None
    try:
        async with asyncio.timeout(_ANSWERS_WITHIN_S):
            process = await asyncio.create_subprocess_exec(
                binary,
                "--version",
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
            )
            return await process.wait() == 0
    except (OSError, TimeoutError):
        return False
    finally:
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
