"""What an expression reads, known before it runs."""

import pytest

from flowforge.engine.expressions.expression import Expression
from flowforge.engine.expressions.references import Path, written


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("score.risk < 0.3", [("score", "risk")]),
        ("context.score.risk", [("score", "risk")]),
        ("context['charge-payment'].id", [("charge-payment", "id")]),
        ("context", [()]),
        ("'a' in context", [()]),
        ("context[name].a", [(), ("name",)]),
        ("items[0].sku", [("items", 0, "sku")]),
        ("items[i + 1].sku", [("items",), ("i",)]),
        ("tags.includes(tag)", [("tags",), ("tag",)]),
        ("a?.b?.['c']", [("a", "b", "c")]),
        ("(a.b).c", [("a", "b")]),
        ("a ? b : [c, {d: e}]", [("a",), ("b",), ("c",), ("e",)]),
        ("Math.max(a, -b)", [("a",), ("b",)]),
        ("true && null && NaN && 'a.b' && 1", []),
        ("constructor.prototype", [("constructor", "prototype")]),
    ],
)
def test_references_are_the_paths_that_are_read_in_the_order_of_the_text(text: str, paths: list[Path]) -> None:
    assert [reference.path for reference in Expression.parse(text).references] == paths


def test_reference_says_its_root_and_where_it_stands() -> None:
    first, second, third = Expression.parse("score.risk < 1 &&\n  context.plan === context[x]").references[:3]
    assert (first.root, first.position.line, first.position.column) == ("score", 1, 1)
    assert (second.root, second.position.line, second.position.column) == ("plan", 2, 3)
    assert (third.root, third.position.offset) == (None, 37)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (("charge-payment", "items", 0, "sku"), "charge-payment.items.0.sku"),
        (("rates", "EUR/USD"), "rates['EUR/USD']"),
        (("a", ""), "a['']"),
        ((), ""),
    ],
)
def test_path_is_written_as_a_template_has_it(path: Path, text: str) -> None:
    assert written(path) == text
