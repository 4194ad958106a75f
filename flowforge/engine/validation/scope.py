"""Which names a definition's expressions and templates may read, and what is known of each."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flowforge.engine.definition.model import Definition


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The names of one definition.

    Attributes:
        producers: by name, the steps whose result it is.
        before: which steps come before each; None for a state machine, where any may have.
        inputs: the keys of the input, as far as its schema names them.
        is_closed: whether the schema says that the input has no others.
        has_schema: whether it names any.
        known: every name that is certain to mean something.
    """

    producers: Mapping[str, frozenset[str]]
    before: "Before | None"
    inputs: frozenset[str]
    is_closed: bool
    has_schema: bool
    known: frozenset[str]

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
            before=None if definition.is_state_machine else Before(definition),
            inputs=names,
            is_closed=_is_closed(schema),
            has_schema=bool(names),
            known=names | frozenset(producers),
        )


def _is_closed(schema: Mapping[str, Any]) -> bool:
    elsewhere = {"$ref", "$dynamicRef", "allOf", "anyOf", "oneOf", "patternProperties", "if"}
    return schema.get("additionalProperties") is False and not elsewhere & schema.keys()


class Before:
    """Which steps of a graph come before each, with those before them."""

    def __init__(self, definition: Definition) -> None:
        needs: dict[str, set[str]] = {step.id: set(step.depends_on) for step in definition.steps}
        for step in definition.steps:
            if step.error_branch in needs:
                needs[str(step.error_branch)].add(step.id)
        followers: dict[str, list[str]] = {step_id: [] for step_id in needs}
        for step_id, known in needs.items():
            known.intersection_update(needs)
            for before in known:
                followers[before].append(step_id)
        # A bit for each step, and a number for many of them: sets would take as long as everything else together.
        self._bits = {step_id: 1 << place for place, step_id in enumerate(needs)}
        # Steps on a cycle, and those after one, never become free: anything may come before them.
        self._before = dict.fromkeys(needs, (1 << len(needs)) - 1)
        open_needs = {step_id: len(known) for step_id, known in needs.items()}
        free = [step_id for step_id, count in open_needs.items() if count == 0]
        while free:
            step_id = free.pop()
            self._before[step_id] = 0
            for before in needs[step_id]:
                self._before[step_id] |= self._bits[before] | self._before[before]
            for after in followers[step_id]:
                open_needs[after] -= 1
                if open_needs[after] == 0:
                    free.append(after)

    def has_any(self, steps: Iterable[str], *, of: str) -> bool:
        """Tell whether any of these steps comes before another one."""
        before = self._before.get(of, 0)
        return any(before & self._bits[step] for step in steps)
