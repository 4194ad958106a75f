"""A lock between processes, held on an open file: it goes when the last process that has the file open goes."""

import asyncio
import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from flowforge.temporal.folder import unwritable


class FileLock:
    """An exclusive lock on `path`. Leaving the block closes our file; a child that inherited it keeps the lock."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1

    def __enter__(self) -> Self:
        """Open the file, without locking it yet.

        Raises:
            StartupError: the folder is not writable.
        """
        try:
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise unwritable(self._path.parent, error) from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close our file."""
        os.close(self._descriptor)

    def fileno(self) -> int:
        """Return the descriptor, to hand to a child."""
        return self._descriptor

    async def acquire(self, *, within_s: float | None = None) -> bool:
        """Wait for the lock, at most `within_s` seconds (None: for ever); return whether it is ours."""
        try:
            async with asyncio.timeout(within_s):
                while True:
                    if self._try():
                        return True
                    await asyncio.sleep(0.05)
        except TimeoutError:
            return False

    def _try(self) -> bool:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
