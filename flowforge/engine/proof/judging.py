"""What is wrong with a run at one moment, whatever led to it."""

from collections.abc import Iterator
from typing import Literal, NamedTuple

from flowforge.engine.core.state import State
from flowforge.engine.proof.moves import Node
from flowforge.engine.proof.world import STANDS

Kind = Literal["left_behind", "undone_twice", "brought_back", "waits_for_ever", "needs_attention"]
"""What may be wrong: an effect that is neither kept by a completed run nor undone; one that was undone under two keys;
one that came back after its undo; a run that waits for ever, or for an operator."""


class Fault(NamedTuple):
    """Something that is wrong.

    Attributes:
        kind: what.
        step: with which step.
    """

    kind: Kind
    step: str


def judge(node: Node, *, is_stuck: bool) -> Iterator[Fault]:
    """Yield what is wrong with a run at one moment."""
    state, world = node.state, node.world
    for key, effect in world.effects:
        if effect == "undone_twice":
            yield Fault("undone_twice", key.step)
        elif effect == "returned":
            yield Fault("brought_back", key.step)
        elif state.is_over and effect in STANDS and not (state.phase == "completed" and key in world.kept):
            yield Fault("left_behind", key.step)
    if is_stuck:
        yield Fault("waits_for_ever", next(iter(state.tasks)).step)
    yield from _attention(state)


def _attention(state: State) -> Iterator[Fault]:
    if state.phase == "attention":
        for entry in state.undos:
            if entry.status == "failed":
                yield Fault("needs_attention", entry.key.step)
    elif state.phase == "held" and state.failure is not None:
        yield Fault("needs_attention", state.failure.step or "")
