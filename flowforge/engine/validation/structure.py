"""How steps hang together: in a graph, or in a state machine, and never in both."""

from flowforge.engine.definition.model import Definition
from flowforge.engine.definition.pointers import join
from flowforge.engine.definition.step import Step, Transitions, targets
from flowforge.engine.validation.cycles import cycles, reachable
from flowforge.engine.validation.findings import Findings, each_step


def check_structure(definition: Definition, findings: Findings) -> None:
    """Check that steps follow one another in one way, name steps that are there, and can all be reached."""
    ids = frozenset(step.id for step in definition.steps)
    for pointer, step in each_step(definition):
        _check_error_branch(pointer, step, ids, findings)
        if definition.is_state_machine and step.depends_on:
            findings.add(
                "FF-1015", "a state machine has no dependencies", join(pointer, "dependsOn"), "use transitions"
            )
        if not definition.is_state_machine and step.transitions is not None:
            hint = 'name the first step as "initialStepId", or use "dependsOn"'
            findings.add("FF-1015", "a graph has no transitions", join(pointer, "transitions"), hint)
    if definition.is_state_machine:
        _check_machine(definition, ids, findings)
    else:
        _check_graph(definition, ids, findings)


def branches_on_timeout(step: Step) -> bool:
    """Tell whether a wait that takes too long goes to the error branch."""
    return step.action == "wait" and isinstance(step.params, dict) and step.params.get("onTimeout") == "branch"


def _check_error_branch(pointer: str, step: Step, ids: frozenset[str], findings: Findings) -> None:
    taken = step.on_error == "branch" or branches_on_timeout(step)
    place = join(pointer, "errorBranch")
    if step.error_branch is None:
        if taken:
            findings.add("FF-1018", f'"{step.id}" branches and does not say where to', pointer, 'name an "errorBranch"')
    elif step.error_branch not in ids:
        hint = findings.meant(step.error_branch, ids)
        findings.add("FF-1018", f'unknown error branch "{step.error_branch}"', place, hint)
    elif not taken:
        findings.add("FF-1019", f'"{step.id}" never takes its error branch', place, 'say "onError": "branch"')


def _check_graph(definition: Definition, ids: frozenset[str], findings: Findings) -> None:
    edges: dict[str, list[str]] = {step.id: [] for step in definition.steps}
    places: dict[tuple[str, str], tuple[str | int, ...]] = {}
    for pointer, step in each_step(definition):
        for index, before in enumerate(step.depends_on):
            place = (pointer, "dependsOn", index)
            if before not in edges:
                hint = findings.meant(before, ids)
                findings.add("FF-1004", f'unknown dependency "{before}"', _pointer(place), hint)
            elif (before, step.id) in places:
                findings.add("FF-1022", f'"{step.id}" depends on "{before}" twice', _pointer(place))
            else:
                edges[before].append(step.id)
                places[before, step.id] = place
        if step.error_branch in edges:
            edges[step.id].append(str(step.error_branch))
            places.setdefault((step.id, str(step.error_branch)), (pointer, "errorBranch"))
    for way in cycles(edges):
        path = " → ".join(way)
        findings.add("FF-1005", f"these steps wait for one another: {path}", _pointer(places[way[-2], way[-1]]))


def _pointer(place: tuple[str | int, ...]) -> str:
    """Return the pointer to a place; only one with a problem needs it."""
    return join(str(place[0]), *place[1:])


def _check_machine(definition: Definition, ids: frozenset[str], findings: Findings) -> None:
    first = str(definition.initial_step_id)
    if first not in ids:
        findings.add("FF-1017", f'unknown initial step "{first}"', "/initialStepId", findings.meant(first, ids))
    for pointer, step in each_step(definition):
        _check_transitions(join(pointer, "transitions"), step, ids, findings)
    if first in ids:
        edges = {step.id: [to for to in targets(step) if to in ids] for step in definition.steps}
        reached = reachable(edges, first)
        for pointer, step in each_step(definition):
            if step.id not in reached:
                findings.add("FF-1009", f'no transition leads to "{step.id}"', pointer)


def _check_transitions(pointer: str, step: Step, ids: frozenset[str], findings: Findings) -> None:
    if isinstance(step.transitions, Transitions):
        found = [("onSuccess", step.transitions.on_success), ("onFailure", step.transitions.on_failure)]
        named = [(join(pointer, key), to) for key, to in found]
    else:
        ways = step.transitions or ()
        named = [(join(pointer, index, "to"), way.to) for index, way in enumerate(ways)]
        always = next((index for index, way in enumerate(ways) if way.condition is None), len(ways))
        for index in range(always + 1, len(ways)):
            findings.add("FF-1009", "a way before this one has no condition: it is always taken", join(pointer, index))
    for place, to in named:
        if to is not None and to not in ids:
            findings.add("FF-1016", f'unknown step "{to}"', place, findings.meant(to, ids))
