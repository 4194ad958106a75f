"""Parameters with `${path}` in their strings, compiled when a definition is published and filled in for each step.

A string that is only a placeholder becomes the value itself, of whatever kind. In any other string a placeholder
becomes text: a string as it is, a number as JavaScript writes it, true, false and null by name, an object or array as
JSON. What was filled in is never looked at again, and keys are never filled in.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Self, TypeAlias

from flowforge.engine.expressions.errors import ExpressionFailure, Position
from flowforge.engine.expressions.errors import Reason as ReadReason
from flowforge.engine.expressions.evaluation import Evaluation
from flowforge.engine.expressions.references import Path, written
from flowforge.engine.expressions.values import UNDEFINED, Value, is_primitive, member, text
from flowforge.engine.json_texts import MAX_DEPTH, json_text
from flowforge.engine.placeholders import OPENING, Placeholder, PlaceholderError, split

MAX_TEXT: Final = 1024 * 1024
"""How many characters the strings of one rendering may have that were put together from parts."""

MAX_VALUES: Final = 100_000
"""How many values a template may hold, in all its objects and arrays."""


class Reason(StrEnum):
    """Why a template is refused or failed. The values are stable: programs may compare them."""

    # when it is published
    UNTERMINATED = "unterminated"
    BAD_PATH = "bad_path"
    TOO_DEEP = "too_deep"
    TOO_MANY_VALUES = "too_many_values"
    # when it is rendered
    MISSING_PATH = "missing_path"
    UNUSABLE_VALUE = "unusable_value"
    TOO_MUCH_TEXT = "too_much_text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something that is wrong with a template.

    Attributes:
        reason: stable, for programs.
        message: one sentence for people.
        pointer: JSON pointer of the string, or of the object or array, within the template.
        position: where in that string, None when it is no string.
    """

    reason: Reason
    message: str
    pointer: str
    position: Position | None = None


class TemplateSyntaxError(ValueError):
    """A template is wrong as it stands.

    Attributes:
        problems: everything that is wrong with it.
    """

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("; ".join(f"{problem.message} (at {problem.pointer or '/'})" for problem in problems[:3]))
        self.problems = problems


class TemplateFailure(ValueError):
    """A template cannot be rendered with these data; rendering it again with them fails again.

    Attributes:
        reason: stable, for programs.
        message: one sentence for people; it names the path, and holds no value from the data.
        path: the path, as the author wrote it.
        pointer: JSON pointer of the string within the template.
    """

    def __init__(self, reason: Reason, message: str, path: str, pointer: str) -> None:
        super().__init__(f"{message} (at {pointer or '/'})")
        self.reason = reason
        self.message = message
        self.path = path
        self.pointer = pointer


@dataclass(frozen=True, slots=True)
class TemplateReference:
    """One place in a template that reads the data.

    Attributes:
        placeholder: what stands there.
        pointer: JSON pointer of the string within the template.
        text: that string.
        is_whole: whether nothing but this stands there, so that null stays null.
    """

    placeholder: Placeholder
    pointer: str
    text: str = field(repr=False)
    is_whole: bool

    @property
    def path(self) -> Path:
        """What is read, `context.` left out; empty for the data as a whole."""
        return self.placeholder.path

    @property
    def written(self) -> str:
        """The path as its author wrote it."""
        return self.placeholder.written

    @property
    def position(self) -> Position:
        """Where in that string."""
        return Position.within(self.text, self.placeholder.at)

    @property
    def root(self) -> str | None:
        """The key of the data that is read; None for the data as a whole."""
        return str(self.path[0]) if self.path else None


