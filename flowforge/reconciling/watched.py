"""What the reconciler looks after: a kind of thing that is open in the database and should have a workflow."""

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol, TypeVar

from temporalio.client import Client

from flowforge.reconciling.sweeps import Sweep

Mended = Literal["unwound", "resumed", "cancelled"]


class Still(Protocol):
    """Something that is open and has not moved for a while."""

    @property
    def sequence(self) -> int:
        """Its place among all of its kind."""
        ...

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    @property
    def labels(self) -> Mapping[str, str]:
        """What log lines about it carry."""
        ...


T = TypeVar("T", bound=Still)


class Watched(Protocol[T]):
    """One kind of such things.

    Attributes:
        noun: what one of them is.
    """

    noun: str

    async def still(self, sweep: Sweep, *, after: int, limit: int) -> Sequence[T]:
        """Return what is open, does not move and is a sweep's, in the order of their rows.

        Args:
            sweep: which of them it takes.
            after: only rows behind this one.
            limit: at most so many.

        Raises:
            DatabaseUnavailable: try again.
        """
        ...

    async def mend(self, client: Client, still: T) -> Mended | None:
        """Ask Temporal for the workflow of one of them; have it unwound where there is none.

        Returns:
            What was done: `unwound` where a workflow was started that does it, `resumed` where one was started that
            goes on with what only goes forward, `cancelled` where one had not heard yet
            that it is to be cancelled; None where all is well, or somebody else was faster.

        Raises:
            TemporalUnavailable: Temporal is away.
            DatabaseUnavailable: the database is.
        """
        ...

    async def tidy(self) -> Sequence[str]:
        """Have those that ended give back what they should not hold any more; return their names."""
        ...
