"""Whoever a saga belongs to, and what it is told."""

from typing import Protocol

from flowforge.durable.failures import Failure


class SagaOwner(Protocol):
    """Whoever keeps account of a saga. Its methods run shielded from cancellation."""

    async def unwinding(self, failure: Failure) -> bool:
        """Take note that the saga turns back; return False where it is too late: the saga then counts as completed."""
        ...

    async def held(self) -> bool:
        """Take note that the saga stands still before a step; return False where it must not."""
        ...

    async def released(self) -> None:
        """Take note that it goes on; see `SagaScope.time_held`."""
        ...

    async def needs_attention(self) -> None:
        """Take note that an undo can never succeed, and that all others are done."""
        ...

    async def unwound(self, failure: Failure) -> None:
        """Take note that everything was undone or written off."""
        ...

    def changed(self) -> None:
        """Take note that the saga's progress changed."""
        ...


class NoOwner:
    """The owner of a saga that nobody keeps account of."""

    async def unwinding(self, failure: Failure) -> bool:  # noqa: ARG002
        """Always turn back."""
        return True

    async def held(self) -> bool:
        """Always stand still."""
        return True

    async def released(self) -> None:
        """Note nothing."""

    async def needs_attention(self) -> None:
        """Note nothing."""

    async def unwound(self, failure: Failure) -> None:
        """Note nothing."""

    def changed(self) -> None:
        """Note nothing."""
