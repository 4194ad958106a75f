"""Templates: what a placeholder names, what becomes of its value, and what is refused or fails with which reason."""

import copy
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowforge.engine.templates import MAX_TEXT, Reason, Template, TemplateFailure, TemplateSyntaxError

_DATA: dict[str, Any] = {
    "orderId": "ORD-1",
    "validated": {"total": 99.99, "currency": "EUR"},
    "charge-payment": {"id": "ch_1", "receipt url": "https://receipts/1", "it's": 1},
    "items": [{"sku": "A", "quantity": 2}, {"sku": "B", "quantity": 1}],
    "none": None,
    "yes": True,
    "evil": "${orderId} ${missing}",
    "rates": {"a.b": 1, 'c"]': 2, "1": "one"},
    "step2": {"result": 5.0},
    "name": "a😀b",
}


@pytest.mark.parametrize(
    ("template", "rendered"),
    [
        ("${validated.total}", 99.99),
        ("${items}", [{"sku": "A", "quantity": 2}, {"sku": "B", "quantity": 1}]),
        ("${none}", None),
        ("${yes}", True),
        ("${ orderId }", "ORD-1"),
        ("${context.orderId}", "ORD-1"),
        ("${context['charge-payment'].id}", "ch_1"),
        ("${charge-payment.id}", "ch_1"),
        ("${charge-payment['receipt url']}", "https://receipts/1"),
        ('${charge-payment["it\'s"]}', 1),
        ("${items[1].sku}", "B"),
        ("${items.1.sku}", "B"),
        ("${items.length}", 2),
        ("${rates['a.b']}", 1),
        ("${rates['c\"]']}", 2),
        ("${rates[1]}", "one"),
        ("${rates.1}", "one"),
    ],
)
def test_string_that_is_only_a_placeholder_becomes_the_value_of_its_kind(template: str, rendered: Any) -> None:
    value = Template.parse(template).render(_DATA)
    assert value == rendered
    assert type(value) is type(rendered)


def test_placeholder_for_the_whole_context_is_all_the_data() -> None:
    assert Template.parse("${context}").render(_DATA) == _DATA


@pytest.mark.parametrize(
    ("template", "rendered"),
    [
        ("order ${orderId}!", "order ORD-1!"),
        ("${orderId}${orderId}", "ORD-1ORD-1"),
        (" ${validated.total}", " 99.99"),
        ("$${validated.total}", "$99.99"),
        ("${step2.result} items", "5 items"),
        ("is ${yes}, not ${none}", "is true, not null"),
        ("got ${items}", 'got [{"sku":"A","quantity":2},{"sku":"B","quantity":1}]'),
        ("got ${name}", "got a😀b"),
        ("no placeholder: $ { } $x }{ $}", "no placeholder: $ { } $x }{ $}"),
        ("", ""),
    ],
)
def test_placeholder_within_other_text_becomes_text(template: str, rendered: str) -> None:
    assert Template.parse(template).render(_DATA) == rendered


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e21, "1e+21"),
        (-0.0, "0"),
        (0.1 + 0.2, "0.30000000000000004"),
        (2**53 + 1, "9007199254740993"),
        ({"a": [1.0, 1e-7, None, {"é": '"\n'}]}, '{"a":[1,1e-7,null,{"é":"\\"\\n"}]}'),
        ([float("nan"), float("inf")], "[null,null]"),
        (float("nan"), "NaN"),
        (["\ud83d"], '["\\ud83d"]'),
    ],
)
def test_value_within_other_text_is_written_as_javascript_writes_it(value: Any, text: str) -> None:
    assert Template.parse("=${value}").render({"value": value}) == "=" + text


def test_what_was_filled_in_is_never_looked_at_again() -> None:
    template = Template.parse({"whole": "${evil}", "mixed": "<${evil}>"})
    assert template.render(_DATA) == {"whole": "${orderId} ${missing}", "mixed": "<${orderId} ${missing}>"}


