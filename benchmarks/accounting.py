"""What a process has used, asked from outside: CPU time and resident memory."""

import os
import subprocess
from pathlib import Path


def cpu_seconds(pid: int) -> float:
    """Return the CPU time, user and system, that a process has used; its children's is not in it."""
    try:
        # The name, in parentheses, may hold anything; utime and stime are the 12th and 13th field after it.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return _of_clock(_ps("time", pid))
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


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


def _of_clock(text: str) -> float:
    """Read ps's `[[days-]hours:]minutes:seconds[.hundredths]`."""
    days, _, clock = text.rpartition("-")
    seconds = 0.0
    for part in clock.split(":"):
        seconds = seconds * 60 + float(part)
    return seconds + int(days or 0) * 86400
