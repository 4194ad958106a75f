"""Virtual time: it passes only when there is nothing to do before."""

import heapq
import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

BEGINNING: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""When virtual time begins."""


class Timeline:
    """What is to happen, and when.

    Attributes:
        now: what time it is.
    """

    def __init__(self, now: datetime = BEGINNING) -> None:
        self.now = now
        self._numbers = itertools.count()
        self._heap: list[tuple[datetime, int]] = []
        self._planned: dict[int, tuple[Callable[[], None], bool]] = {}

    def after(self, length: timedelta, act: Callable[[], None], *, patient: bool = False) -> int:
        """Plan something; `patient` for what only comes when nothing else does. Return its number."""
        number = next(self._numbers)
        heapq.heappush(self._heap, (self.now + max(length, timedelta()), number))
        self._planned[number] = (act, patient)
        return number

    def drop(self, number: int) -> None:
        """Take something back."""
        self._planned.pop(number, None)

    def goes_on(self, *, patiently: bool) -> bool:
        """Tell whether anything is planned, besides what is patient unless that is asked for too."""
        return any(patiently or not patient for _, patient in self._planned.values())

    def due_by(self, limit: datetime) -> bool:
        """Tell whether anything is planned up to a moment."""
        self._forget()
        return bool(self._heap) and self._heap[0][0] <= limit

    def step(self) -> None:
        """Let the next thing happen, at its time."""
        self._forget()
        if self._heap:
            due, number = heapq.heappop(self._heap)
            self.now = max(self.now, due)
            act, _ = self._planned.pop(number)
            act()

    def _forget(self) -> None:
        while self._heap and self._heap[0][1] not in self._planned:
            heapq.heappop(self._heap)
