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

_TOLD_AFTER_S: Final = 10.0
_ANSWERS_WITHIN_S: Final = 120.0


async def provide(data_dir: Path, *, report: Report) -> Path:
    """Return the tool: from PATH, from the cache in `data_dir`, downloaded, or built with Go.

    Any number of processes may call this at once: one of them fetches, the others wait for it, and nobody ever sees
    half a file.

    Args:
        data_dir: the folder whose `bin` keeps the tool.
        report: called on the event loop with a line of progress whenever there is one.

    Raises:
        StartupError: there is no way, and the message lists them; or what is there does not answer.
    """
    cached = cached_binary(data_dir)
    create(cached.parent)
    found = shutil.which("temporal")
    for candidate in (*([Path(found)] if found else []), cached):
        if await _works(candidate, report):
            return candidate
    with FileLock(cached.parent / "temporal.lock") as lock:
        if not await lock.acquire(within_s=0.1):
            report("another process is fetching Temporal; waiting for it")
            await lock.acquire()
        if not await _works(cached, report):
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
            if await _works(binary, report):
                binary.replace(cached)
                return
            closed.append(f"what {way.__name__} gave does not run")
    raise StartupError(
        "there is no Temporal: TEMPORAL_HOST is not set, `temporal` is not on PATH, "
        f"{'; '.join(closed)}. Set TEMPORAL_HOST, or install the Temporal CLI (https://docs.temporal.io/cli), "
        f"or install Go 1.25 or newer so that it can be built (version {VERSION})"
    )


async def _works(binary: Path, report: Report) -> bool:
    """Tell whether `binary` is there and says its version.

    Raises:
        StartupError: it does not answer. A busy machine is no reason to fetch another one, which would be no faster.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            binary,
            "--version",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError:
        return False
    ending = asyncio.create_task(process.wait())
    try:
        if not (await asyncio.wait({ending}, timeout=_TOLD_AFTER_S))[0]:
            report(f"waiting for {binary} to tell its version")
            await asyncio.wait({ending}, timeout=_ANSWERS_WITHIN_S)
        if not ending.done():
            raise StartupError(
                f"`{binary} --version` does not answer: the machine is too busy, or it is no Temporal CLI; "
                "start again, or set TEMPORAL_HOST"
            )
        return ending.result() == 0
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        await ending
