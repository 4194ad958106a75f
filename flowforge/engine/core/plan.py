"""A definition, made ready to be walked: who comes after whom, and what can be undone."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from flowforge.engine.definition.model import Definition
from flowforge.engine.definition.step import NOOP, Step

MAX_IN_FLIGHT: Final = 50
"""How many actions of one run may be in flight."""

MAX_VISITS: Final = 10_000
"""How often a loop may come to one step."""

CONDITION: Final = "condition"
"""The action whose result, where it is false, skips what depends on it."""

CHILD: Final = "workflow"
"""The action that runs another definition, and undoes it with this run even where no compensation says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedStep:
    """A step with its neighbours.

    Attributes:
        definition: the step as it is defined.
        index: its place among the steps.
        followers: the steps to look at when this one has ended, in the order of the definition.
        sources: the steps whose error branch this is.
        has_undo: whether an undo is registered when its action starts.
        is_noop: whether there is no action to run.
        has_effect: whether its action may change something in the world.
        begins_unseen: whether its action may have begun although the run does not know of it: what runs inside a
            workflow task is in no history before that task has ended, and a task may be lost.
    """

    definition: Step
    index: int
    followers: tuple[str, ...]
    sources: tuple[str, ...]
    has_undo: bool
    is_noop: bool
    has_effect: bool
    begins_unseen: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plan:
    """A definition and its limits, as the interpreter walks it.

    Attributes:
        definition: what it was made of.
        steps: its steps by id, in the order of the definition.
        max_in_flight: how many actions may be in flight.
        max_visits: how often a loop may come to one step.
    """

    definition: Definition
    steps: Mapping[str, PlannedStep]
    max_in_flight: int = MAX_IN_FLIGHT
    max_visits: int = MAX_VISITS

    @classmethod
    def of(
        cls,
        definition: Definition,
        *,
        effect_free: Collection[str] = (),
        unseen: Collection[str] = (),
        max_in_flight: int = MAX_IN_FLIGHT,
        max_visits: int = MAX_VISITS,
    ) -> "Plan":
        """Make a definition ready; it must have passed validation.

        Args:
            definition: the definition.
            effect_free: the steps that are known to change nothing in the world.
            unseen: the steps whose action may have begun although the run does not know of it.
            max_in_flight: how many actions may be in flight.
            max_visits: how often a loop may come to one step.
        """
        followers: dict[str, dict[str, None]] = defaultdict(dict)
        sources: dict[str, list[str]] = defaultdict(list)
        if not definition.is_state_machine:
            for step in definition.steps:
                for before in step.depends_on:
                    followers[before][step.id] = None
                if step.error_branch is not None:
                    followers[step.id][step.error_branch] = None
                    sources[step.error_branch].append(step.id)
        order = {step.id: index for index, step in enumerate(definition.steps)}
        steps = {
            step.id: PlannedStep(
                definition=step,
                index=order[step.id],
                followers=tuple(sorted(followers[step.id], key=order.__getitem__)),
                sources=tuple(sources[step.id]),
                has_undo=step.compensation is not None or step.action == CHILD,
                is_noop=step.action == NOOP and step.task_queue is None,
                has_effect=step.id not in effect_free and not (step.action == NOOP and step.task_queue is None),
                begins_unseen=step.id in unseen,
            )
            for step in definition.steps
        }
        return cls(definition=definition, steps=steps, max_in_flight=max_in_flight, max_visits=max_visits)
