"""When a run goes on in another run of Temporal's: before its history ends, if what it takes along arrives."""

from dataclasses import asdict, replace

from temporalio import workflow

from flowforge.engine.contracts import Carried, RetryRun, RunOptions, RunRequest
from flowforge.engine.sizes import MAX_CARRIED_BYTES, size_of


def is_long(options: RunOptions) -> bool:
    """Tell whether this run's history is as long as it may become, or as Temporal wants it."""
    info = workflow.info()
    return info.get_current_history_length() >= options.longest_history or info.is_continue_as_new_suggested()


def arrives(carried: Carried, request: RunRequest) -> bool:
    """Tell whether Temporal takes what a run takes along: else it would be ended, without undo."""
    edited = None if request.retry is None else request.retry.values
    return size_of([asdict(carried), request.definition, request.input, edited]) <= MAX_CARRIED_BYTES


def arrives_with(retry: RetryRun, carried: Carried, request: RunRequest) -> bool:
    """Tell the same of a run that goes on with another revision, and with what was edited."""
    return arrives(carried, replace(request, definition=retry.definition or request.definition, retry=retry))
