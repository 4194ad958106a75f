"""From an expression's text to its tree, by precedence climbing.

The grammar:

- value     = operation [ "?" value ":" value ]
- operation = operand { operator operand }, by LEVELS
- operand   = { "!" | "-" | "+" } primary { link }
- primary   = number | string | name | "(" value ")" | array | object | "Math." function "(" [ values ] ")"
- link      = "." name | "?." name | "[" value "]" | "?.[" value "]" | ( "." | "?." ) method "(" value ")"
"""

from collections.abc import Callable
from typing import Final

from flowforge.engine.expressions.chains import Call, Chain, Index, Link, Member
from flowforge.engine.expressions.errors import Reason
from flowforge.engine.expressions.functions import MATH, METHODS
from flowforge.engine.expressions.nodes import (
    ArrayOf,
    Choice,
    Conditional,
    Literal,
    MathCall,
    Node,
    Not,
    ObjectOf,
    Operation,
    Root,
    Signed,
    Whole,
)
from flowforge.engine.expressions.numbers import text_of_number
from flowforge.engine.expressions.operators import OPERATORS, Operator
from flowforge.engine.expressions.references import Path, Reference
from flowforge.engine.expressions.stream import TokenStream
from flowforge.engine.expressions.tokens import Token
from flowforge.engine.expressions.values import UNDEFINED, Value, truthy
from flowforge.engine.expressions.words import CONSTANTS, CONTEXT, MATH_OBJECT, RESERVED


def _present(value: Value) -> bool:
    return value is not None and value is not UNDEFINED


def _falsy(value: Value) -> bool:
    return not truthy(value)


_CHOICES: Final[dict[str, Callable[[Value], bool]]] = {"??": _present, "||": truthy, "&&": _falsy}

_LEVELS: Final = {
    operator: level
    for level, operators in enumerate(
        ["??", "||", "&&", "== != === !==", "< <= > >= in", "+ -", "* / %"],
    )
    for operator in operators.split()
}
"""The higher, the tighter; JavaScript lets `??` not stand beside `||` and `&&` at all."""

_BEFORE_A_VALUE: Final = frozenset({"!", "-", "+"})
_BEHIND_A_VALUE: Final = frozenset({".", "?.", "["})


def parse(text: str) -> tuple[Node, tuple[Reference, ...]]:
    """Return the tree of an expression, and what it reads, in the order of the text.

    Raises:
        ExpressionSyntaxError: it is no expression of this language.
    """
    parser = _Parser(TokenStream(text))
    node = parser.expression()
    found = sorted(parser.read.items())
    return node, tuple(Reference(path, at, text) for at, path in found)


