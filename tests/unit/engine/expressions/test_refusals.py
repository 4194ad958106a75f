"""What is refused when it is published and what fails when it is evaluated: the reason, and where."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from flowforge.engine.expressions.errors import ExpressionFailure, ExpressionSyntaxError, Reason
from flowforge.engine.expressions.expression import MAX_BYTES, Expression


class _Trap(dict[str, Any]):
    """A dict of another type, which must not even be asked."""

    def get(self, *_: Any) -> Any:
        raise AssertionError("looked into")


@pytest.mark.parametrize(
    ("text", "reason", "line", "column"),
    [
        ("", Reason.UNEXPECTED_END, 1, 1),
        ("  ", Reason.UNEXPECTED_END, 1, 3),
        ("a &&", Reason.UNEXPECTED_END, 1, 5),
        ("(1", Reason.UNEXPECTED_END, 1, 3),
        ("a ? b", Reason.UNEXPECTED_END, 1, 6),
        ("{a: 1", Reason.UNEXPECTED_END, 1, 6),
        ("a.", Reason.UNEXPECTED_END, 1, 3),
        ("1 2", Reason.UNEXPECTED_TOKEN, 1, 3),
        ("a b", Reason.UNEXPECTED_TOKEN, 1, 3),
        ("a +\n\n  * b", Reason.UNEXPECTED_TOKEN, 3, 3),
        ("a +\r\n)", Reason.UNEXPECTED_TOKEN, 2, 1),
        ("a.'b'", Reason.UNEXPECTED_TOKEN, 1, 3),
        ("a?.(1)", Reason.UNEXPECTED_TOKEN, 1, 4),
        ("{a}", Reason.UNEXPECTED_TOKEN, 1, 3),
        ("a = 1", Reason.UNSUPPORTED, 1, 3),
        ("a\n& b", Reason.UNSUPPORTED, 2, 1),
        ("a --> b", Reason.UNSUPPORTED, 1, 3),
        ("a #b", Reason.UNSUPPORTED, 1, 3),
        ("a \0 b", Reason.UNEXPECTED_CHARACTER, 1, 3),
        ("a 😀 b", Reason.UNEXPECTED_CHARACTER, 1, 3),
        ("a\u200b", Reason.UNEXPECTED_CHARACTER, 1, 2),
        ("\ud800", Reason.UNEXPECTED_CHARACTER, 1, 1),
        ("1 + 2x", Reason.BAD_NUMBER, 1, 5),
        ("1.2.3.a", Reason.UNEXPECTED_TOKEN, 1, 4),
        ("9" * 310, Reason.BAD_NUMBER, 1, 1),
        ("'a", Reason.BAD_STRING, 1, 1),
        ("'a\nb'", Reason.BAD_STRING, 1, 1),
        ("a + '\\u12'", Reason.BAD_STRING, 1, 6),
        ("'\\u{110000}'", Reason.BAD_STRING, 1, 2),
        ("'\\ud83d'", Reason.LONE_SURROGATE, 1, 1),
        ("'\\ude00\\ud83d'", Reason.LONE_SURROGATE, 1, 1),
        ("'\ud83d'", Reason.LONE_SURROGATE, 1, 1),
        ("new + 1", Reason.RESERVED_WORD, 1, 1),
        ("a + in", Reason.RESERVED_WORD, 1, 5),
        ("a.b(1)", Reason.UNKNOWN_FUNCTION, 1, 3),
        ("eval('1')", Reason.UNKNOWN_FUNCTION, 1, 1),
        ("(a)(1)", Reason.UNKNOWN_FUNCTION, 1, 4),
        ("a.includes('b')('c')", Reason.UNKNOWN_FUNCTION, 1, 16),
        ("1 + Math", Reason.UNKNOWN_FUNCTION, 1, 5),
        ("Math.constructor('x')", Reason.UNKNOWN_FUNCTION, 1, 1),
        ("'a'.includes()", Reason.WRONG_ARGUMENTS, 1, 5),
        ("Math.floor(1, 2)", Reason.WRONG_ARGUMENTS, 1, 1),
        ("a ?? b || c", Reason.MIXED_OPERATORS, 1, 3),
        ("a && b ?? c", Reason.MIXED_OPERATORS, 1, 8),
        ("(a || b) || c ?? d", Reason.MIXED_OPERATORS, 1, 15),
    ],
)
def test_what_is_no_expression_is_refused_with_its_reason_and_place(
    text: str, reason: Reason, line: int, column: int
) -> None:
    with pytest.raises(ExpressionSyntaxError) as refused:
        Expression.parse(text)
    position = refused.value.position
    assert (refused.value.reason, position.line, position.column) == (reason, line, column)


@pytest.mark.parametrize(
    ("text", "reason", "column"),
    [
        ("order.lines.first.sku", Reason.CANNOT_READ, 19),
        ("1 + missing.a", Reason.CANNOT_READ, 13),
        ("missing[0]", Reason.CANNOT_READ, 8),
        ("missing.includes(1)", Reason.CANNOT_READ, 9),
        ("(missing?.a).b", Reason.CANNOT_READ, 14),
        ("order.includes('a')", Reason.NO_SUCH_METHOD, 7),
        ("order.lines.startsWith('a')", Reason.NO_SUCH_METHOD, 13),
        ("1 && 'a' in 'abc'", Reason.NOT_AN_OBJECT, 10),
        ("'a' in null", Reason.NOT_AN_OBJECT, 5),
        ("1 + order", Reason.NO_COERCION, 3),
        ("-order.lines", Reason.NO_COERCION, 1),
        ("order === order", Reason.NO_IDENTITY, 7),
        ("[1].includes([])", Reason.NO_IDENTITY, 5),
        ("big * 2", Reason.INEXACT_NUMBER, 5),
        ("endless * 2", Reason.INEXACT_NUMBER, 9),
        ("endless + ''", Reason.INEXACT_NUMBER, 9),
        ("price", Reason.FOREIGN_VALUE, 1),
        ("!day", Reason.FOREIGN_VALUE, 2),
        ("trap.a", Reason.FOREIGN_VALUE, 1),
        ("odd.members[0]", Reason.FOREIGN_VALUE, 12),
        ("'😀'[1]", Reason.LONE_SURROGATE, 4),
    ],
)
def test_what_has_no_value_fails_with_its_reason_and_place(text: str, reason: Reason, column: int) -> None:
    data = {
        "order": {"lines": []},
        "big": 2**53 + 1,
        "endless": 10**5000,
        "price": Decimal("9.99"),
        "day": date(2024, 2, 29),
        "trap": _Trap(a=1),
        "odd": {"members": [(1, 2)]},
    }
    with pytest.raises(ExpressionFailure) as failed:
        Expression.parse(text).evaluate(data)
    assert (failed.value.reason, failed.value.position.column) == (reason, column)


def test_error_tells_no_value_from_the_data() -> None:
    for text in ("secret.a.b", "secret + {}", "secret in secret", "{}[secret].a"):
        with pytest.raises(ExpressionFailure) as failed:
            Expression.parse(text).evaluate({"secret": "hunter2"})
        assert "hunter2" not in str(failed.value)


@pytest.mark.parametrize(
    "text",
    [
        "a.__class__",
        "a['__class__']",
        "a.__dict__",
        "s.__class__",
        "s.format",
        "s.encode",
        "list.append",
        "list.__getitem__",
        "n.real",
        "n.__add__",
        "flag.__class__",
        "a.constructor",
        "a.__proto__",
        "a['const' + 'ructor']",
        "s.constructor",
        "list['constr' + 'uctor']",
        "context.__builtins__",
        "context.constructor",
        "__import__",
        "globalThis",
        "process",
        "a.get",
        "a.keys",
        "a.items",
    ],
)
def test_nothing_but_the_data_can_be_reached(text: str) -> None:
    data = {"a": {"b": 1}, "s": "text", "list": [1], "n": 1.5, "flag": True}
    assert Expression.parse(f"({text}) === undefined").evaluate(data) is True


@pytest.mark.parametrize("text", ["1" + " " * 4095, "'" + "é" * 2047 + "'", "+".join(["1"] * 2048)])
def test_text_of_4096_bytes_is_read(text: str) -> None:
    assert MAX_BYTES - 1 <= len(text.encode()) <= MAX_BYTES
    Expression.parse(text)


@pytest.mark.parametrize("text", ["1" + " " * 4096, "'" + "é" * 2048 + "'", "(" * 5000, "\ud800" * 1366])
def test_longer_text_is_refused(text: str) -> None:
    with pytest.raises(ExpressionSyntaxError) as refused:
        Expression.parse(text)
    assert refused.value.reason is Reason.TOO_LONG


@pytest.mark.parametrize(
    ("opening", "middle", "closing", "deepest"),
    [
        ("(", "1", ")", 63),
        ("[", "", "]", 64),
        ("!", "1", "", 63),
        ("- ", "1", "", 63),
        ("{a:", "1", "}", 63),
        ("a[", "0", "]", 63),
        ("1+(", "1", ")", 31),
        ("1?1:", "1", "", 63),
        ("1?", "1", ":1", 63),
        ("Math.max(", "1", ")", 63),
        ("''.includes(", "''", ")", 63),
    ],
)
def test_expression_nests_64_deep_and_no_deeper(opening: str, middle: str, closing: str, deepest: int) -> None:
    Expression.parse(opening * deepest + middle + closing * deepest).evaluate({"a": [0, 0]})
    with pytest.raises(ExpressionSyntaxError) as refused:
        Expression.parse(opening * (deepest + 1) + middle + closing * (deepest + 1))
    assert refused.value.reason is Reason.TOO_DEEP


@pytest.mark.parametrize(
    "text", ["+".join(["1"] * 2000), "||".join(["0"] * 1300), "a" + ".a" * 2000, "a" + "?.a" * 1300]
)
def test_long_chain_is_not_deep(text: str) -> None:
    endless: dict[str, Any] = {}
    endless["a"] = endless
    Expression.parse(text).evaluate(endless)


@pytest.mark.parametrize(
    "text",
    [
        "+".join(["big"] * 1000),
        "||".join(["!big.startsWith(big)"] * 100),
        "||".join(["big < big"] * 100),
        "||".join(["big !== copy"] * 100),
        "+".join(["wide.length"] * 300),
        "||".join(["many.includes(0)"] * 3),
        "+ ".join(["+big"] * 100),
        "Math.max(" + "many[0]," * 500 + "1)" + "+Math.max(many.includes(0),many.includes(0))",
    ],
)
def test_work_that_grows_with_the_data_runs_out_of_steps(text: str) -> None:
    big = "9" * 100_000
    data = {"big": big, "copy": big[:-1] + "9", "wide": "😀" * 50_000, "many": list(range(1, 10_000))}
    with pytest.raises(ExpressionFailure) as failed:
        Expression.parse(text).evaluate(data)
    assert failed.value.reason is Reason.TOO_MANY_STEPS


@pytest.mark.parametrize(
    "wanted",
    ["9" * 1_000_000 + "x", " " * 1_000_000 + "x", "0x" + "f" * 1_000_000, "-" * 1_000_000, "." + "1" * 1_000_000],
)
def test_long_text_is_read_as_a_number_in_one_pass(wanted: str) -> None:
    """Each of these takes minutes when it is read in quadratic time."""
    Expression.parse("+wanted > 0").evaluate({"wanted": wanted})
