"""The search through every state that a run can come to, the nearest ones first."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from flowforge.engine.proof.happenings import Happening
from flowforge.engine.proof.judging import Fault, judge
from flowforge.engine.proof.moves import Moves, Node

MAX_STATES: Final = 200_000
"""How many states a search looks at before it gives up."""

Story = tuple[Happening, ...]
"""What happened, in order, up to a moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a search came across.

    Attributes:
        states: how many states there are; equal ones count once, however they were reached.
        schedules: in how many ways a run may go from its beginning to its end.
        ends: how many states there are of each end.
        faults: what is wrong somewhere, and the shortest way there.
        complete: False where the search gave up.
    """

    states: int
    schedules: int
    ends: Mapping[str, int]
    faults: Mapping[Fault, Story]
    complete: bool


class _Graph:
    """The states that were reached, by number, and how the first way to each came there."""

    def __init__(self, first: Node) -> None:
        self.nodes = [first]
        self.numbers = {first: 0}
        self.came: list[tuple[int, Happening] | None] = [None]
        self.next: list[list[int]] = []

    def add(self, node: Node, origin: int, happening: Happening) -> int:
        number = self.numbers.get(node)
        if number is None:
            number = self.numbers[node] = len(self.nodes)
            self.nodes.append(node)
            self.came.append((origin, happening))
        return number

    def story(self, number: int) -> Story:
        found: list[Happening] = []
        came = self.came[number]
        while came is not None:
            found.append(came[1])
            came = self.came[came[0]]
        return tuple(reversed(found))

    def schedules(self) -> int:
        """Count the ways from the first state to those after which nothing happens; nothing happens twice."""
        arriving = [0] * len(self.nodes)
        for following in self.next:
            for number in following:
                arriving[number] += 1
        ways = [0] * len(self.nodes)
        ways[0], total = 1, 0
        ready = deque([0])
        while ready:
            number = ready.popleft()
            following = self.next[number] if number < len(self.next) else []
            total += 0 if following else ways[number]
            for after in following:
                ways[after] += ways[number]
                arriving[after] -= 1
                if arriving[after] == 0:
                    ready.append(after)
        return total


def search(moves: Moves, *, faults: int, max_states: int = MAX_STATES) -> Found:
    """Look at every state that can be reached with so many faults."""
    graph = _Graph(moves.begin(faults))
    wrong: dict[Fault, int] = {}
    ends: dict[str, int] = {}
    at = 0
    while at < len(graph.nodes) and len(graph.nodes) <= max_states:
        node = graph.nodes[at]
        for fault in judge(node, is_stuck=moves.is_stuck(node)):
            wrong.setdefault(fault, at)
        if node.state.is_over:
            ends[node.state.phase] = ends.get(node.state.phase, 0) + 1
        graph.next.append([graph.add(move.node, at, move.happening) for move in moves.of(node)])
        at += 1
    return Found(
        states=len(graph.nodes),
        schedules=graph.schedules(),
        ends=ends,
        faults={fault: graph.story(number) for fault, number in wrong.items()},
        complete=at == len(graph.nodes),
    )
