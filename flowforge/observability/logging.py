"""Logging: one renderer for our own lines and for those of every library, on standard error."""

import logging
import sys
from typing import IO, Final

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from flowforge.settings import LogFormat

_QUIET: Final = (
    "alembic.runtime.migration",
    "alembic.runtime.plugins",
    "httpcore2",
    "httpx2",
    "sqlalchemy.engine",
    "sqlalchemy.pool",
)
"""Loggers that tell at INFO what nobody asked for."""

_ORDER_KEYS: Final = ("order_id", "workflow_id", "request_id")


def configure(log_format: LogFormat, *, level: str = "INFO", to: IO[str] | None = None) -> None:
    """Send every line of this process through one renderer; calling it again replaces what was set up.

    Args:
        log_format: `console` for people (coloured on a terminal), `json` for machines: one object a line.
        level: the lowest level shown.
        to: where the lines go; None for standard error.
    """
    stream = sys.stderr if to is None else to
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        _order_of_temporal_record,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_renderers(log_format, colors=stream.isatty()),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in list(logging.Logger.manager.loggerDict):
        # A handler of a library's own would print its lines a second time.
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    failed_activities = logging.getLogger("temporalio.activity")
    failed_activities.filters[:] = [_told_in_one_line]
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)


def _told_in_one_line(record: logging.LogRecord) -> bool:
    """Shorten the SDK's word on a failed activity, unless nobody foresaw the failure: then its traceback is needed."""
    error = record.exc_info[1] if record.exc_info else None
    kind = getattr(error, "type", None)
    if getattr(record, "__temporal_error_identifier", None) != "ActivityFailure" or kind in {None, "internal"}:
        return True
    details = getattr(record, "temporal_activity", {})
    record.msg = f"{details.get('activity_type', 'an activity')} failed: {error}"
    record.args, record.exc_info, record.exc_text = (), None, None
    return True


def _renderers(log_format: LogFormat, *, colors: bool) -> list[Processor]:
    if log_format == "json":
        return [
            structlog.processors.format_exc_info,
            structlog.processors.EventRenamer("message"),
            structlog.processors.JSONRenderer(default=repr),
        ]
    return [
        structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=structlog.dev.plain_traceback, pad_event_to=40)
    ]


def _order_of_temporal_record(_logger: WrappedLogger, _name: str, line: EventDict) -> EventDict:
    """Take from a Temporal logger's record which workflow it speaks of, and what else names the order."""
    record = line.get("_record")
    if record is None:
        return line
    for key in _ORDER_KEYS:
        if (value := getattr(record, key, None)) is not None:
            line.setdefault(key, value)
    for details in (getattr(record, "temporal_activity", None), getattr(record, "temporal_workflow", None)):
        if isinstance(details, dict) and (workflow_id := details.get("workflow_id")):
            line.setdefault("workflow_id", workflow_id)
    return line
