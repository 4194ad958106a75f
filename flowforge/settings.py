"""The process's settings, read once from the environment and `.env`, and passed down as values."""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Final, Literal, Self, get_args, get_origin

from dotenv import dotenv_values
from pydantic import AfterValidator, Field, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict

from flowforge.errors import StartupError

FailAt = Literal["", "inventory-check", "inventory", "payment", "warehouse", "capture", "shipment"]
"""Where a fault is injected: after the effect of that step was committed; empty for nowhere."""

PaymentCapture = Literal["immediate", "after_warehouse"]
"""When an order's money is taken: with its payment, or when its goods have left the warehouse."""

StepPlacement = Literal["auto", "local", "queue"]
"""Where steps run: as local activities, through the task queue, or what suits each step."""

LogFormat = Literal["console", "json"]

DEFAULT_TEMPORAL_HOST: Final = "localhost:7233"
DEFAULT_DATA_DIR: Final = Path(".flowforge")

_ADDRESS: Final = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):(\d{1,5})")
_DATABASE_URL: Final = re.compile(r"sqlite:///.+|postgresql(\+psycopg)?://.+")
_PASSWORD_IN_URL: Final = re.compile(r"(?<=://)([^:/@]*):[^@]*@")
_YEAR_S: Final = 366 * 24 * 3600


def _address(value: str) -> str:
    match = _ADDRESS.fullmatch(value)
    if match is None or not 1 <= int(match[1]) <= 65535:
        raise PydanticCustomError("address", "host:port, for example localhost:7233")
    return value


def _web_url(value: str) -> str:
    if re.fullmatch(r"https?://[^\s/]+\S*", value) is None:
        raise PydanticCustomError("web_url", "an http:// or https:// address, for example http://localhost:8233")
    return value.rstrip("/")


def _database_url(value: str) -> str:
    if _DATABASE_URL.fullmatch(value) is None or ":memory:" in value:
        raise PydanticCustomError(
            "database_url", "sqlite:////absolute/path, sqlite:///relative/path or postgresql+psycopg://user@host/name"
        )
    return value


def _queue_name(value: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9._/-]{1,200}", value) is None:
        raise PydanticCustomError("queue_name", "1 to 200 letters, digits or . _ / -")
    return value


def _build_id(value: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9._-]{1,100}", value) is None:
        raise PydanticCustomError("build_id", "1 to 100 letters, digits or . _ -")
    return value


def _deployment(value: str) -> str:
    # Temporal writes deployment and version as one, with a dot or a colon between them.
    if re.fullmatch(r"[A-Za-z0-9_-]{1,100}", value) is None:
        raise PydanticCustomError("deployment", "1 to 100 letters, digits or _ -")
    return value


