"""A story, made to happen again: the same function as in a run, the same happenings, and what the world is then."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flowforge.engine.core.plan import Plan
from flowforge.engine.core.views import RunStatus, run_status
from flowforge.engine.definition.model import Definition
from flowforge.engine.proof.effects import effects_of
from flowforge.engine.proof.happenings import Happening
from flowforge.engine.proof.judging import Kind, judge
from flowforge.engine.proof.knowledge import Knowledge
from flowforge.engine.proof.moves import VISITS, Moves
from flowforge.engine.validation.catalogue import ActionCatalogue, NoCatalogue

_MOST: int = 10_000


class StoryError(ValueError):
    """A story tells of something that cannot happen there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """Where a story leads.

    Attributes:
        status: what the run is called then.
        wrong: what is wrong by then, by step.
        story: everything that happened, also what came by itself.
    """

    status: RunStatus
    wrong: Mapping[str, Kind]
    story: tuple[Happening, ...]


def replay(
    definition: Definition,
    happenings: Iterable[Happening],
    catalogue: ActionCatalogue | None = None,
    *,
    given: Mapping[str, Any] | None = None,
) -> Replayed:
    """Let a story happen, and after it whatever comes by itself without a fault.

    Args:
        definition: what runs.
        happenings: the story.
        catalogue: what is known of the actions.
        given: the run's input; None where any may come.

    Raises:
        StoryError: something in it cannot happen where it is told.
    """
    told = list(happenings)
    plan = Plan.of(definition, max_visits=VISITS)
    moves = Moves(plan, effects_of(plan, catalogue or NoCatalogue()), Knowledge.of(plan, given, {}))
    node = moves.begin(len(told))
    wrong: dict[str, Kind] = {}
    story: list[Happening] = []
    for at in range(_MOST):
        wrong.update({fault.step: fault.kind for fault in judge(node, is_stuck=moves.is_stuck(node))})
        possible = moves.of(node)
        if at < len(told):
            move = next((move for move in possible if move.happening == told[at]), None)
            if move is None:
                can = "; ".join(str(move.happening) for move in possible) or "nothing"
                raise StoryError(f'"{told[at]}" cannot happen there; possible: {can}')
        elif moves.is_stuck(node) or not possible or possible[0].node.faults < node.faults:
            break
        else:
            move = possible[0]
        node = move.node
        story.append(move.happening)
    return Replayed(status=run_status(node.state), wrong=wrong, story=tuple(story))
