"""Showing that a long step is alive: a spinner with its time on a terminal, a line now and then elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

_LINE_EVERY_S: Final = 10.0


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """Give a function that shows the line it is called with, on standard error, until the block ends.

    Nothing is shown before its first call.
    """
    if not sys.stderr.isatty():
        yield _Lines().show
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TimeElapsedColumn(), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", visible=False)
        yield lambda line: bar.update(task, description=line, visible=True)


class _Lines:
    """Prints the first line at once, then one every 10 s; when the kind of work changes, at once again."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._next = 0.0
        self._kind = ""

    def show(self, line: str) -> None:
        now = time.monotonic()
        kind = line.partition(":")[0]
        if now < self._next and kind == self._kind:
            return
        self._next, self._kind = now + _LINE_EVERY_S, kind
        print(f"[{now - self._started:4.0f} s] {line}", file=sys.stderr, flush=True)