class _Parser:
    def __init__(self, stream: TokenStream) -> None:
        self._stream = stream
        # Kept alive too, so that no other node gets the id of one that is gone.
        self._in_brackets: dict[int, Node] = {}
        self.read: dict[int, Path] = {}

    def expression(self) -> Node:
        node = self._value()
        if self._stream.token.kind != "end":
            self._stream.refuse_token("the expression is complete before it")
        return node

    def _value(self) -> Node:
        self._stream.descend()
        node = self._operation(0)
        at = self._stream.token.at
        if self._stream.take_sign("?"):
            then = self._value()
            self._stream.expect_sign(":")
            node = Conditional(node, then, self._value(), at)
        self._stream.ascend()
        return node

    def _operation(self, level: int) -> Node:
        node = self._operand()
        while (found := self._level()) >= level:
            node = self._choice(node, found) if self._stream.token.text in _CHOICES else self._sequence(node, found)
        return node

    def _level(self) -> int:
        return _LEVELS.get(self._stream.token.text, -1)

    def _right_of(self, level: int) -> Node:
        self._stream.descend()
        node = self._operation(level + 1)
        self._stream.ascend()
        return node

    def _sequence(self, first: Node, level: int) -> Node:
        rest: list[tuple[Operator, Node, int]] = []
        while self._level() == level:
            sign = self._stream.take()
            rest.append((OPERATORS[sign.text], self._right_of(level), sign.at))
        return Operation(first, tuple(rest))

    def _choice(self, first: Node, level: int) -> Node:
        sign = self._stream.token
        operands = [first]
        while self._level() == level:
            self._stream.take()
            operands.append(self._right_of(level))
        bare = any(isinstance(operand, Choice) and id(operand) not in self._in_brackets for operand in operands)
        if sign.text == "??" and bare:
            self._stream.refuse(
                Reason.MIXED_OPERATORS, "`??` beside `||` or `&&` needs brackets to say which comes first", sign.at
            )
        return Choice(tuple(operands), _CHOICES[sign.text], sign.at)

    def _operand(self) -> Node:
        if self._stream.token.text not in _BEFORE_A_VALUE:
            return self._chain()
        self._stream.descend()
        sign = self._stream.take()
        operand = self._operand()
        self._stream.ascend()
        return Not(operand, sign.at) if sign.text == "!" else Signed(operand, sign.text == "-", sign.at)

    def _chain(self) -> Node:
        start = self._stream.token
        first = self._primary()
        links: list[Link] = []
        while self._stream.token.text in _BEHIND_A_VALUE:
            links.append(self._link())
        if self._stream.at_sign("("):
            self._stream.refuse(Reason.UNKNOWN_FUNCTION, "a value cannot be called", self._stream.token.at)
        if start.kind == "name" and isinstance(first, (Root, Whole)):
            path: Path = (first.name,) if isinstance(first, Root) else ()
            self.read[start.at] = path + _known_part(links)
        return Chain(first, tuple(links)) if links else first

    def _link(self) -> Link:
        sign = self._stream.take()
        optional = sign.text == "?."
        if sign.text == "[" or (optional and self._stream.take_sign("[")):
            key = self._value()
            self._stream.expect_sign("]")
            if isinstance(key, Literal) and isinstance(key.value, str):
                return Member(key.value, optional, sign.at)
            return Index(key, optional, sign.at)
        if self._stream.token.kind != "name":
            self._stream.refuse_token(f"a name must follow `{sign.text}`")
        name = self._stream.take()
        return self._call(name, optional) if self._stream.at_sign("(") else Member(name.text, optional, name.at)

    def _call(self, name: Token, optional: bool) -> Link:  # noqa: FBT001  as Call has it
        if name.text not in METHODS:
            known = " and ".join(f"`{method}`" for method in METHODS)
            message = f"there is no method `{name.text}` here, only {known}; the action `transform` has them all"
            self._stream.refuse(Reason.UNKNOWN_FUNCTION, message, name.at)
        arguments = self._values_until(")")
        if len(arguments) != 1:
            self._stream.refuse(Reason.WRONG_ARGUMENTS, f"`{name.text}` takes one argument", name.at)
        return Call(name.text, METHODS[name.text], arguments[0], optional, name.at)

    def _primary(self) -> Node:
        token = self._stream.token
        if token.kind == "name":
            return self._name()
        if token.kind in ("number", "string"):
            self._stream.take()
            return Literal(token.value, token.at)
        if token.text == "(":
            return self._brackets()
        if token.text == "[":
            return ArrayOf(self._values_until("]"), token.at)
        if token.text == "{":
            return self._object()
        return self._stream.refuse_token("a value is missing")

    def _name(self) -> Node:
        token = self._stream.take()
        if token.text in CONSTANTS:
            return Literal(CONSTANTS[token.text], token.at)
        if token.text == MATH_OBJECT:
            return self._math(token)
        if token.text in RESERVED:
            message = f"`{token.text}` is a word of JavaScript's own; data of this name are `context.{token.text}`"
            self._stream.refuse(Reason.RESERVED_WORD, message, token.at)
        if self._stream.at_sign("("):
            self._stream.refuse(Reason.UNKNOWN_FUNCTION, f"there is no function `{token.text}`", token.at)
        return Whole(token.at) if token.text == CONTEXT else Root(token.text, token.at)

    def _math(self, start: Token) -> Node:
        name = self._stream.take().text if self._stream.take_sign(".") else ""
        function = MATH.get(name)
        if function is None or not self._stream.at_sign("("):
            known = ", ".join(f"Math.{each}(…)" for each in MATH)
            self._stream.refuse(Reason.UNKNOWN_FUNCTION, f"of `Math` there are {known}", start.at)
        arguments = self._values_until(")")
        if function.takes not in {None, len(arguments)}:
            self._stream.refuse(Reason.WRONG_ARGUMENTS, f"`Math.{name}` takes one argument", start.at)
        return MathCall(function, arguments, start.at)

    def _brackets(self) -> Node:
        self._stream.take()
        node = self._value()
        self._stream.expect_sign(")")
        self._in_brackets[id(node)] = node
        return node

    def _values_until(self, closing: str) -> tuple[Node, ...]:
        """Read values after the opening bracket that comes next; a comma may stand after the last one."""
        self._stream.take()
        values: list[Node] = []
        while not self._stream.at_sign(closing):
            values.append(self._value())
            if not self._stream.take_sign(","):
                break
        self._stream.expect_sign(closing)
        return tuple(values)

    def _object(self) -> Node:
        start = self._stream.take()
        members: list[tuple[str, Node]] = []
        while not self._stream.at_sign("}"):
            members.append(self._object_member())
            if not self._stream.take_sign(","):
                break
        self._stream.expect_sign("}")
        return ObjectOf(tuple(members), start.at)

    def _object_member(self) -> tuple[str, Node]:
        key = self._stream.token
        if key.kind not in ("name", "string", "number"):
            self._stream.refuse_token("a member's name is missing")
        self._stream.take()
        name = key.value if isinstance(key.value, str) else text_of_number(key.value)
        if name == "__proto__":
            self._stream.refuse(Reason.UNSUPPORTED, "`__proto__` is no ordinary name in JavaScript", key.at)
        self._stream.expect_sign(":")
        return name, self._value()


def _known_part(links: list[Link]) -> Path:
    """Return the names and indexes up to the first link that only an evaluation can tell."""
    path: list[str | int] = []
    for link in links:
        if isinstance(link, Member):
            path.append(link.name)
        elif isinstance(link, Index) and isinstance(link.key, Literal) and type(link.key.value) is int:
            path.append(link.key.value)
        else:
            break
    return tuple(path)
