"""Definitions to be proved: chains and fans of steps that act, each with its undo."""

from typing import Any

from flowforge.engine.definition.model import Definition
from flowforge.engine.proof.prove import Finding, Proof, prove


def step(name: str, *after: str, **keys: Any) -> dict[str, Any]:
    """Return a step whose action and undo are called after it; `compensation=None` for one without."""
    body = {"id": name, "action": f"do-{name}", "dependsOn": list(after), "compensation": {"action": f"undo-{name}"}}
    return {key: value for key, value in {**body, **keys}.items() if value is not None}


def defined(*steps: dict[str, Any], **body: Any) -> Definition:
    return Definition.model_validate({"id": "d", "steps": list(steps), **body})


def chain(count: int, **keys: Any) -> Definition:
    """Return steps that follow one another."""
    return defined(*(step(f"s{n}", *([f"s{n - 1}"] if n else []), **keys) for n in range(count)))


def fan(count: int) -> Definition:
    """Return steps side by side."""
    return defined(*(step(f"s{n}") for n in range(count)))


def proved(*steps: dict[str, Any], faults: int = 2, **body: Any) -> Proof:
    return prove(defined(*steps, **body), faults=faults)


def found(proof: Proof) -> set[tuple[str, str]]:
    """Return what is wrong, without the notes."""
    return {(one.kind, one.step) for one in proof.findings if one.severity != "note"}


def finding(proof: Proof, kind: str, name: str) -> Finding:
    [one] = [one for one in proof.findings if (one.kind, one.step) == (kind, name)]
    return one


def told(one: Finding) -> list[str]:
    return [str(happening) for happening in one.story]
