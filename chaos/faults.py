"""What is done to a database while orders come, and undone again."""

import asyncio
import shutil
import sqlite3
import subprocess
from pathlib import Path
from typing import Protocol


class Fault(Protocol):
    """Something that is wrong for a while."""

    name: str

    async def begin(self) -> None:
        """Make it so."""
        ...

    async def heal(self) -> None:
        """Make it right again."""
        ...


class Locked:
    """Another process holds SQLite's write lock."""

    name = "database locked"

    def __init__(self, file: Path) -> None:
        self._connection = sqlite3.connect(file, isolation_level=None, timeout=30, check_same_thread=False)

    async def begin(self) -> None:
        """Take the lock."""
        await asyncio.to_thread(self._connection.execute, "BEGIN IMMEDIATE")

    async def heal(self) -> None:
        """Give it back."""
        self._connection.execute("ROLLBACK")
        self._connection.close()


class Full:
    """The disk of the database has no room left; it is one of its own, in memory."""

    name = "disk full"

    def __init__(self, folder: Path) -> None:
        self._ballast = folder / "ballast"

    async def begin(self) -> None:
        """Fill it."""
        await asyncio.to_thread(self._fill)

    async def heal(self) -> None:
        """Make room."""
        self._ballast.unlink()

    def _fill(self) -> None:
        with self._ballast.open("wb", buffering=0) as file:
            for size in (1 << 16, 1 << 12, 1):
                try:
                    while file.write(b"\0" * size) == size:
                        pass
                except OSError:
                    continue


class Gone:
    """The folder of the database is somewhere else; who has it open writes there, who comes finds nothing."""

    name = "database file gone"

    def __init__(self, file: Path) -> None:
        self._folder = file.parent

    async def begin(self) -> None:
        """Take it away."""
        self._folder.rename(self._elsewhere)

    async def heal(self) -> None:
        """Bring it back."""
        self._elsewhere.rename(self._folder)

    @property
    def _elsewhere(self) -> Path:
        return self._folder.with_name(f"{self._folder.name}-elsewhere")


class ReadOnly:
    """The file system of the database became read-only; it is one of its own."""

    name = "database read-only"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def begin(self) -> None:
        """Make it so; the kernel refuses while files are open for writing, so nobody may have them open."""
        await asyncio.to_thread(_mount, "-o", "remount,ro", str(self._folder))

    async def heal(self) -> None:
        """Make it writable again."""
        await asyncio.to_thread(_mount, "-o", "remount,rw", str(self._folder))


class SmallDisk:
    """A file system in memory of a few MiB, as a context manager; it takes root.

    Raises:
        PermissionError: it cannot be mounted here.
    """

    def __init__(self, folder: Path, megabytes: int) -> None:
        self._folder = folder
        self._megabytes = megabytes

    def __enter__(self) -> Path:
        self._folder.mkdir(parents=True)
        try:
            _mount("-t", "tmpfs", "-o", f"size={self._megabytes}m", "tmpfs", str(self._folder))
        except subprocess.CalledProcessError as error:
            raise PermissionError(f"a small disk cannot be mounted here: {error.stderr.decode().strip()}") from error
        return self._folder

    def __exit__(self, *_: object) -> None:
        umount = shutil.which("umount") or "umount"
        subprocess.run([umount, "--lazy", str(self._folder)], check=True, capture_output=True)  # noqa: S603 -- our own


def _mount(*arguments: str) -> None:
    mount = shutil.which("mount") or "mount"
    subprocess.run([mount, *arguments], check=True, capture_output=True)  # noqa: S603 -- our own
