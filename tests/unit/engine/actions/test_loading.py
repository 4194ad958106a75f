"""Actions of one's own, from a module."""

import sys
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest

from flowforge.engine.actions.declaration import ActionContext, Mark, Workflow, action
from flowforge.engine.actions.loading import action_of, actions_of, load_actions
from flowforge.engine.actions.registry import Action, ActionRegistry
from flowforge.engine.validation.catalogue import ActionFacts
from flowforge.errors import StartupError


@dataclass
class Charge:
    """So much of a currency."""

    amount: int
    currency: str = "EUR"


@action("chargeCard", category="money", fenced=True)
async def charge(_params: Charge, _context: ActionContext) -> dict[str, Any]:
    """Charge a card.

    More of it.
    """
    return {}


@action("lookUp", description="Look it up.", effect=False)
def look_up(_params: dict[str, Any]) -> None: ...


class Shop(Workflow):
    """Actions by their methods' names."""

    def pack(self, params: Charge) -> None: ...

    @action("shipIt")
    async def ship(self, params: Any, context: ActionContext) -> None: ...

    def _hidden(self, params: Any) -> None: ...


@pytest.fixture(autouse=True)
def shop(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("an_own_shop")
    module.charge, module.look_up, module.Shop, module.other = charge, look_up, Shop, len  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "an_own_shop", module)


def test_a_module_is_loaded_with_all_of_its_actions() -> None:
    found = {each.name: each for each in load_actions(" an_own_shop, ")}
    assert list(found) == ["chargeCard", "lookUp", "pack", "shipIt"]
    assert found["chargeCard"].description == "Charge a card."
    assert found["lookUp"].description == "Look it up."
    assert [each.is_plain for each in found.values()] == [False, True, True, False]


def test_the_schema_of_params_comes_from_their_type() -> None:
    found = {each.name: each for each in load_actions("an_own_shop")}
    schema = found["chargeCard"].schema
    assert schema is not None
    assert schema["required"] == ["amount"]
    assert schema["properties"]["currency"] == {"default": "EUR", "title": "Currency", "type": "string"}
    assert found["lookUp"].schema is None
    assert found["pack"].schema == schema


def test_validation_learns_what_an_action_says_of_itself() -> None:
    registry = ActionRegistry.of((), own=load_actions("an_own_shop"))
    assert list(registry.names()) == ["chargeCard", "lookUp", "pack", "shipIt"]
    assert registry.find("lookUp") == ActionFacts(name="lookUp", schema=None, has_effect=False, fenced=False)
    facts = registry.find("chargeCard")
    assert facts is not None
    assert (facts.has_effect, facts.fenced) == (True, True)
    assert registry.find("chargecard") is None


def test_people_are_shown_every_action() -> None:
    shown = ActionRegistry.of((), own=load_actions("an_own_shop")).listing()
    assert shown[1] == {
        "name": "lookUp",
        "description": "Look it up.",
        "category": "custom",
        "effect": False,
        "fenced": False,
        "schema": None,
    }


def named(name: str, description: str = "") -> Action:
    return Action(name=name, description=description, run=None)


def test_an_action_of_ones_own_takes_the_place_of_a_sample() -> None:
    registry = ActionRegistry.of([named("log")], [named("pay", "sample")], [named("pay", "own")])
    assert [each["description"] for each in registry.listing()] == ["", "own"]


@pytest.mark.parametrize("own", [["log"], ["pay", "pay"]])
def test_two_actions_with_one_name_are_refused(own: list[str]) -> None:
    with pytest.raises(StartupError, match="two actions named"):
        ActionRegistry.of([named("log")], [], [named(name) for name in own])


@pytest.mark.parametrize(
    ("modules", "message"),
    [("no_such_module", "cannot be imported"), ("json", "has no function"), ("an_own_shop,nowhere", "ACTIONS=nowhere")],
)
def test_a_module_that_cannot_be_used_stops_the_process(modules: str, message: str) -> None:
    with pytest.raises(StartupError, match=message):
        load_actions(modules)


def test_no_module_is_no_action() -> None:
    assert load_actions("") == []


def test_a_function_that_takes_no_params_is_no_action() -> None:
    def nothing() -> None: ...

    with pytest.raises(StartupError, match="takes"):
        action_of(nothing, Mark(name="nothing"))


def test_params_that_json_does_not_have_are_no_params() -> None:
    def take(params: ModuleType) -> None: ...

    with pytest.raises(StartupError, match="'take'"):
        action_of(take, Mark(name="take"))


def test_methods_are_actions_of_their_instance() -> None:
    assert [each.name for each in actions_of(Shop())] == ["pack", "shipIt"]
