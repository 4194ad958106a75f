"""Definitions, their revisions, and the runs as readers see them."""

from typing import Final

from sqlalchemy import JSON, CheckConstraint, Column, Float, ForeignKey, Index, Integer, String, Table, Text

from flowforge.persistence.tables.metadata import METADATA
from flowforge.persistence.types import AutoNumber, Told, UtcTimestamp

DEFINITIONS: Final = Table(
    "definitions",
    METADATA,
    Column("sequence", AutoNumber, primary_key=True),
    Column("workflow_id", String, nullable=False, unique=True),
    Column("latest", Integer, nullable=False),
    Column("created_at", UtcTimestamp, nullable=False),
    Column("updated_at", UtcTimestamp, nullable=False),
    Column("deleted_at", UtcTimestamp),
)
"""`latest` is the revision that new runs get; a definition with `deleted_at` starts none."""

REVISIONS: Final = Table(
    "revisions",
    METADATA,
    Column("workflow_id", String, ForeignKey("definitions.workflow_id"), primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("address", String, nullable=False),
    Column("body", JSON, nullable=False),
    Column("source", String, nullable=False),
    Column("created_at", UtcTimestamp, nullable=False),
    sqlite_with_rowid=False,
)
"""Never changed: `body` is the canonical form, `address` its content's, `source` the text as its author sent it."""

EXECUTIONS: Final = Table(
    "executions",
    METADATA,
    Column("sequence", AutoNumber, primary_key=True),
    Column("execution_id", String, nullable=False, unique=True),
    Column("workflow_id", String, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("status", String, nullable=False),
    Column("input", JSON, nullable=False),
    Column("output", JSON),
    Column("output_stored", JSON),
    Column("failure", JSON),
    Column("waiting", JSON, nullable=False),
    Column("metadata", JSON, nullable=False),
    Column("tenant_id", String),
    Column("parent_execution_id", String),
    Column("request_id", String),
    Column("generation", Integer, nullable=False),
    Column("run_id", String, nullable=False),
    Column("history", Integer, nullable=False),
    Column("turn", Integer, nullable=False),
    Column("started_at", UtcTimestamp, nullable=False),
    Column("updated_at", UtcTimestamp, nullable=False),
    Column("ended_at", UtcTimestamp),
    Column("cancel_requested_at", UtcTimestamp),
    Column("cancel_reason", Told),
    Column("starts", Integer, nullable=False, server_default="1"),
    Column("wish", String),
    Column("edits", JSON),
    Column("depth", Integer, nullable=False, server_default="0"),
    Column("timeout_s", Float),
    Column("replay_of", String),
    Column("abandoned_at", UtcTimestamp),
    Column("task_at", UtcTimestamp),
    CheckConstraint(
        "status in ('running', 'waiting', 'paused', 'compensating', 'completed', 'failed', 'compensated', "
        "'cancelled', 'needs_attention')",
        name="status",
    ),
    Index(None, "workflow_id", "sequence"),
    Index(None, "status", "sequence"),
    Index(None, "parent_execution_id"),
    Index(None, "started_at"),
    Index(None, "replay_of", "sequence"),
)
"""`run_id`, `history`, `task_at` and `turn` say whose write is the latest; `cancel_requested_at` stays once set.

`starts` counts the starts of a run: each retry after its end is the next one, and `wish` says what was asked for then.
`generation` counts how often it began from nothing. `edits` is what an operator put into its context.

From `abandoned_at` on only the workflow writes that undoes the run from outside.
"""

EXECUTION_STEPS: Final = Table(
    "execution_steps",
    METADATA,
    Column("execution_id", String, ForeignKey("executions.execution_id"), primary_key=True),
    Column("step_id", String, primary_key=True),
    Column("view", String, nullable=False),
    Column("status", String, nullable=False),
    Column("visit", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("started_at", UtcTimestamp),
    Column("ended_at", UtcTimestamp),
    Column("result", JSON),
    Column("stored", JSON),
    Column("error", JSON),
    Column("details", JSON, nullable=False),
    sqlite_with_rowid=False,
)
"""The steps that a run has come to, as they are now; `stored` stands for a result that is kept in `run_values`."""

EXECUTION_UNDOS: Final = Table(
    "execution_undos",
    METADATA,
    Column("execution_id", String, ForeignKey("executions.execution_id"), primary_key=True),
    Column("key", String, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("step_id", String, nullable=False),
    Column("visit", Integer, nullable=False),
    Column("item", Integer),
    Column("action", String, nullable=False),
    Column("status", String, nullable=False),
    Column("error", JSON),
    Column("written_off", Told),
    Column("generation", Integer, nullable=False, server_default="1"),
    sqlite_with_rowid=False,
)
"""The undos of a run that turns back; `position` counts them in the order in which their actions were started.

Those of an earlier generation of their run have its number before their key.
"""

EXECUTION_EVENTS: Final = Table(
    "execution_events",
    METADATA,
    Column("execution_id", String, ForeignKey("executions.execution_id"), primary_key=True),
    Column("id", Integer, primary_key=True),
    Column("step_id", String),
    Column("status", String, nullable=False),
    Column("message", Told, nullable=False),
    Column("at", UtcTimestamp, nullable=False),
    sqlite_with_rowid=False,
)
"""`id` counts 1, 2, 3 … within a run."""

EXECUTION_RESTS: Final = Table(
    "execution_rests",
    METADATA,
    Column("execution_id", String, ForeignKey("executions.execution_id"), primary_key=True),
    Column("carried", JSON, nullable=False),
)
"""What a run that ended with nothing undone carries on with, should somebody have it go on."""

EXECUTION_MEMORY: Final = Table(
    "execution_memory",
    METADATA,
    Column("execution_id", String, ForeignKey("executions.execution_id"), primary_key=True),
    Column("kind", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("place", Integer, nullable=False),
    Column("content", JSON),
    sqlite_with_rowid=False,
)
"""What it takes to undo a run whose workflow is gone: undos, by `place` in the order of their starts, the values that
they read, and items."""

WEBHOOK_OUTBOX: Final = Table(
    "webhook_outbox",
    METADATA,
    Column("sequence", AutoNumber, primary_key=True),
    Column("execution_id", String, ForeignKey("executions.execution_id"), nullable=False),
    Column("event_id", Integer, nullable=False),
    Column("url", String, nullable=False),
    Column("payload", JSON, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", UtcTimestamp, nullable=False),
    Column("created_at", UtcTimestamp, nullable=False),
    Column("given_up_at", UtcTimestamp),
    Column("error", Told),
    Index(None, "execution_id", "event_id", unique=True),
    Index(None, "given_up_at", "due_at"),
)
"""What addresses are still to be told of runs; of one run and address the first one first. What was delivered is gone,
what was given up stays."""

EXECUTION_KEYS: Final = Table(
    "execution_keys",
    METADATA,
    Column("key", String, primary_key=True),
    Column("execution_id", String, nullable=False),
    Column("fingerprint", String, nullable=False),
    Column("expires_at", UtcTimestamp),
    sqlite_with_rowid=False,
)
"""Which run an idempotency key stands for, and what was asked for with it; null never expires."""

RUN_VALUES: Final = Table(
    "run_values",
    METADATA,
    Column("ref", String, primary_key=True),
    Column("part", Integer, primary_key=True),
    Column("size", Integer, nullable=False),
    Column("body", Text, nullable=False),
)
"""Values that are too large for a run to carry, as JSON; `ref` begins with the run's id; part -1 is a whole one."""
