"""Cycles in a graph, each told once, by the shortest way round."""

from collections import deque
from collections.abc import Mapping, Sequence

Graph = Mapping[str, Sequence[str]]


def cycles(graph: Graph) -> list[list[str]]:
    """Return a cycle of each group of nodes that lie on common cycles, from its first node round to it again.

    Args:
        graph: the nodes that follow each node; every one of them is a key.
    """
    found: list[list[str]] = []
    done: set[str] = set()
    rest = _on_cycles(graph)
    for node in graph:
        if node in rest and node not in done:
            way = _shortest_way_round(graph, node)
            if way is not None:
                found.append(way)
                done.update(_group(graph, node))
    return found


def _on_cycles(graph: Graph) -> set[str]:
    """Return the nodes that are left when those without predecessors, then without successors, are taken away."""
    rest = set(graph)
    for edges in (graph, _turned(graph)):
        counts = dict.fromkeys(rest, 0)
        for node in rest:
            for after in edges[node]:
                if after in rest:
                    counts[after] += 1
        free = [node for node, count in counts.items() if count == 0]
        while free:
            node = free.pop()
            rest.discard(node)
            for after in edges[node]:
                if after in rest:
                    counts[after] -= 1
                    if counts[after] == 0:
                        free.append(after)
    return rest


def _turned(graph: Graph) -> dict[str, list[str]]:
    turned: dict[str, list[str]] = {node: [] for node in graph}
    for node, followers in graph.items():
        for after in followers:
            turned[after].append(node)
    return turned


def _shortest_way_round(graph: Graph, start: str) -> list[str] | None:
    came_from: dict[str, str] = {}
    queue = deque([start])
    while queue:
        node = queue.popleft()
        for after in graph[node]:
            if after == start:
                way = [start]
                while node != start:
                    way.append(node)
                    node = came_from[node]
                return [start, *reversed(way[1:]), start]
            if after not in came_from:
                came_from[after] = node
                queue.append(after)
    return None


def _group(graph: Graph, start: str) -> set[str]:
    """Return the nodes that a node reaches and that reach it."""
    return reachable(graph, start) & reachable(_turned(graph), start)


def reachable(graph: Graph, start: str) -> set[str]:
    """Return the nodes that can be reached from one, itself among them."""
    seen = {start}
    stack = [start]
    while stack:
        for after in graph[stack.pop()]:
            if after not in seen:
                seen.add(after)
                stack.append(after)
    return seen
