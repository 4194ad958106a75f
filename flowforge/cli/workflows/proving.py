"""`workflows prove`: what was found, as people read it."""

from collections.abc import Iterator
from pathlib import Path

import typer

from flowforge.cli.workflows.reading import definition_of, input_of, known_actions
from flowforge.engine.proof.prove import Finding, Proof, prove
from flowforge.engine.proof.reproduction import reproduction


def print_proof(
    file: Path, *, faults: int, given: Path | None, strict: bool, actions: str | None, tests: Path | None
) -> bool:
    """Prove a definition, print what was found, and tell whether the proof holds."""
    known = known_actions(actions)
    definition = definition_of(file, known)
    value = input_of(given)
    proof = prove(definition, known, faults=faults, given=value)
    for line in told(proof, strict=strict):
        typer.echo(line)
    if tests is not None:
        for finding in proof.findings:
            if finding.severity != "note":
                place = tests / f"{file.stem}.{finding.kind}.{finding.step}.test.yaml"
                workflow = Path(file).resolve()
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_text(reproduction(finding, str(workflow), given=value))
                typer.echo(f"wrote {place}")
    return proof.holds(strict=strict)


def told(proof: Proof, *, strict: bool) -> Iterator[str]:
    """Yield a proof as people read it."""
    for finding in proof.findings:
        yield from _finding(finding, strict=strict)
    ends = ", ".join(f"{count:,} {end}" for end, count in sorted(proof.ends.items()))
    yield f"{proof.states:,} states, {proof.schedules:,} schedules; ends: {ends or 'none'}"
    if not proof.complete:
        yield "Nothing is proved: there are more states than are looked at. Fewer faults, or an input, make it fewer."
    elif proof.holds(strict=strict):
        yield f"Proved, {proof.bound}: no effect is left half done, and no run waits for ever."
    else:
        yield f"Refuted, {proof.bound}."


def _finding(finding: Finding, *, strict: bool) -> Iterator[str]:
    severity = "error" if strict and finding.severity == "warning" else finding.severity
    yield f"{severity}: {finding.message} [{finding.kind}]"
    for number, happening in enumerate(finding.story, start=1):
        yield f"  {number}. {happening}"
    yield ""
