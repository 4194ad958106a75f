"""What follows a value: `.name`, `[key]`, a method's call, each also after `?.`."""
# ruff: noqa: D102  what calling a node means is said at Node

from dataclasses import dataclass
from typing import TypeAlias

from flowforge.engine.expressions.errors import Reason
from flowforge.engine.expressions.evaluation import Evaluation
from flowforge.engine.expressions.functions import Method
from flowforge.engine.expressions.nodes import Node
from flowforge.engine.expressions.values import UNDEFINED, Value, element, is_number, kind_of, member, text


@dataclass(frozen=True, slots=True)
class Member:
    """`.name`, or a key that stands in the text."""

    name: str
    optional: bool
    at: int

    def follow(self, value: Value, evaluation: Evaluation) -> Value:
        """Return what `value` holds under the name."""
        return member(value, self.name, evaluation, self.at)


@dataclass(frozen=True, slots=True)
class Index:
    """`[key]`, where the key must be evaluated, or is a number."""

    key: Node
    optional: bool
    at: int

    def follow(self, value: Value, evaluation: Evaluation) -> Value:
        """Return what `value` holds under the key."""
        if value is None or value is UNDEFINED:
            raise evaluation.failure(Reason.CANNOT_READ, f"cannot read a member of {kind_of(value)}", self.at)
        key = self.key(evaluation)
        if is_number(key) and isinstance(value, list | str):
            return element(value, key, evaluation, self.at)  # type: ignore[arg-type]  # is_number says so
        return member(value, text(key, evaluation, self.at), evaluation, self.at)


@dataclass(frozen=True, slots=True)
class Call:
    """`.method(argument)`."""

    name: str
    method: Method
    argument: Node
    optional: bool
    at: int

    def follow(self, value: Value, evaluation: Evaluation) -> Value:
        """Return the method's answer."""
        if value is None or value is UNDEFINED:
            raise evaluation.failure(Reason.CANNOT_READ, f"cannot read `{self.name}` of {kind_of(value)}", self.at)
        return self.method(value, self.argument(evaluation), evaluation, self.at)


Link: TypeAlias = Member | Index | Call


@dataclass(frozen=True, slots=True)
class Chain:
    """A value and what is read from it, link by link; `?.` after null or undefined ends it with undefined."""

    first: Node
    links: tuple[Link, ...]

    def __call__(self, evaluation: Evaluation) -> Value:
        value = self.first(evaluation)
        for link in self.links:
            if link.optional and (value is None or value is UNDEFINED):
                return UNDEFINED
            evaluation.spend(1, link.at)
            value = link.follow(value, evaluation)
        return value
