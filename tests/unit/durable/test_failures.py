"""What a saga takes for a reason to unwind."""

import asyncio

import pytest
from temporalio.exceptions import ApplicationError

from flowforge.durable.failures import unwinding_cause


def _ends_run(error: BaseException) -> bool:
    return isinstance(error, ApplicationError | asyncio.CancelledError)


def _nobody_is_there(error: BaseException) -> bool:
    raise RuntimeError(f"asked about {error!r} outside of a workflow")


@pytest.mark.parametrize("error", [ApplicationError("no"), asyncio.CancelledError()])
def test_what_ends_the_run_unwinds(error: BaseException) -> None:
    assert unwinding_cause(error, _ends_run) is error


def test_bug_does_not_unwind() -> None:
    assert unwinding_cause(ZeroDivisionError(), _ends_run) is None


def test_run_is_dropped_from_memory_it_does_not_unwind_and_asks_nobody() -> None:
    """Its coroutine is closed by the garbage collection, on any thread: a worker went that still had it in memory."""
    assert unwinding_cause(GeneratorExit(), _nobody_is_there) is None
