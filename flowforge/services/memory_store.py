"""Rows in memory with transactions: what a transaction wrote is seen when it ends well, and otherwise never was."""

import threading
from collections import ChainMap
from collections.abc import Hashable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any, TypeVar, cast

Row = TypeVar("Row")


class MemoryTransaction:
    """One transaction: reads see the store and its own writes, which lie over the store until they are kept."""

    def __init__(self, stored: dict[type[Any], dict[Hashable, Any]]) -> None:
        self._stored = stored
        self._written: dict[type[Any], dict[Hashable, Any]] = {}

    def rows(self, kind: type[Row]) -> MutableMapping[Hashable, Row]:
        """Return the rows of one kind by their key. Rows are frozen: put a new one in an old one's place."""
        written = self._written.setdefault(kind, {})
        return cast("MutableMapping[Hashable, Row]", ChainMap(written, self._stored.setdefault(kind, {})))

    def keep(self) -> None:
        """Put what was written into the store."""
        for kind, rows in self._written.items():
            self._stored[kind].update(rows)


class MemoryStore:
    """Holds the rows of any number of memory adapters, which then share its transactions. Safe between threads."""

    def __init__(self) -> None:
        self._stored: dict[type[Any], dict[Hashable, Any]] = {}
        self._lock = threading.Lock()

    @contextmanager
    def transaction(self) -> Iterator[MemoryTransaction]:
        """Run a block as one transaction, alone; nothing that it wrote is kept when it raises."""
        with self._lock:
            transaction = MemoryTransaction(self._stored)
            yield transaction
            transaction.keep()
