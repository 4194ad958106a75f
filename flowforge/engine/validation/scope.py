"""Which names a definition's expressions and templates may read, and what is known of each."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flowforge.engine.definition.model import Definition


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The names of one definition.

    Attributes:
        producers: by name, the steps whose result it is.
        before: by step, every step that comes before it; None for a state machine, where any may have.
        inputs: the keys of the input, as far as its schema names them.
        is_closed: whether the schema says that the input has no others.
        has_schema: whether it names any.
    """

    producers: Mapping[str, frozenset[str]]
    before: Mapping[str, frozenset[str]] | None
    inputs: frozenset[str]
    is_closed: bool
    has_schema: bool

    @classmethod
    def of(cls, definition: Definition) -> "Scope":
        """Collect the names of a definition."""
        producers: dict[str, set[str]] = defaultdict(set)
        for step in definition.steps:
            for name in {step.id, step.output_key or step.id}:
                producers[name].add(step.id)
        schema = definition.input_schema if isinstance(definition.input_schema, dict) else {}
        properties, required = schema.get("properties"), schema.get("required")
        names = frozenset(properties) if isinstance(properties, dict) else frozenset()
        if isinstance(required, list):
            names |= {name for name in required if isinstance(name, str)}
        return cls(
            producers={name: frozenset(steps) for name, steps in producers.items()},
            before=None if definition.is_state_machine else _ancestors(definition),
            inputs=names,
            is_closed=_is_closed(schema),
            has_schema=bool(names),
        )

    @property
    def known(self) -> frozenset[str]:
        """Every name that is certain to mean something."""
        return self.inputs | frozenset(self.producers)


def _is_closed(schema: Mapping[str, Any]) -> bool:
    elsewhere = {"$ref", "$dynamicRef", "allOf", "anyOf", "oneOf", "patternProperties", "if"}
    return schema.get("additionalProperties") is False and not elsewhere & schema.keys()


def _ancestors(definition: Definition) -> dict[str, frozenset[str]]:
    needs: dict[str, set[str]] = {step.id: set(step.depends_on) for step in definition.steps}
    for step in definition.steps:
        if step.error_branch in needs:
            needs[str(step.error_branch)].add(step.id)
    followers: dict[str, list[str]] = {step_id: [] for step_id in needs}
    for step_id, known in needs.items():
        known.intersection_update(needs)
        for before in known:
            followers[before].append(step_id)
    # Steps on a cycle, and those after one, never become free: anything may come before them.
    found = dict.fromkeys(needs, frozenset(needs))
    open_needs = {step_id: len(known) for step_id, known in needs.items()}
    free = [step_id for step_id, count in open_needs.items() if count == 0]
    while free:
        step_id = free.pop()
        found[step_id] = frozenset(needs[step_id]).union(*(found[before] for before in needs[step_id]))
        for after in followers[step_id]:
            open_needs[after] -= 1
            if open_needs[after] == 0:
                free.append(after)
    return found
