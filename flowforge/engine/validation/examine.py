"""From a text, in any of the four forms, to a definition that can be published, or to all that is wrong with it."""

from dataclasses import dataclass, replace
from typing import Any

from flowforge.engine.definition.document import Document, Form, of_value, read
from flowforge.engine.definition.model import Definition
from flowforge.engine.definition.parse import MAX_PROBLEMS, in_order, parse
from flowforge.engine.definition.problems import DefinitionRefused, Problem
from flowforge.engine.dialects.normalise import Normalised, normalise
from flowforge.engine.validation.basics import check_basics
from flowforge.engine.validation.catalogue import ActionCatalogue, NoCatalogue
from flowforge.engine.validation.findings import Findings
from flowforge.engine.validation.identities import MAX_STEPS, check_identities
from flowforge.engine.validation.reads import check_reads
from flowforge.engine.validation.repeats import check_repeats
from flowforge.engine.validation.salvage import salvage
from flowforge.engine.validation.schemas import check_input_schema, check_params
from flowforge.engine.validation.structure import check_structure
from flowforge.engine.validation.undos import check_undos


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was found out about a text.

    Attributes:
        definition: what it defines; None where it has errors.
        problems: errors and warnings, in the order of the text; of very many the first thousand.
    """

    definition: Definition | None
    problems: tuple[Problem, ...]

    @property
    def errors(self) -> tuple[Problem, ...]:
        """What forbids the definition."""
        return tuple(problem for problem in self.problems if problem.severity == "error")

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """What is worth a look."""
        return tuple(problem for problem in self.problems if problem.severity == "warning")

    def accepted(self, *, strict: bool = False) -> Definition:
        """Return the definition.

        Args:
            strict: whether warnings forbid it too.

        Raises:
            DefinitionRefused: it has errors, or warnings where none are allowed.
        """
        if self.definition is None or (strict and self.problems):
            raise DefinitionRefused(self.problems)
        return self.definition


def examine(source: str | bytes, *, form: Form | None = None, catalogue: ActionCatalogue | None = None) -> Report:
    """Examine a text in JSON or YAML.

    Args:
        source: the text.
        form: what it is written in; None looks whether it begins as JSON does.
        catalogue: the actions there are; None says nothing of actions.
    """
    try:
        document = read(source, form=form)
    except DefinitionRefused as refused:
        return Report(definition=None, problems=refused.problems)
    return _examine(document, catalogue or NoCatalogue())


def examine_value(value: Any, *, catalogue: ActionCatalogue | None = None) -> Report:
    """Examine a JSON value that was read already; its problems have no lines."""
    try:
        document = of_value(value)
    except DefinitionRefused as refused:
        return Report(definition=None, problems=refused.problems)
    return _examine(document, catalogue or NoCatalogue())


def check(definition: Definition, catalogue: ActionCatalogue | None = None) -> tuple[Problem, ...]:
    """Return what is wrong with a definition whose shape is right, at pointers into its canonical form."""
    findings = Findings()
    check_identities(definition, findings)
    if len(definition.steps) > MAX_STEPS:  # whatever else is wrong with it is not worth the time
        return tuple(findings.problems)
    check_structure(definition, findings)
    check_reads(definition, findings)
    check_input_schema(definition, findings)
    check_basics(definition, findings)
    check_params(definition, catalogue or NoCatalogue(), findings)
    check_repeats(definition, catalogue or NoCatalogue(), findings)
    check_undos(definition, catalogue or NoCatalogue(), findings)
    return tuple(findings.problems)


def _examine(document: Document, catalogue: ActionCatalogue) -> Report:
    normalised = normalise(document.value)
    definition, problems = parse(normalised.body)
    whole = definition or salvage(normalised.body)
    if whole is not None:
        problems = (*problems, *check(whole, catalogue))
    placed = _placed(document, normalised, problems)
    has_errors = any(problem.severity == "error" for problem in placed)
    return Report(definition=None if has_errors else definition, problems=placed[:MAX_PROBLEMS])


def _placed(document: Document, normalised: Normalised, problems: tuple[Problem, ...]) -> tuple[Problem, ...]:
    """Return problems where the author wrote what they are about."""
    moved = [replace(problem, pointer=normalised.origins.source_of(problem.pointer)) for problem in problems]
    found = dict.fromkeys((*normalised.problems, *moved))
    return in_order(document.placed(problem) for problem in found)
