"""Logging: one line each, through one renderer, with the order named on it."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from structlog.contextvars import bound_contextvars
from temporalio.exceptions import ApplicationError

from flowforge.observability.logging import configure


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


def _lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_our_line_and_a_librarys_carry_the_order(capsys: pytest.CaptureFixture[str]) -> None:
    configure("json")
    with bound_contextvars(order_id="ord_1", workflow_id="order-ord_1", request_id="req_1"):
        structlog.get_logger("flowforge.orders").info("charged", amount_minor=3998)
        logging.getLogger("uvicorn.error").warning("slow %s", "client")
    logging.getLogger("uvicorn.error").warning("no order")
    ours, theirs, without = _lines(capsys)
    order = {"order_id": "ord_1", "workflow_id": "order-ord_1", "request_id": "req_1"}
    assert ours.items() >= {**order, "message": "charged", "amount_minor": 3998, "level": "info"}.items()
    assert theirs.items() >= {**order, "message": "slow client", "logger": "uvicorn.error"}.items()
    assert not without.keys() & order.keys()


def test_librarys_own_handler_does_not_print_a_second_line(capsys: pytest.CaptureFixture[str]) -> None:
    library = logging.getLogger("uvicorn.access")
    library.addHandler(logging.StreamHandler())
    library.propagate = False
    configure("json")
    configure("json")
    library.info("once")
    assert [line["message"] for line in _lines(capsys)] == ["once"]


def test_temporals_record_names_its_workflow(capsys: pytest.CaptureFixture[str]) -> None:
    configure("json")
    logging.getLogger("temporalio.activity").warning(
        "failed", extra={"temporal_activity": {"workflow_id": "order-ord_1"}, "order_id": "ord_1"}
    )
    (line,) = _lines(capsys)
    assert line.items() >= {"workflow_id": "order-ord_1", "order_id": "ord_1"}.items()


def test_exception_stays_on_one_json_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure("json")
    try:
        raise ValueError("two\nlines")
    except ValueError:
        logging.getLogger("flowforge").exception("failed")
    (line,) = _lines(capsys)
    assert "ValueError: two\nlines" in str(line["exception"])


def test_console_format_is_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    configure("console")
    with bound_contextvars(order_id="ord_1"):
        logging.getLogger("flowforge").info("charged")
    (line,) = capsys.readouterr().err.splitlines()
    assert "charged" in line
    assert "order_id=ord_1" in line


def _fail_activity(kind: str | None) -> None:
    """Log a failed activity as the SDK does."""
    try:
        raise ApplicationError("FAIL_AT=payment", type=kind)
    except ApplicationError:
        details = {"workflow_id": "order-ord_1", "activity_type": "payments.charge"}
        logging.getLogger("temporalio.activity").warning(
            "Completing activity as failed",
            exc_info=True,
            extra={"__temporal_error_identifier": "ActivityFailure", "temporal_activity": details},
        )


def test_activity_that_fails_as_foreseen_is_one_line_without_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    configure("json")
    _fail_activity("injected_fault")
    (line,) = _lines(capsys)
    assert line["message"] == "payments.charge failed: injected_fault: FAIL_AT=payment"
    assert line["workflow_id"] == "order-ord_1"
    assert "exception" not in line


@pytest.mark.parametrize("kind", ["internal", None])
def test_activity_that_fails_unforeseen_is_told_with_its_traceback(
    capsys: pytest.CaptureFixture[str], kind: str | None
) -> None:
    configure("json")
    _fail_activity(kind)
    (line,) = _lines(capsys)
    assert "Traceback" in str(line["exception"])
