"""The actions that a process offers, by name, and what each says of itself."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from flowforge.engine.actions.declaration import ActionContext
from flowforge.engine.validation.catalogue import ActionFacts, Waits
from flowforge.errors import StartupError


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One action.

    Attributes:
        name: its name in definitions.
        description: one sentence for people.
        category: under which it is listed.
        has_effect: whether it changes something in the world.
        changes: tells that of particular params, where it depends on them.
        tells: whether it tells somebody something: there is nothing to undo, and it is in history before it is said.
        fenced: whether it refuses an effect that comes after its undo.
        waits: whether it may answer that it waits for an event.
        once: whether there may be one step of it in a run.
        only_undoes: whether it refuses unless it is called as a compensation.
        in_ledger: whether a ledger of ours has what it did, written with it, and tells it to whoever asks again; its
            undo then needs nothing but the key.
        schema: a JSON Schema of its params; None where it takes anything.
        read: turns params into what `run` takes, raising pydantic's ValidationError; None to pass them on as they are.
        run: does it; None where the workflow itself does.
        is_plain: whether `run` is a plain function, which needs a thread.
    """

    name: str
    description: str = ""
    category: str = "custom"
    has_effect: bool = True
    changes: Callable[[Any], bool] | None = None
    tells: bool = False
    fenced: bool = False
    waits: Waits = "never"
    once: bool = False
    only_undoes: bool = False
    in_ledger: bool = False
    schema: dict[str, Any] | None = None
    read: Callable[[Any], Any] | None = None
    run: Callable[[Any, ActionContext], Any] | None
    is_plain: bool = False

    @property
    def facts(self) -> ActionFacts:
        """What validation needs to know."""
        return ActionFacts(
            name=self.name,
            schema=self.schema,
            has_effect=self.has_effect,
            fenced=self.fenced,
            waits=self.waits,
            once=self.once,
            only_undoes=self.only_undoes,
        )


class ActionRegistry:
    """All actions of a process; implements ActionCatalogue."""

    def __init__(self, actions: Mapping[str, Action]) -> None:
        self._actions = dict(sorted(actions.items()))

    @classmethod
    def of(cls, built_in: Iterable[Action], samples: Iterable[Action] = (), own: Iterable[Action] = ()) -> Self:
        """Put actions together: those of one's own take the place of samples with the same names.

        Raises:
            StartupError: two actions have one name.
        """
        found: dict[str, Action] = {}
        fixed: set[str] = set()
        for actions, may_be_replaced in ((samples, True), (built_in, False), (own, False)):
            for each in actions:
                if each.name in fixed:
                    raise StartupError(f"there are two actions named {each.name!r}; give one of them another name")
                found[each.name] = each
                if not may_be_replaced:
                    fixed.add(each.name)
        return cls(found)

    def get(self, name: str) -> Action | None:
        """Return an action, None where there is none of that name."""
        return self._actions.get(name)

    def find(self, name: str) -> ActionFacts | None:
        """See ActionCatalogue.find."""
        found = self._actions.get(name)
        return None if found is None else found.facts

    def names(self) -> Iterable[str]:
        """See ActionCatalogue.names."""
        return self._actions.keys()

    def has_effect(self, name: str, params: Any) -> bool:
        """Tell whether an action changes something, or tells somebody, with these params; an unknown one might."""
        found = self._actions.get(name)
        if found is None or found.tells:
            return True
        return found.has_effect if found.changes is None else found.changes(params)

    def in_ledger(self, name: str) -> bool:
        """Tell whether what an action did is in a ledger of ours."""
        found = self._actions.get(name)
        return found is not None and found.in_ledger

    def may_wait(self, name: str) -> bool:
        """Tell whether an action may answer that it waits."""
        found = self._actions.get(name)
        return found is not None and found.waits != "never"

    def listing(self) -> list[dict[str, Any]]:
        """Return what people are shown of every action, by name, as JSON."""
        return [
            {
                "name": each.name,
                "description": each.description,
                "category": each.category,
                "effect": each.has_effect,
                "fenced": each.fenced,
                "schema": each.schema,
            }
            for each in self._actions.values()
        ]
