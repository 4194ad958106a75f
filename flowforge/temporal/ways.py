"""What the ways of getting the `temporal` tool have in common."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Final

VERSION: Final = "v1.5.1"
"""The version that is downloaded or built. Its server is 1.29.1; later versions refuse `go install`."""

Report = Callable[[str], None]
"""Takes one line of progress."""

Progress = Callable[[], AbstractContextManager[Report]]
"""Opens a display of progress that is there as long as the block."""


class WayClosedError(Exception):
    """This way does not work here; the message says why."""