@pytest.mark.parametrize(
    ("template", "rendered"),
    [
        (r"\${orderId}", "${orderId}"),
        (r"\\${orderId}", "\\ORD-1"),
        (r"\\\${orderId}", r"\${orderId}"),
        (r"a\${b}${orderId}\n", r"a${b}ORD-1\n"),
        (r"C:\temp\$x \d+\{", r"C:\temp\$x \d+\{"),
        (r"\${ never closed", "${ never closed"),
    ],
)
def test_backslash_before_a_placeholder_makes_it_text(template: str, rendered: str) -> None:
    assert Template.parse(template).render(_DATA) == rendered


def test_strings_are_filled_in_at_any_depth_and_everything_else_stays() -> None:
    parameters = {
        "url": "https://shop/orders/${orderId}",
        "body": {"amount": "${validated.total}", "lines": [{"of": "${items.0.sku}"}, 1, None, True, 2.5]},
        "${orderId}": "a key is no template",
    }
    before = copy.deepcopy(parameters)
    assert Template.parse(parameters).render(_DATA) == {
        "url": "https://shop/orders/ORD-1",
        "body": {"amount": 99.99, "lines": [{"of": "A"}, 1, None, True, 2.5]},
        "${orderId}": "a key is no template",
    }
    assert parameters == before


@pytest.mark.parametrize(
    ("template", "path", "told"),
    [
        ("${missing}", "missing", "the data has no missing"),
        ("${validated.totl}", "validated.totl", "validated has no totl"),
        ("x ${validated.total.cents}", "validated.total.cents", "validated.total has no cents"),
        ("${none.id}", "none.id", "none has no id"),
        ("${items.2.sku}", "items.2.sku", "items has no 2"),
        ("${items.-1}", "items.-1", "items has no -1"),
        ("${charge-payment['receipt url'].x}", "charge-payment['receipt url'].x", "['receipt url'] has no x"),
        ("${validated.__class__}", "validated.__class__", "validated has no __class__"),
        ("${orderId.constructor}", "orderId.constructor", "orderId has no constructor"),
        ("${items.append}", "items.append", "items has no append"),
    ],
)
def test_path_that_leads_nowhere_fails_and_is_named(template: str, path: str, told: str) -> None:
    with pytest.raises(TemplateFailure) as failed:
        Template.parse({"a/b": [template]}).render(_DATA)
    assert (failed.value.reason, failed.value.path, failed.value.pointer) == (Reason.MISSING_PATH, path, "/a~1b/0")
    assert f"`{path}`" in failed.value.message
    assert told in failed.value.message


@pytest.mark.parametrize(
    ("template", "data"),
    [
        ("${price}", {"price": Decimal(1)}),
        ("=${order}", {"order": {"price": Decimal(1)}}),
        ("=${order}", {"order": (1, 2)}),
        ("${name.1}", {"name": "a😀"}),
        ("=${number}", {"number": 10**5000}),
    ],
)
def test_value_that_json_does_not_have_fails(template: str, data: dict[str, Any]) -> None:
    with pytest.raises(TemplateFailure) as failed:
        Template.parse(template).render(data)
    assert failed.value.reason is Reason.UNUSABLE_VALUE


def test_text_of_a_value_that_holds_itself_fails() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(TemplateFailure) as failed:
        Template.parse("=${endless}").render({"endless": endless})
    assert failed.value.reason is Reason.UNUSABLE_VALUE


@pytest.mark.parametrize(
    ("template", "reason", "offset"),
    [
        ("${orderId", Reason.UNTERMINATED, 0),
        ("a\n${orderId} ${", Reason.UNTERMINATED, 13),
        ("${}", Reason.BAD_PATH, 0),
        ("${ }", Reason.BAD_PATH, 0),
        ("${a b}", Reason.BAD_PATH, 0),
        ("${a + b}", Reason.BAD_PATH, 0),
        ("${a?.b}", Reason.BAD_PATH, 0),
        ("${a..b}", Reason.BAD_PATH, 0),
        ("${.a}", Reason.BAD_PATH, 0),
        ("${a.}", Reason.BAD_PATH, 0),
        ("${a[b]}", Reason.BAD_PATH, 0),
        ("${a[-1]}", Reason.BAD_PATH, 0),
        ("${['a']}", Reason.BAD_PATH, 0),
        ("${a['b]}", Reason.BAD_PATH, 0),
        ("${a(1)}", Reason.BAD_PATH, 0),
        ("${${a}}", Reason.BAD_PATH, 0),
        ("${a\0}", Reason.BAD_PATH, 0),
    ],
)
def test_what_begins_like_a_placeholder_and_is_none_is_refused(template: str, reason: Reason, offset: int) -> None:
    with pytest.raises(TemplateSyntaxError) as refused:
        Template.parse({"key": template})
    [problem] = refused.value.problems
    assert (problem.reason, problem.pointer) == (reason, "/key")
    assert problem.position is not None
    assert problem.position.offset == offset


