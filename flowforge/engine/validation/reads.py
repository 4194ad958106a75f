"""Expressions and templates: each is compiled where it stands, and every name that it reads must mean something."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flowforge.engine.definition.model import Definition
from flowforge.engine.definition.names import UNDO
from flowforge.engine.definition.pointers import join
from flowforge.engine.definition.selectors import KeyInput, KeysInput, PathInput, TemplateInput
from flowforge.engine.definition.step import Step
from flowforge.engine.expressions.errors import ExpressionSyntaxError
from flowforge.engine.expressions.expression import Expression
from flowforge.engine.placeholders import OPENING
from flowforge.engine.templates import Template, TemplateSyntaxError
from flowforge.engine.validation.basics import asked_of
from flowforge.engine.validation.findings import Findings, each_step
from flowforge.engine.validation.scope import Scope


@dataclass(frozen=True, slots=True)
class _Read:
    """A name that something reads.

    Attributes:
        path: the whole path, the name first; empty for all data.
        written: as its author wrote it.
        pointer: where.
        is_whole: whether nothing but this stands there, so that null stays null.
    """

    path: tuple[str | int, ...]
    written: str
    pointer: str
    is_whole: bool


@dataclass(frozen=True, slots=True)
class _Place:
    """Who reads, and which names only this place knows."""

    step: str | None
    own: frozenset[str] = frozenset()
    sees_itself: bool = False
    is_undo: bool = False


def check_reads(definition: Definition, findings: Findings) -> None:
    """Check everything in a definition that is looked up when it runs."""
    scope, reads = Scope.of(definition), _Reads(findings)
    for pointer, step in each_step(definition):
        for place, read in reads.of_step(pointer, step):
            _check(read, place, scope, findings)
    for read in reads.of_template(definition.output, "/output"):
        _check(read, _Place(None), scope, findings)
    for index, trigger in enumerate(definition.triggers):
        if trigger.condition is not None:  # it reads the event's data, of which nothing is known
            list(reads.of_expression(trigger.condition, join("/triggers", index, "condition")))


@dataclass(frozen=True, slots=True)
class _Compiled:
    """What a text reads, or what is wrong with it.

    Attributes:
        reads: what is read, and as its author wrote it.
        is_whole: whether nothing but one such name stands there.
        errors: what is wrong, in words.
    """

    reads: tuple[tuple[tuple[str | int, ...], str], ...] = ()
    is_whole: bool = True
    errors: tuple[str, ...] = ()


class _Reads:
    """Finds what a definition reads. Its texts are compiled once each: most stand in more than one of its steps."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._expressions: dict[str, _Compiled] = {}
        self._templates: dict[str, _Compiled] = {}

    def of_step(self, pointer: str, step: Step) -> Iterator[tuple[_Place, _Read]]:
        before = _Place(step.id)
        if step.condition is not None:
            yield from ((before, read) for read in self.of_expression(step.condition, join(pointer, "condition")))
        names: frozenset[str] = frozenset()
        if step.for_each is not None:
            names = frozenset({step.for_each.as_})
            place = join(pointer, "forEach", "items")
            items = step.for_each.items
            is_expression = isinstance(items, str) and OPENING not in items
            read_items = self.of_expression(str(items), place) if is_expression else self.of_template(items, place)
            yield from ((before, read) for read in read_items)
        within = _Place(step.id, names)
        yield from ((within, read) for read in self.of_template(step.params, join(pointer, "params")))
        if (asked := asked_of(step)) is not None:
            place = join(pointer, "params", "expression")
            yield from ((within, read) for read in self.of_expression(asked, place))
        yield from ((within, read) for read in self._of_selector(step, join(pointer, "input")))
        if step.compensation is not None:
            undo = _Place(step.id, names | {UNDO}, sees_itself=True, is_undo=True)
            place = join(pointer, "compensation", "params")
            yield from ((undo, read) for read in self.of_template(step.compensation.params, place))
        if isinstance(step.transitions, tuple):
            after = _Place(step.id, sees_itself=True)
            for index, way in enumerate(step.transitions):
                if way.condition is not None:
                    place = join(pointer, "transitions", index, "condition")
                    yield from ((after, read) for read in self.of_expression(way.condition, place))

    def of_expression(self, text: str, pointer: str) -> Iterator[_Read]:
        if text not in self._expressions:
            self._expressions[text] = _compiled_expression(text)
        return self._found(self._expressions[text], pointer, "FF-1010")

    def of_template(self, value: Any, pointer: str) -> Iterator[_Read]:
        for place, text in _strings(value, pointer):
            if text not in self._templates:
                self._templates[text] = _compiled_template(text)
            yield from self._found(self._templates[text], place, "FF-1011")

    def _of_selector(self, step: Step, pointer: str) -> Iterator[_Read]:
        match step.input:
            case KeyInput(key=key):
                yield _Read((key,), key, join(pointer, "key"), is_whole=True)
            case KeysInput(keys=keys):
                yield from (_Read((key,), key, join(pointer, "keys", at), is_whole=True) for at, key in enumerate(keys))
            case PathInput(path=path):
                yield from (
                    _Read(read.path, read.written, join(pointer, "path"), is_whole=True)
                    for read in self.of_template(f"${{{path}}}", join(pointer, "path"))
                )
            case TemplateInput(template=template):
                yield from self.of_template(template, join(pointer, "template"))

    def _found(self, compiled: _Compiled, pointer: str, code: str) -> Iterator[_Read]:
        for error in compiled.errors:
            self._findings.add(code, error, pointer)
        for path, written in compiled.reads:
            yield _Read(path, written, pointer, compiled.is_whole)


