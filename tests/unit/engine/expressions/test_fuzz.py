"""Whatever text comes: it is refused, fails, or has a value, in time; and where JavaScript has one too, the same.

Each run tries a few thousand texts; `make fuzz-expressions` tries 200,000. FUZZ_EXPRESSIONS says how many, FUZZ_SEED
which.
"""

import copy
import os
import re
from random import Random
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowforge.engine.expressions.errors import ExpressionError, ExpressionFailure, ExpressionSyntaxError, Reason
from flowforge.engine.expressions.expression import Expression
from flowforge.engine.expressions.numbers import MAX_SAFE
from flowforge.engine.expressions.tokens import tokens
from flowforge.engine.expressions.values import UNDEFINED
from tests.unit.engine.expressions.javascript import JavaScript, Thrown, plain, strictly
from tests.unit.engine.expressions.sentences import Sentences

_INPUTS: Final = int(os.environ.get("FUZZ_EXPRESSIONS", "3000"))
_SEED: Final = int(os.environ.get("FUZZ_SEED", "0"))
_A_BATCH: Final = 1000

_LARGE: Final[dict[str, Any]] = {
    "a": {"a": 1},
    "s": "abc",
    "big": "ab" * 50_000,
    "wide": "é😀" * 20_000,
    "many": list(range(1, 20_000)),
}
_REFUSED_WHEN_PUBLISHED: Final = set(Reason) - {
    Reason.CANNOT_READ,
    Reason.NO_SUCH_METHOD,
    Reason.NOT_AN_OBJECT,
    Reason.NO_COERCION,
    Reason.NO_IDENTITY,
    Reason.INEXACT_NUMBER,
    Reason.FOREIGN_VALUE,
    Reason.TOO_MANY_STEPS,
}
_TYPE_ERRORS: Final = {Reason.CANNOT_READ, Reason.NO_SUCH_METHOD, Reason.NOT_AN_OBJECT, Reason.NO_COERCION}
"""Where evaluating fails here, JavaScript throws a TypeError."""

_OUR_OWN: Final = {Reason.NO_IDENTITY, Reason.INEXACT_NUMBER, Reason.TOO_MANY_STEPS, Reason.LONE_SURROGATE}
"""Where evaluating fails only here."""

_METHOD_AS_VALUE: Final = re.compile(r"(?:includes|startsWith)(?![\w$])(?!\s*\()")


@pytest.fixture(scope="module")
def javascript() -> JavaScript:
    return JavaScript()


def judge(javascript: JavaScript, text: str, data: dict[str, Any]) -> None:
    """Evaluate a text here and in JavaScript, and compare."""
    match _here(text, data):
        case ExpressionSyntaxError() as error:
            assert error.reason in _REFUSED_WHEN_PUBLISHED
            assert 0 <= error.position.offset <= len(text)
            if error.reason is Reason.MIXED_OPERATORS:
                _assert_thrown("SyntaxError", javascript, text, data)
        case ExpressionFailure() as failure:
            assert failure.reason in _TYPE_ERRORS | _OUR_OWN
            assert 0 <= failure.position.offset < len(text)
            if failure.reason in _TYPE_ERRORS and _is_told_alike(text):
                _assert_thrown("TypeError", javascript, strictly(text), data)
        case value:
            _assert_json(value)
            if _is_told_alike(text):
                assert plain(value) == plain(javascript.evaluate(strictly(text), data))


def _here(text: str, data: dict[str, Any]) -> Any:
    try:
        return Expression.parse(text).evaluate(data)
    except ExpressionError as error:
        return error


def _assert_thrown(name: str, javascript: JavaScript, text: str, data: dict[str, Any]) -> None:
    with pytest.raises(Thrown, match=name):
        javascript.evaluate(text, data)


def _is_told_alike(text: str) -> bool:
    """Tell whether a text stays clear of what is meant to differ from JavaScript: docs/expressions.md."""
    whole = all(type(token.value) is not int or token.value <= MAX_SAFE for token in tokens(text))
    return whole and not _METHOD_AS_VALUE.search(text)


def _assert_json(value: Any) -> None:
    if type(value) is dict:
        for key, member in value.items():
            assert type(key) is str
            _assert_json(member)
    elif type(value) is list:
        for element in value:
            _assert_json(element)
    else:
        assert value is UNDEFINED or value is None or type(value) in {bool, int, float, str}


@pytest.mark.parametrize("batch", range(_SEED, _SEED + max(1, _INPUTS // _A_BATCH)))
def test_any_text_is_refused_or_has_the_value_that_javascript_gives_it(batch: int, javascript: JavaScript) -> None:
    large = copy.deepcopy(_LARGE)
    for number in range(batch * _A_BATCH, (batch + 1) * _A_BATCH):
        sentences = Sentences(Random(number))
        kind = number % 10
        if kind == 0:
            judge(javascript, sentences.harmful(), large)
        else:
            text = sentences.soup() if kind == 1 else sentences.damaged() if kind < 4 else sentences.sentence()
            data = sentences.data()
            before = copy.deepcopy(data)
            judge(javascript, text, data)
            assert plain(data) == plain(before)
    assert large == _LARGE


@settings(max_examples=300, deadline=None)
@given(random=st.randoms(use_true_random=False))
def test_well_formed_expression_has_the_value_that_javascript_gives_it(random: Random, javascript: JavaScript) -> None:
    sentences = Sentences(random)
    judge(javascript, sentences.sentence(), sentences.data())


@settings(max_examples=300, deadline=None)
@given(text=st.text(max_size=60))
def test_any_characters_at_all_are_refused_or_mean_what_they_mean_in_javascript(
    text: str, javascript: JavaScript
) -> None:
    judge(javascript, text, {"a": 1})
