"""When a run goes on in another run of Temporal's: before its history ends, if what it takes along arrives."""

from dataclasses import asdict

from temporalio import workflow

from flowforge.engine.contracts import Carried, RunOptions, RunRequest
from flowforge.engine.sizes import MAX_CARRIED_BYTES, size_of


def is_long(options: RunOptions) -> bool:
    """Tell whether this run's history is as long as it may become, or as Temporal wants it."""
    info = workflow.info()
    return info.get_current_history_length() >= options.longest_history or info.is_continue_as_new_suggested()


def arrives(carried: Carried, request: RunRequest) -> bool:
    """Tell whether Temporal takes what a run takes along: else it would be ended, without undo."""
    return size_of([asdict(carried), request.definition, request.input]) <= MAX_CARRIED_BYTES
