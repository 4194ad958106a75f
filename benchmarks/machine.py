"""What the figures were measured on, since they hold for nothing else."""

import asyncio
import os
import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """When, what and where."""

    date: str
    commit: str
    machine: str
    software: str
    load_average: str


async def circumstances(binary: Path) -> Circumstances:
    """Find out."""
    commit = await _line("git", "rev-parse", "--short", "HEAD")
    changed = await _line("git", "status", "--porcelain", "--untracked-files=no", "--", "flowforge", "benchmarks")
    temporal = await _line(str(binary), "--version")
    packages = ", ".join(f"{name} {version(name)}" for name in ("temporalio", "fastapi", "sqlalchemy", "uvicorn"))
    return Circumstances(
        date=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        commit=(commit or "unknown") + (" with changes that are not committed" if changed else ""),
        machine=f"{_cpu()}, {os.cpu_count()} cores; {platform.system()} {platform.release()}",
        software=f"{platform.python_implementation()} {platform.python_version()}, {packages}; {temporal}",
        load_average=" ".join(f"{value:.1f}" for value in os.getloadavg()),
    )


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


async def _line(*command: str) -> str:
    try:
        process = await asyncio.create_subprocess_exec(
            *command, cwd=_ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
        )
    except OSError:
        return ""
    output, _ = await process.communicate()
    return output.decode(errors="replace").partition("\n")[0].strip()
