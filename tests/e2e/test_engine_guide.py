"""docs/engine.md, followed as it stands: its files are written, its commands typed, its outputs compared.

Only what differs from one day to the next is left out of the comparison: names of runs, times, ports. Where the guide
shows nothing, nothing is compared, and where it ends in an ellipsis, what comes before it.
"""

import asyncio
import os
import re
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.e2e.processes import House

_ROOT = Path(__file__).parents[2]
_GUIDE = _ROOT / "docs" / "engine.md"
_WITHIN_S = 120.0
_END = "-- that was it --"
_RUN = re.compile(r"exec-[0-9a-f]{32}")
_VARIES = ((re.compile(r" *[+-]\d+\.\d{3} s"), " +0.000 s"), (re.compile(r" +\d+ ms"), " 0 ms"))
_START = "flowforge all"


@dataclass(frozen=True)
class Block:
    """A block of the guide: the file that its first line names, or commands with what they print."""

    kind: str
    lines: tuple[str, ...]

    @property
    def commands(self) -> Iterator[tuple[str, list[str]]]:
        """Each command with its output."""
        found: list[tuple[str, list[str]]] = []
        for line in self.lines:
            if line.startswith("$ "):
                found.append((line[2:], []))
            else:
                found[-1][1].append(line)
        yield from found


def blocks() -> Iterator[Block]:
    """Yield the blocks of the guide's first part, in their order."""
    guide = _GUIDE.read_text().partition("\n## Reference")[0]
    for kind, text in re.findall(r"^```(\w+)\n(.*?)^```$", guide, re.DOTALL | re.MULTILINE):
        yield Block(kind, tuple(text.splitlines()))


@dataclass
class Terminal:
    """A shell in the folder of a reader, and a second one in which FlowForge runs."""

    folder: Path
    house: House
    shell: asyncio.subprocess.Process | None = None
    second: asyncio.subprocess.Process | None = None
    said: list[str] = field(default_factory=list)

    async def open(self) -> None:
        """Open the first one."""
        self.shell = await asyncio.create_subprocess_exec(
            "bash", cwd=self.folder, env=self.environment(), stdin=PIPE, stdout=PIPE, stderr=STDOUT
        )

    async def close(self) -> None:
        """Close it."""
        if self.shell is not None and self.shell.returncode is None:
            self.shell.kill()
            await self.shell.wait()

    async def type(self, command: str) -> list[str]:
        """Type a command; return what it prints."""
        if command == _START:
            await self._start()
            return []
        self.said.append(command)
        assert self.shell is not None
        assert self.shell.stdin is not None
        assert self.shell.stdout is not None
        self.shell.stdin.write(f"{command}\necho '{_END}'\n".encode())
        printed: list[str] = []
        async with asyncio.timeout(_WITHIN_S):
            while (line := (await self.shell.stdout.readline()).decode().rstrip()) != _END:
                printed.append(line)
        return printed

    async def _start(self) -> None:
        """Type the start into the second terminal, which was told the same as the first; ports apart."""
        await self.stop()
        told = [line for line in self.said if line.startswith(("mkdir", "export", "flowforge()"))]
        script = "\n".join([*(line.replace("mkdir parcels && ", "") for line in told), self._own_ports()])
        self.second = await asyncio.create_subprocess_exec(
            *("bash", "-c", script),
            cwd=self.folder,
            env=self.environment(),
            stdout=PIPE,
            stderr=DEVNULL,
            start_new_session=True,
        )
        assert self.second.stdout is not None
        async with asyncio.timeout(_WITHIN_S):
            while line := (await self.second.stdout.readline()).decode():
                if line.startswith("The API is at "):
                    return
        raise AssertionError("it did not start")

    def _own_ports(self) -> str:
        return f"{_START} {' '.join(self.house.own_ports)}"

    async def stop(self) -> None:
        """Press Ctrl-C in the second terminal."""
        if self.second is not None and self.second.returncode is None:
            os.killpg(self.second.pid, signal.SIGINT)
            await self.second.wait()

    def environment(self) -> dict[str, str]:
        """What the reader's shell knows: where Temporal's tool is, and where the API will be."""
        plain = {name: value for name, value in os.environ.items() if not name.startswith(("TEMPORAL_", "FLOWFORGE_"))}
        return {**plain, **self.house.environment, "FLOWFORGE_API_URL": f"http://127.0.0.1:{self.house.api_port}"}


@pytest.fixture
async def terminal(house: House, tmp_path: Path) -> AsyncIterator[Terminal]:
    """A folder with a clone in it, set up."""
    clone = tmp_path / "flowforge"
    python = clone / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    (clone / "Makefile").write_text("setup:\n\t@true\n")
    for name in ("main.py", "flowforge"):
        (clone / name).symlink_to(_ROOT / name)
    terminal = Terminal(tmp_path, house)
    await terminal.open()
    yield terminal
    await terminal.stop()
    await terminal.close()


async def test_reader_who_follows_the_guide_sees_what_it_says(terminal: Terminal) -> None:
    runs: dict[str, str] = {}
    for block in blocks():
        if block.kind != "console":
            name = block.lines[0].removeprefix("# ")
            assert re.fullmatch(r"\w+(\.test)?\.(yaml|py)", name), f"a block names its file first: {name}"
            (terminal.folder / "parcels" / name).write_text("\n".join((*block.lines, "")))
            continue
        for command, promised in block.commands:
            typed = _RUN.sub(lambda name: runs[name[0]], command)
            printed = await terminal.type(typed)
            told = [line.rstrip() for line in promised]
            for ours, theirs in zip(_RUN.findall("\n".join(told)), _RUN.findall("\n".join(printed)), strict=False):
                runs.setdefault(ours, theirs)
            if told and told[-1] == "…":
                printed = [*printed[: len(told) - 1], "…"]
            if told:
                assert _steady(printed, {}) == _steady(told, runs), (command, printed)


def _steady(lines: list[str], runs: dict[str, str]) -> list[str]:
    text = _RUN.sub(lambda name: runs.get(name[0], name[0]), "\n".join(lines))
    text = re.sub(r"http://localhost:\d+", "http://localhost", text)
    for varies, instead in _VARIES:
        text = varies.sub(instead, text)
    return text.splitlines()
