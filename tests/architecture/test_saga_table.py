"""A step stands in one line of the saga's table; these tests say where else it must be known, and is not."""

import pkgutil
import tomllib
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

from flowforge import services
from flowforge.cli.starter import starter
from flowforge.errors import REFUSALS, Refusal
from flowforge.orders.audit import CHECKS
from flowforge.orders.journal import OrderJournal
from flowforge.orders.saga import STEPS
from flowforge.orders.wording import Wording
from flowforge.orders.workflow import FAILURE_CODES
from flowforge.persistence.database import Database
from flowforge.persistence.tables.metadata import METADATA
from flowforge.services.fault_points import OPERATIONS
from flowforge.services.faults import FAIL_AT_OPERATIONS
from flowforge.services.wiring import build_services
from flowforge.settings import FailAt
from tests.workflow.table import name_of

_ROOT = Path(__file__).parents[2]
_UNDONE = [step for step in STEPS if step.undo is not None]
_SERVICES = [module.name for module in pkgutil.iter_modules(services.__path__) if module.ispkg]


def _id(value: Any) -> str:
    return str(getattr(value, "name", value))


async def test_worker_runs_every_activity_of_the_table(tmp_path: Path) -> None:
    """One that no worker runs is tried for ever: its orders never end."""
    database = Database(f"sqlite:///{tmp_path / 'never.made'}")
    registered = {name_of(run) for run in build_services(database, OrderJournal(database)).activities}
    await database.close()
    needed = {name_of(step.do) for step in STEPS} | {name_of(step.undo.do) for step in _UNDONE if step.undo}
    assert needed - registered == set(), "see services/wiring.py"


@pytest.mark.parametrize("step", STEPS, ids=_id)
def test_step_can_be_made_to_fail(step: Any) -> None:
    if step.attempts is None:  # a fault in what nothing hangs on would show nothing
        assert name_of(step.do) in FAIL_AT_OPERATIONS.values(), "see services/faults.py"
    assert name_of(step.do) in OPERATIONS, "see services/fault_points.py"
    if step.undo is not None:
        assert f"{name_of(step.do)}.undo" in OPERATIONS, "see services/fault_points.py"


@pytest.mark.parametrize("allowed", [FailAt, get_type_hints(starter)["fail_at"]], ids=["settings.py", "cli/starter.py"])
def test_settings_and_commands_take_the_name_of_every_fault(allowed: Any) -> None:
    assert set(get_args(allowed)) == {"", *FAIL_AT_OPERATIONS}


@pytest.mark.parametrize("step", STEPS, ids=_id)
def test_step_is_told_in_words(step: Any) -> None:
    words = Wording("2 x SKU-1", None, None)
    assert words.started(step.name) != words.started("unknown"), "see orders/wording.py"
    assert words.completed(step.name) != words.completed("unknown"), "see orders/wording.py"
    if step.undo is not None:
        assert words.undone(step.name, {}) != words.undone("unknown", {}), "see orders/wording.py"


@pytest.mark.parametrize("step", _UNDONE, ids=_id)
def test_audit_compares_the_effect_with_its_ledger_row(step: Any) -> None:
    queries = [check.query for check in CHECKS if check.area == "once"]
    assert any(f"'{name_of(step.do)}'" in query for query in queries), "see orders/audit.py"


@pytest.mark.parametrize("table", sorted(table.name for table in METADATA.tables.values() if "saga_id" in table.c))
def test_audit_looks_for_orphans_in_every_table_of_effects(table: str) -> None:
    orphans = [check.query for check in CHECKS if check.area == "orphans"]
    assert any(f"from {table}" in query for query in orphans), "see orders/audit.py"


@pytest.mark.parametrize("refusal", Refusal.__subclasses__(), ids=lambda refusal: refusal.code)
def test_refusal_can_be_told_again_and_ends_an_order_under_its_code(refusal: type[Refusal]) -> None:
    """A recorded refusal that is not known is a crash at the second delivery."""
    assert REFUSALS.get(refusal.code) is refusal, "see errors.py"
    assert refusal.code in FAILURE_CODES, "see orders/workflow.py"


@pytest.mark.parametrize("service", _SERVICES)
def test_import_contracts_hold_for_every_service(service: str) -> None:
    settings = tomllib.loads((_ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    [independent] = [contract["modules"] for contract in settings["contracts"] if contract["type"] == "independence"]
    assert f"flowforge.services.{service}" in independent, "see pyproject.toml"
