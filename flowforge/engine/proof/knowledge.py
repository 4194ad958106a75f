"""What is known of a run before it runs: its input, and what some of its steps will answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flowforge.engine.core.events import Question
from flowforge.engine.core.plan import Plan
from flowforge.engine.definition.step import NOOP, Step
from flowforge.engine.expressions.expression import Expression
from flowforge.engine.placeholders import OPENING
from flowforge.engine.templates import Template


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    """What a search may take as given; a condition over anything else branches both ways.

    Attributes:
        given: the run's input; None where any may come.
        results: what steps answer, by their ids.
        unknown: the names of results of which nothing is known.
        known: the names of results that are.
    """

    given: Mapping[str, Any] | None = None
    results: Mapping[str, Any] = field(default_factory=dict)
    unknown: frozenset[str] = frozenset()
    known: frozenset[str] = frozenset()

    @classmethod
    def of(cls, plan: Plan, given: Mapping[str, Any] | None, results: Mapping[str, Any]) -> "Knowledge":
        """Return what is known of the runs of a plan."""
        known: set[str] = set()
        unknown: set[str] = set()
        for planned in plan.steps.values():
            step = planned.definition
            names = {step.id} | ({step.output_key} if step.output_key is not None else set())
            (known if step.id in results or step.action == NOOP else unknown).update(names)
        return cls(given=given, results=results, unknown=frozenset(unknown), known=frozenset(known - unknown))

    def tells(self, step: Step, question: Question) -> bool:
        """Tell whether the answer to a question follows from what is known."""
        read = _reads(step, question)
        if read is None:
            return False
        return not (read & self.unknown) if self.given is not None else read <= self.known


def _reads(step: Step, question: Question) -> frozenset[str] | None:
    """Return the names that an answer depends on, None where that is any."""
    parts: list[Template | Expression] = []
    if question == "condition" and step.condition is not None:
        parts = [Expression.parse(step.condition)]
    elif question == "transition" and isinstance(step.transitions, tuple):
        parts = [Expression.parse(way.condition) for way in step.transitions if way.condition is not None]
    elif question == "items" and step.for_each is not None:
        items = step.for_each.items
        is_expression = isinstance(items, str) and OPENING not in items
        parts = [Expression.parse(str(items)) if is_expression else Template.parse(items)]
    roots = [reference.root for part in parts for reference in part.references]
    return None if None in roots else frozenset(root for root in roots if root is not None)
