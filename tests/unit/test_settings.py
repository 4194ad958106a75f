"""Settings: what they default to, what wins, and what is said about a wrong one."""

import os
from pathlib import Path

import pytest

from flowforge.errors import StartupError
from flowforge.settings import Settings

_OURS = (
    "DATABASE_URL",
    "FAIL_AT",
    "FORWARD_RETRY_MAX_INTERVAL_S",
    "LOG_FORMAT",
    "MAX_CONCURRENT_ACTIVITIES",
    "MAX_CONCURRENT_WORKFLOW_TASKS",
    "ORDER_DEADLINE_S",
    "RECONCILE_INTERVAL_S",
    "STEP_PLACEMENT",
    "TASK_QUEUE",
    "UNDO_RETRY_MAX_INTERVAL_S",
)


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name in _OURS or name.startswith(("FLOWFORGE_", "TEMPORAL_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_nothing_set_gives_the_documented_defaults(tmp_path: Path) -> None:
    settings = Settings.load()
    assert (settings.temporal_host, settings.temporal_is_given) == ("localhost:7233", False)
    assert settings.task_queue == "fulfillment-queue"
    assert (settings.max_concurrent_activities, settings.max_concurrent_workflow_tasks) == (100, 100)
    assert settings.data_dir == Path(".flowforge")
    assert settings.database_url == f"sqlite:///{tmp_path}/.flowforge/flowforge.sqlite3"
    assert (settings.fail_at, settings.step_placement, settings.log_format) == ("", "auto", "console")
    assert (settings.fault_injection, settings.fault_point) == (False, "")
    assert settings.order_deadline_s == 900
    assert (settings.forward_retry_max_interval_s, settings.undo_retry_max_interval_s) == (10, 30)
    assert settings.reconcile_interval_s == 15
    assert settings.api_url == "http://localhost:8000"


def test_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TEMPORAL_HOST", "FAIL_AT", "DATABASE_URL", "ORDER_DEADLINE_S", "FLOWFORGE_FAULT_INJECTION"):
        monkeypatch.setenv(name, "")
    settings = Settings.load()
    assert not settings.temporal_is_given
    assert settings.order_deadline_s == 900
    assert settings.database_url.startswith("sqlite:///")


def test_environment_wins_over_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("FAIL_AT=payment\nTASK_QUEUE=of-the-file\nTEMPORAL_NAMESPACE=shop\n")
    monkeypatch.setenv("TASK_QUEUE", "of-the-environment")
    settings = Settings.load()
    assert (settings.fail_at, settings.task_queue) == ("payment", "of-the-environment")
    assert settings.temporal_environment == {"TEMPORAL_NAMESPACE": "shop"}


@pytest.mark.parametrize("name", ["TEMPORAL_HOST", "TEMPORAL_ADDRESS"])
def test_named_temporal_counts_as_given_even_at_the_default_address(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "localhost:7233")
    assert Settings.load().temporal_is_given


def test_namespace_alone_does_not_name_a_temporal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_NAMESPACE", "shop")
    assert not Settings.load().temporal_is_given


def test_database_url_wins_over_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWFORGE_DB_PATH", "elsewhere.sqlite3")
    monkeypatch.setenv("DATABASE_URL", "sqlite:////data/flowforge.sqlite3")
    assert Settings.load().database_url == "sqlite:////data/flowforge.sqlite3"


@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+psycopg"])
def test_postgres_url_with_or_without_its_driver_is_allowed(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    monkeypatch.setenv("DATABASE_URL", f"{scheme}://shop:secret@db/shop")
    assert Settings.load().database_url == f"{scheme}://shop:secret@db/shop"


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("FAIL_AT", "warehouses", "inventory-check, inventory, payment, warehouse"),
        ("STEP_PLACEMENT", "remote", "auto, local, queue"),
        ("LOG_FORMAT", "xml", "console, json"),
        ("FLOWFORGE_FAULT_INJECTION", "perhaps", "0, 1"),
        ("MAX_CONCURRENT_ACTIVITIES", "0", "a whole number from 1 to 10000"),
        ("MAX_CONCURRENT_WORKFLOW_TASKS", "1", "a whole number from 2 to 10000"),
        ("MAX_CONCURRENT_WORKFLOW_TASKS", "many", "a whole number from 2 to 10000"),
        ("ORDER_DEADLINE_S", "-1", "a number of seconds above 0"),
        ("ORDER_DEADLINE_S", "nan", "a number of seconds above 0"),
        ("RECONCILE_INTERVAL_S", "-1", "a number of seconds from 0"),
        ("UNDO_RETRY_MAX_INTERVAL_S", "inf", "a number of seconds above 0"),
        ("TEMPORAL_HOST", "temporal", "host:port"),
        ("TEMPORAL_HOST", "temporal:70000", "host:port"),
        ("TEMPORAL_UI_URL", "localhost:8233", "http://"),
        ("FLOWFORGE_API_URL", "localhost:8000", "http://"),
        ("TASK_QUEUE", "two words", "letters, digits"),
        ("DATABASE_URL", "mysql://db/shop", "sqlite:////absolute/path"),
        ("DATABASE_URL", "sqlite://", "sqlite:////absolute/path"),
    ],
)
def test_wrong_value_is_named_in_one_line_with_what_is_allowed(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, allowed: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(StartupError) as caught:
        Settings.load()
    message = caught.value.message
    assert message.startswith(f"{name}={value!r} is not allowed; allowed: ")
    assert allowed in message
    assert "\n" not in message


def test_two_wrong_values_are_both_named_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAIL_AT", "line\nbreak")
    monkeypatch.setenv("LOG_FORMAT", "xml")
    with pytest.raises(StartupError, match=r"FAIL_AT='line\\nbreak'.*LOG_FORMAT='xml'") as caught:
        Settings.load()
    assert "\n" not in caught.value.message


def test_wrong_database_url_does_not_show_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "mysql://shop:secret@db/shop")
    with pytest.raises(StartupError) as caught:
        Settings.load()
    assert "secret" not in caught.value.message


def test_settings_show_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://shop:secret@db/shop")
    monkeypatch.setenv("TEMPORAL_API_KEY", "secret")
    assert "secret" not in repr(Settings.load())


def test_unreadable_file_is_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"FAIL_AT=\xff\xfe")
    with pytest.raises(StartupError, match=r"^\.env: cannot be read"):
        Settings.load()


def test_settings_cannot_be_changed() -> None:
    settings = Settings.load()
    with pytest.raises(ValueError, match="frozen"):
        settings.fail_at = "payment"  # type: ignore[misc] # that it cannot be is what is tested
