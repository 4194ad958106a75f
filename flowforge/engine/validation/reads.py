"""Expressions and templates: each is compiled where it stands, and every name that it reads must mean something."""

from dataclasses import dataclass
from typing import Any

from flowforge.engine.definition.model import Definition
from flowforge.engine.definition.names import UNDO
from flowforge.engine.definition.pointers import join
from flowforge.engine.definition.selectors import KeyInput, KeysInput, PathInput, Selector, TemplateInput
from flowforge.engine.definition.step import Step
from flowforge.engine.expressions.errors import ExpressionSyntaxError
from flowforge.engine.expressions.expression import Expression
from flowforge.engine.placeholders import OPENING
from flowforge.engine.templates import Template, TemplateSyntaxError
from flowforge.engine.validation.basics import asked_of
from flowforge.engine.validation.findings import Findings, each_step
from flowforge.engine.validation.scope import Scope


@dataclass(frozen=True, slots=True)
class _Place:
    """Who reads, and which names only this place knows."""

    step: str | None
    own: frozenset[str] = frozenset()
    sees_itself: bool = False
    is_undo: bool = False


@dataclass(frozen=True, slots=True)
class _Read:
    """A name that a text reads.

    Attributes:
        path: the whole path, the name first; empty for all data.
        written: as its author wrote it.
        is_whole: whether nothing but this stands there, so that null stays null.
    """

    path: tuple[str | int, ...]
    written: str
    is_whole: bool = True


@dataclass(frozen=True, slots=True)
class _Compiled:
    """What a text reads, or what is wrong with it, in words."""

    reads: tuple[_Read, ...] = ()
    errors: tuple[str, ...] = ()


def check_reads(definition: Definition, findings: Findings) -> None:
    """Check everything in a definition that is looked up when it runs."""
    reads = _Reads(Scope.of(definition), findings)
    for pointer, step in each_step(definition):
        reads.check_step(step, pointer)
    reads.check_template(definition.output, "/output", _Place(None))
    for index, trigger in enumerate(definition.triggers):
        if trigger.condition is not None:
            reads.check_expression(trigger.condition, join("/triggers", index, "condition"), None)


