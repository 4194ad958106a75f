"""The proof of a definition: whatever happens, nothing is left half done; or how it comes to be."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from flowforge.engine.core.plan import Plan
from flowforge.engine.definition.model import Definition
from flowforge.engine.proof.effects import effects_of
from flowforge.engine.proof.judging import Fault, Kind
from flowforge.engine.proof.knowledge import Knowledge
from flowforge.engine.proof.moves import ITEMS, VISITS, Moves
from flowforge.engine.proof.search import MAX_STATES, Story, search
from flowforge.engine.validation.catalogue import ActionCatalogue, NoCatalogue

FAULTS: Final = 2
"""How many faults a proof reckons with, unless it is told otherwise."""

Severity = Literal["error", "warning", "note"]

_TELLS: Final[Mapping[Kind, str]] = {
    "left_behind": "{step}: its effect can be left behind, neither kept by a completed run nor undone",
    "undone_twice": "{step}: its effect can be undone twice, by a step and by its compensation",
    "brought_back": "{step}: its effect can come after its undo; only a fenced action refuses that",
    "waits_for_ever": "{step}: the run can wait for ever; give the wait, the step or the run a timeout",
    "needs_attention": "{step}: the run can come to wait for an operator",
}
_SEVERITIES: Final[Mapping[Kind, Severity]] = {"brought_back": "warning", "needs_attention": "note"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One way in which a definition can go wrong.

    Attributes:
        kind: what goes wrong.
        step: with which step.
        severity: an `error` refutes the definition, a `warning` does where one is strict, a `note` never.
        message: one sentence for people.
        story: the shortest way there.
    """

    kind: Kind
    step: str
    severity: Severity
    message: str
    story: Story


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What was found out about a definition.

    Attributes:
        findings: what can go wrong, the worst first.
        states: how many states were looked at.
        schedules: in how many ways the run may go from its beginning to its end.
        ends: how many states there are of each end.
        faults: how many faults were reckoned with.
        cut: how often a loop was left because it came to a step for the third time.
        complete: False where there were too many states to look at all of them: nothing is proved then.
    """

    findings: tuple[Finding, ...]
    states: int
    schedules: int
    ends: Mapping[str, int]
    faults: int
    cut: int
    complete: bool

    @property
    def bound(self) -> str:
        """Up to where this holds, in one sentence."""
        loops = f"{VISITS} visits of a loop" if self.cut == 0 else f"{VISITS} visits of a loop (it can go on)"
        return f"up to {self.faults} faults, {ITEMS} items of a forEach, {loops}"

    def holds(self, *, strict: bool = False) -> bool:
        """Tell whether nothing can go wrong; `strict` counts warnings too."""
        refuting = {"error", "warning"} if strict else {"error"}
        return self.complete and not any(finding.severity in refuting for finding in self.findings)


def prove(
    definition: Definition,
    catalogue: ActionCatalogue | None = None,
    *,
    faults: int = FAULTS,
    given: Mapping[str, Any] | None = None,
    results: Mapping[str, Any] | None = None,
    max_states: int = MAX_STATES,
) -> Proof:
    """Look at everything that may happen to runs of a definition.

    Args:
        definition: what is proved; it must have passed validation.
        catalogue: what is known of the actions; of one that nobody knows the worst is believed.
        faults: how many faults may come in one run.
        given: a run's input; without one, conditions over it branch both ways.
        results: what steps answer, by their ids; the same holds for those of which nothing is said.
        max_states: how many states are looked at before giving up.
    """
    plan = Plan.of(definition, max_visits=VISITS)
    moves = Moves(plan, effects_of(plan, catalogue or NoCatalogue()), Knowledge.of(plan, given, results or {}))
    found = search(moves, faults=faults, max_states=max_states)
    findings = [_finding(fault, story) for fault, story in found.faults.items()]
    order = ("error", "warning", "note")
    return Proof(
        findings=tuple(sorted(findings, key=lambda one: (order.index(one.severity), len(one.story), one.step))),
        states=found.states,
        schedules=found.schedules,
        ends=found.ends,
        faults=faults,
        cut=moves.cut,
        complete=found.complete,
    )


def _finding(fault: Fault, story: Story) -> Finding:
    return Finding(
        kind=fault.kind,
        step=fault.step,
        severity=_SEVERITIES.get(fault.kind, "error"),
        message=_TELLS[fault.kind].format(step=fault.step),
        story=story,
    )