def test_all_problems_of_a_template_are_told_at_once() -> None:
    with pytest.raises(TemplateSyntaxError) as refused:
        Template.parse({"a": "${", "b": ["ok ${x}", "${1+1}"]})
    assert [(problem.pointer, problem.reason) for problem in refused.value.problems] == [
        ("/a", Reason.UNTERMINATED),
        ("/b/1", Reason.BAD_PATH),
    ]


def test_references_say_what_a_template_reads_and_where() -> None:
    template = Template.parse({"url": "${context.order.id}/\n ${charge-payment['a b'].c[0].1}", "all": "${context}"})
    assert [
        (each.root, each.path, each.pointer, each.position.line, each.position.column) for each in template.references
    ] == [
        ("order", ("order", "id"), "/url", 1, 1),
        ("charge-payment", ("charge-payment", "a b", "c", 0, "1"), "/url", 2, 2),
        (None, (), "/all", 1, 1),
    ]
    assert template.references[1].written == "charge-payment['a b'].c[0].1"


def test_data_put_into_text_over_and_over_ends_in_a_failure() -> None:
    template = Template.parse(["a ${big}"] * 1000)
    with pytest.raises(TemplateFailure) as failed:
        template.render({"big": "x" * (MAX_TEXT // 10)})
    assert failed.value.reason is Reason.TOO_MUCH_TEXT


def test_template_nested_too_deep_is_refused() -> None:
    template: Any = "${a}"
    for _ in range(65):
        template = [template]
    with pytest.raises(TemplateSyntaxError) as refused:
        Template.parse(template)
    assert refused.value.problems[0].reason is Reason.TOO_DEEP


def test_template_of_too_many_values_is_refused_before_all_are_looked_at() -> None:
    """References of YAML may make a few bytes into billions of values."""
    template: Any = 1
    for _ in range(30):
        template = [template] * 10
    with pytest.raises(TemplateSyntaxError) as refused:
        Template.parse(template)
    assert [problem.reason for problem in refused.value.problems] == [Reason.TOO_MANY_VALUES]


@pytest.mark.parametrize("text", ["${a}" * 50_000, "\\" * 400_000, r"\${" * 100_000])
def test_long_string_is_rendered_in_one_pass(text: str) -> None:
    """Each of these takes minutes when it is read in quadratic time."""
    assert Template.parse(text + "!").render({"a": "x"}).endswith("!")


@pytest.mark.parametrize(
    "text", ["${a" + " " * 400_000, "${" + "a." * 200_000, "${a[" + "0" * 400_000, "${a['" * 80_000]
)
def test_long_string_is_refused_in_one_pass(text: str) -> None:
    with pytest.raises(TemplateSyntaxError):
        Template.parse(text + "!")


@given(text=st.text(st.sampled_from("${}\\.[]'\"ab-0 \n") | st.characters(), max_size=40))
def test_any_string_is_refused_fails_or_is_rendered(text: str) -> None:
    try:
        template = Template.parse(text)
    except TemplateSyntaxError:
        return
    try:
        template.render({"a": {"b": "${a}"}, "b": 1})
    except TemplateFailure as failure:
        assert failure.path in text  # noqa: PT017  most texts do not fail


@given(text=st.text(st.sampled_from("${}\\a") | st.characters(), max_size=40))
def test_any_text_can_be_written_so_that_it_stays_as_it_is(text: str) -> None:
    """The rule: before each `${`, double the backslashes that stand there and add one."""
    pieces = text.split("${")
    escaped = (
        "".join(piece + "\\" * (len(piece) - len(piece.rstrip("\\")) + 1) + "${" for piece in pieces[:-1]) + pieces[-1]
    )
    assert Template.parse(escaped).render({}) == text