class _Reads:
    """Checks what texts read. Each is compiled once: most stand in more than one step of their definition."""

    def __init__(self, scope: Scope, findings: Findings) -> None:
        self._scope = scope
        self._findings = findings
        self._expressions: dict[str, _Compiled] = {}
        self._templates: dict[str, _Compiled] = {}

    def check_step(self, step: Step, pointer: str) -> None:
        before = within = _Place(step.id)
        if step.condition is not None:
            self.check_expression(step.condition, join(pointer, "condition"), before)
        if step.for_each is not None:
            within = _Place(step.id, frozenset({step.for_each.as_}))
            items, place = step.for_each.items, join(pointer, "forEach", "items")
            if isinstance(items, str) and OPENING not in items:
                self.check_expression(items, place, before)
            else:
                self.check_template(items, place, before)
        self.check_template(step.params, join(pointer, "params"), within)
        if (asked := asked_of(step)) is not None:
            self.check_expression(asked, join(pointer, "params", "expression"), within)
        if step.input is not None:
            self._check_selector(step.input, join(pointer, "input"), within)
        if step.compensation is not None and step.compensation.params is not None:
            undo = _Place(step.id, within.own | {UNDO}, sees_itself=True, is_undo=True)
            self.check_template(step.compensation.params, join(pointer, "compensation", "params"), undo)
        if isinstance(step.transitions, tuple):
            after = _Place(step.id, sees_itself=True)
            for index, way in enumerate(step.transitions):
                if way.condition is not None:
                    self.check_expression(way.condition, join(pointer, "transitions", index, "condition"), after)

    def check_expression(self, text: str, pointer: str, place: _Place | None) -> None:
        """Check an expression; without a place it reads something of which nothing is known."""
        compiled = self._expressions.get(text)
        if compiled is None:
            compiled = self._expressions[text] = _compiled_expression(text)
        self._check(compiled, pointer, place, "FF-1010")

    def check_template(self, value: Any, pointer: str, place: _Place) -> None:
        """Check the strings of a value that read something, each by itself: one that is wrong hides no other."""
        if isinstance(value, str):
            if OPENING in value:
                compiled = self._templates.get(value)
                if compiled is None:
                    compiled = self._templates[value] = _compiled_template(value)
                self._check(compiled, pointer, place, "FF-1011")
        elif isinstance(value, (dict, list)):
            for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
                if isinstance(inner, (dict, list)) or (isinstance(inner, str) and OPENING in inner):
                    self.check_template(inner, join(pointer, key), place)

    def _check_selector(self, selector: Selector, pointer: str, place: _Place) -> None:
        match selector:
            case KeyInput(key=key):
                self._check_read(_Read((key,), key), join(pointer, "key"), place)
            case KeysInput(keys=keys):
                for at, key in enumerate(keys):
                    self._check_read(_Read((key,), key), join(pointer, "keys", at), place)
            case PathInput(path=path):
                self.check_template(f"${{{path}}}", join(pointer, "path"), place)
            case TemplateInput(template=template):
                self.check_template(template, join(pointer, "template"), place)

    def _check(self, compiled: _Compiled, pointer: str, place: _Place | None, code: str) -> None:
        for error in compiled.errors:
            self._findings.add(code, error, pointer)
        if place is not None:
            for read in compiled.reads:
                self._check_read(read, pointer, place)

    def _check_read(self, read: _Read, pointer: str, place: _Place) -> None:
        if not read.path:
            return
        name, scope = str(read.path[0]), self._scope
        if name == UNDO:
            _check_undo(read, pointer, place, self._findings)
        elif name in place.own or name in scope.inputs:
            return
        elif name in scope.producers:
            self._check_order(name, read, pointer, place)
        else:
            hint = self._findings.meant(name, scope.known)
            if scope.is_closed:
                self._findings.add("FF-1012", f'"{name}" is neither in the input nor a result', pointer, hint)
            elif scope.has_schema or hint is not None:  # without a schema any name may be one of the input's
                self._findings.add("FF-1103", f'nothing defines "{name}"', pointer, hint)

    def _check_order(self, name: str, read: _Read, pointer: str, place: _Place) -> None:
        producers, before = self._scope.producers[name], self._scope.before
        if place.step is None or (place.step in producers and place.sees_itself):
            return
        if producers != {place.step} if before is None else before.has_any(producers, of=place.step):
            return
        hint = f'have "{place.step}" depend on the step' if before is not None else None
        self._findings.add("FF-1104", f'"{read.written}" is a result that may not be there yet', pointer, hint)


def _compiled_expression(text: str) -> _Compiled:
    try:
        references = Expression.parse(text).references
    except ExpressionSyntaxError as error:
        return _Compiled(errors=(f"bad expression: {error}",))
    return _Compiled(tuple(_Read(each.path, ".".join(map(str, each.path))) for each in references))


def _compiled_template(text: str) -> _Compiled:
    try:
        references = Template.parse(text).references
    except TemplateSyntaxError as error:
        places = (
            "" if problem.position is None else f" (column {problem.position.column})" for problem in error.problems
        )
        found = zip(error.problems, places, strict=True)
        return _Compiled(errors=tuple(f"bad template: {problem.message}{place}" for problem, place in found))
    return _Compiled(tuple(_Read(each.path, each.written, each.is_whole) for each in references))


def _check_undo(read: _Read, pointer: str, place: _Place, findings: Findings) -> None:
    if not place.is_undo:
        findings.add("FF-1025", f'"{read.written}" is known to compensations only', pointer)
    elif len(read.path) > 1 and read.path[1] not in {"key", "result"}:
        hint = "there are undo.key and undo.result"
        findings.add("FF-1012", f'"{read.written}" is not known', pointer, hint)
    elif read.path[1:2] == ("result",) and (len(read.path) > 2 or not read.is_whole):
        hint = "it is null when the step died before it answered: use undo.key, or hand ${undo.result} on as it is"
        findings.add("FF-1102", f'"{read.written}" may not be there', pointer, hint)