class _Rendering:
    """One rendering: its data, and how much text it may still make."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.data = data
        self.evaluation = Evaluation("", data)
        self._left = MAX_TEXT

    def spend(self, characters: int) -> bool:
        self._left -= characters
        return self._left >= 0


_Render: TypeAlias = Callable[[_Rendering], Any]


@dataclass(frozen=True, slots=True)
class Template:
    """Compiled parameters, or any other JSON value with placeholders in its strings.

    Attributes:
        references: what it reads, in the order of the template.
    """

    references: tuple[TemplateReference, ...]
    _render: _Render = field(compare=False, repr=False)

    @classmethod
    def parse(cls, value: Any) -> Self:
        """Compile a JSON value.

        Raises:
            TemplateSyntaxError: a placeholder in it is malformed, or it is too deep or too large.
        """
        compiler = _Compiler()
        render = compiler.compile(value, "", 0)
        if compiler.problems:
            raise TemplateSyntaxError(tuple(compiler.problems))
        return cls(tuple(compiler.references), render or (lambda _: value))

    def render(self, data: dict[str, Any]) -> Any:
        """Return the value with every placeholder filled in.

        Args:
            data: JSON values by the names under which paths read them; `context` is all of them.

        Returns:
            A JSON value. It shares parts with the template and the data: whoever changes it makes a copy first.

        Raises:
            TemplateFailure: a path leads nowhere, or what it leads to is no JSON or too much.
        """
        return self._render(_Rendering(data))


class _Compiler:
    """Turns a value into a function that renders it; None stands for what always stays as it is."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.references: list[TemplateReference] = []
        self._left = MAX_VALUES

    def compile(self, value: Any, pointer: str, depth: int) -> _Render | None:
        self._left -= 1
        if isinstance(value, str):
            return self._string(value, pointer) if OPENING in value else None
        if not isinstance(value, (dict, list)):
            return None
        if depth >= MAX_DEPTH or self._left < 0:
            self._refuse_size(pointer, too_deep=depth >= MAX_DEPTH)
            return None
        members = list(value.items() if isinstance(value, dict) else enumerate(value))
        renders = {key: self.compile(inner, f"{pointer}/{_escaped(key)}", depth + 1) for key, inner in members}
        if not any(renders.values()):
            return None
        pairs = [(key, inner, renders[key]) for key, inner in members]
        if isinstance(value, dict):
            return lambda run: {key: render(run) if render else inner for key, inner, render in pairs}
        return lambda run: [render(run) if render else inner for _, inner, render in pairs]

    def _string(self, value: str, pointer: str) -> _Render | None:
        try:
            parts = split(value)
        except PlaceholderError as error:
            self.problems.append(
                Problem(reason=Reason(error.reason), message=error.message, pointer=pointer, position=error.position)
            )
            return None
        is_whole = len(parts) == 1
        self.references += [
            TemplateReference(part, pointer, value, is_whole) for part in parts if isinstance(part, Placeholder)
        ]
        match parts:
            case (Placeholder() as only,):
                return lambda run: _read(only, run, pointer)
            case _:
                return lambda run: "".join(_part(part, run, pointer) for part in parts)

    def _refuse_size(self, pointer: str, *, too_deep: bool) -> None:
        if too_deep:
            problem = Problem(reason=Reason.TOO_DEEP, message=f"nested deeper than {MAX_DEPTH}", pointer=pointer)
        elif any(problem.reason is Reason.TOO_MANY_VALUES for problem in self.problems):
            return
        else:
            message = f"more than {MAX_VALUES:,} values"
            problem = Problem(reason=Reason.TOO_MANY_VALUES, message=message, pointer=pointer)
        self.problems.append(problem)


def _read(placeholder: Placeholder, run: _Rendering, pointer: str) -> Value:
    """Return what a placeholder names."""
    value: Value = run.data
    for depth, segment in enumerate(placeholder.path):
        try:
            value = member(value, str(segment), run.evaluation, 0)
        except ExpressionFailure as failure:
            if failure.reason is not ReadReason.CANNOT_READ:
                raise _failure(Reason.UNUSABLE_VALUE, failure.message, placeholder, pointer) from failure
            value = UNDEFINED
        if value is UNDEFINED:
            where = written(placeholder.path[:depth]) or "the data"
            message = f"there is no `{placeholder.written}`: {where} has no {segment}"
            raise _failure(Reason.MISSING_PATH, message, placeholder, pointer)
    return value


def _part(part: str | Placeholder, run: _Rendering, pointer: str) -> str:
    if isinstance(part, str):
        shown = part
    else:
        value = _read(part, run, pointer)
        try:
            shown = text(value, run.evaluation, 0) if is_primitive(value) else json_text(value, run.evaluation)
        except ExpressionFailure as failure:
            raise _failure(Reason.UNUSABLE_VALUE, failure.message, part, pointer) from failure
    if not run.spend(len(shown)):
        path = part if isinstance(part, str) else part.written
        raise TemplateFailure(Reason.TOO_MUCH_TEXT, f"more than {MAX_TEXT:,} characters of text", path, pointer)
    return shown


def _failure(reason: Reason, message: str, placeholder: Placeholder, pointer: str) -> TemplateFailure:
    return TemplateFailure(reason, message, placeholder.written, pointer)


def _escaped(key: str | int) -> str:
    return str(key).replace("~", "~0").replace("/", "~1")