def _compiled_expression(text: str) -> _Compiled:
    try:
        references = Expression.parse(text).references
    except ExpressionSyntaxError as error:
        return _Compiled(errors=(f"bad expression: {error}",))
    return _Compiled(tuple((each.path, ".".join(map(str, each.path))) for each in references))


def _compiled_template(text: str) -> _Compiled:
    try:
        references = Template.parse(text).references
    except TemplateSyntaxError as error:
        places = (
            "" if problem.position is None else f" (column {problem.position.column})" for problem in error.problems
        )
        found = zip(error.problems, places, strict=True)
        return _Compiled(errors=tuple(f"bad template: {problem.message}{place}" for problem, place in found))
    is_whole = len(references) == 1 and text.startswith(OPENING) and text.index("}") == len(text) - 1
    return _Compiled(tuple((each.path, each.written) for each in references), is_whole)


def _strings(value: Any, pointer: str) -> Iterator[tuple[str, str]]:
    """Yield the strings of a value that read something, each by itself: one that is wrong hides no other."""
    if isinstance(value, str):
        if OPENING in value:
            yield pointer, value
    elif isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            if not isinstance(inner, str):
                yield from _strings(inner, join(pointer, key))
            elif OPENING in inner:
                yield join(pointer, key), inner


def _check(read: _Read, place: _Place, scope: Scope, findings: Findings) -> None:
    if not read.path:
        return
    name = str(read.path[0])
    if name == UNDO:
        _check_undo(read, place, findings)
    elif name in place.own or name in scope.inputs:
        return
    elif name in scope.producers:
        _check_order(name, read, place, scope, findings)
    elif scope.is_closed:
        hint = findings.meant(name, scope.known)
        findings.add("FF-1012", f'"{name}" is neither in the input nor a result', read.pointer, hint)
    else:
        hint = findings.meant(name, scope.known)
        if scope.has_schema or hint is not None:  # without a schema any name may be one of the input's
            findings.add("FF-1103", f'nothing defines "{name}"', read.pointer, hint)


def _check_undo(read: _Read, place: _Place, findings: Findings) -> None:
    if not place.is_undo:
        findings.add("FF-1025", f'"{read.written}" is known to compensations only', read.pointer)
    elif len(read.path) > 1 and read.path[1] not in {"key", "result"}:
        hint = "there are undo.key and undo.result"
        findings.add("FF-1012", f'"{read.written}" is not known', read.pointer, hint)
    elif read.path[1:2] == ("result",) and (len(read.path) > 2 or not read.is_whole):
        hint = "it is null when the step died before it answered: use undo.key, or hand ${undo.result} on as it is"
        findings.add("FF-1102", f'"{read.written}" may not be there', read.pointer, hint)


def _check_order(name: str, read: _Read, place: _Place, scope: Scope, findings: Findings) -> None:
    if place.step is None:
        return
    producers = scope.producers[name]
    if place.step in producers and place.sees_itself:
        return
    if scope.before is None:
        if producers != {place.step}:
            return
    elif scope.before.has_any(producers, of=place.step):
        return
    hint = f'have "{place.step}" depend on the step' if scope.before is not None else None
    findings.add("FF-1104", f'"{read.written}" is a result that may not be there yet', read.pointer, hint)