class Settings(BaseSettings):
    """Everything a process can be told from outside. Build it with `Settings.load()`.

    An empty variable counts as one that is not set.

    Attributes:
        temporal_host: host:port of Temporal's frontend; see `temporal_is_given`.
        temporal_ui_url: where people's browsers find Temporal's UI; no trailing slash.
        api_url: where commands for operators find the API; no trailing slash.
        task_queue: the task queue that API and workers share.
        max_concurrent_activities: how many activities one worker runs at once.
        max_concurrent_workflow_tasks: how many workflow tasks one worker runs at once (Temporal wants at least 2).
        worker_build_id: the version of the `worker` command's worker, or empty: then it takes every order.
        worker_deployment: the name under which Temporal knows the versions.
        explicit_database_url: DATABASE_URL, or empty; use `database_url`.
        db_path: the SQLite file where DATABASE_URL is empty.
        data_dir: the folder of Temporal's binary, file and log.
        fail_at: where every order of this worker fails, or empty.
        step_placement: where saga steps run.
        payment_capture: when the money of orders that are placed here is taken.
        log_format: how log lines look.
        fault_injection: whether a request, or `fault_point`, may ask for a fault.
        fault_point: where this process is to be killed or stopped, if `fault_injection` allows it; see FaultPoint.
        order_deadline_s: seconds an order may take before it is unwound.
        forward_retry_max_interval_s: the longest pause between two attempts of a step.
        undo_retry_max_interval_s: the longest pause between two attempts of an undo.
        reconcile_interval_s: seconds between two looks for open orders without a run; 0 for never.
        actions: modules with actions of one's own, separated by commas.
        egress_allow: hosts and networks that definitions may reach although they are not public.
        webhook_secret: what webhooks are signed with, `whsec_…`; several while one is replaced; empty for no signature.
        temporal_environment: Temporal's own variables (TEMPORAL_ADDRESS, TEMPORAL_TLS_*, ...) as they were found.
    """

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", env_ignore_empty=True, populate_by_name=True, env_file_encoding="utf-8"
    )

    temporal_host: Annotated[str, AfterValidator(_address)] = DEFAULT_TEMPORAL_HOST
    temporal_ui_url: Annotated[str, AfterValidator(_web_url)] = "http://localhost:8233"
    api_url: Annotated[str, AfterValidator(_web_url)] = Field(
        default="http://localhost:8000", validation_alias="FLOWFORGE_API_URL"
    )
    task_queue: Annotated[str, AfterValidator(_queue_name)] = "fulfillment-queue"
    max_concurrent_activities: int = Field(default=100, ge=1, le=10_000)
    max_concurrent_workflow_tasks: int = Field(default=100, ge=2, le=10_000)
    worker_build_id: Annotated[str, AfterValidator(_build_id)] | Literal[""] = ""
    worker_deployment: Annotated[str, AfterValidator(_deployment)] = "flowforge"
    explicit_database_url: Annotated[str, AfterValidator(_database_url)] | Literal[""] = Field(
        default="", validation_alias="DATABASE_URL", repr=False
    )
    db_path: Annotated[Path, AfterValidator(Path.expanduser)] = Field(
        default=DEFAULT_DATA_DIR / "flowforge.sqlite3", validation_alias="FLOWFORGE_DB_PATH"
    )
    data_dir: Annotated[Path, AfterValidator(Path.expanduser)] = Field(
        default=DEFAULT_DATA_DIR, validation_alias="FLOWFORGE_DATA_DIR"
    )
    fail_at: FailAt = ""
    step_placement: StepPlacement = "auto"
    payment_capture: PaymentCapture = "immediate"
    log_format: LogFormat = "console"
    fault_injection: bool = Field(default=False, validation_alias="FLOWFORGE_FAULT_INJECTION")
    fault_point: str = Field(default="", validation_alias="FLOWFORGE_FAULT_POINT")
    order_deadline_s: float = Field(default=900, gt=0, le=_YEAR_S, allow_inf_nan=False)
    forward_retry_max_interval_s: float = Field(default=10, gt=0, le=_YEAR_S, allow_inf_nan=False)
    undo_retry_max_interval_s: float = Field(default=30, gt=0, le=_YEAR_S, allow_inf_nan=False)
    reconcile_interval_s: float = Field(default=15, ge=0, le=_YEAR_S, allow_inf_nan=False)
    actions: str = ""
    egress_allow: str = ""
    webhook_secret: str = Field(default="", repr=False)
    # `load` fills it. The alias keeps an environment variable of the field's own name from being read into it.
    temporal_environment: Mapping[str, str] = Field(default_factory=dict, validation_alias="(none)", repr=False)

    @classmethod
    def load(cls, env_file: Path | None = Path(".env")) -> Self:
        """Read the settings of this process; the environment wins over the file.

        Args:
            env_file: the file to read besides the environment; it may be absent. None reads no file.

        Raises:
            StartupError: a variable has a value that is not allowed, or the file cannot be read.
        """
        try:
            in_file = dotenv_values(env_file) if env_file is not None and env_file.is_file() else {}
            return cls(
                _env_file=env_file,
                temporal_environment=_temporal_environment({**in_file, **os.environ}),
            )
        except ValidationError as error:
            raise StartupError("; ".join(_lines(cls, error))) from None
        except (OSError, UnicodeDecodeError) as error:
            raise StartupError(f"{env_file}: cannot be read ({error}); correct or remove it") from None

    @property
    def temporal_is_given(self) -> bool:
        """Whether somebody said which Temporal to use: it is then only ever connected to, never started."""
        return "temporal_host" in self.model_fields_set or any(
            self.temporal_environment.get(name)
            for name in ("TEMPORAL_ADDRESS", "TEMPORAL_CONFIG_FILE", "TEMPORAL_PROFILE")
        )

    @property
    def database_url(self) -> str:
        """The database in effect: DATABASE_URL, else the SQLite file at FLOWFORGE_DB_PATH, as an SQLAlchemy URL."""
        return self.explicit_database_url or f"sqlite:///{self.db_path.absolute()}"


def _temporal_environment(environment: Mapping[str, str | None]) -> dict[str, str]:
    ours = {"TEMPORAL_HOST", "TEMPORAL_UI_URL"}
    return {
        name: value
        for name, value in environment.items()
        if value and name.startswith("TEMPORAL_") and name not in ours
    }


def _lines(settings: type[BaseSettings], error: ValidationError) -> Iterator[str]:
    """Say, for each wrong variable once, its name, its value and what is allowed."""
    told: set[str] = set()
    for detail in error.errors():
        name = str(detail["loc"][0])
        variable = name.upper()
        if variable in told:
            continue
        told.add(variable)
        value = _PASSWORD_IN_URL.sub(r"\1:***@", str(detail["input"]))
        field = next(
            field
            for key, field in settings.model_fields.items()
            if name.lower() in {key, str(field.validation_alias).lower()}
        )
        yield f"{variable}={value!r} is not allowed; allowed: {_allowed(field, detail)}"


def _allowed(field: FieldInfo, detail: ErrorDetails) -> str:
    if get_origin(field.annotation) is Literal:
        return ", ".join(choice or "(empty)" for choice in get_args(field.annotation))
    if field.annotation is bool:
        return "0, 1"
    limits = {type(limit).__name__: limit for limit in field.metadata}
    if field.annotation is int:
        return f"a whole number from {limits['Ge'].ge} to {limits['Le'].le}"
    if field.annotation is float:
        lowest = f"above {limits['Gt'].gt}" if "Gt" in limits else f"from {limits['Ge'].ge}"
        return f"a number of seconds {lowest} and up to {limits['Le'].le}"
    return detail["msg"]
