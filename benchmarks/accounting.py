"""What a process has used, asked from outside: CPU time and resident memory."""

import os
import subprocess
from pathlib import Path

from flowforge.engine.actions.javascript.process import seconds_of, told_by_proc


def cpu_seconds(pid: int) -> float:
    """Return the CPU time, user and system, that a process has used; its children's is not in it."""
    told = told_by_proc(pid)
    return seconds_of(_ps("time", pid)) if told is None else told


def resident_bytes(pid: int) -> int:
    """Return how much memory a process has in RAM."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:
        return int(_ps("rss", pid)) * 1024
    return pages * os.sysconf("SC_PAGE_SIZE")


def _ps(what: str, pid: int) -> str:
    command = ["ps", "-o", f"{what}=", "-p", str(pid)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603
