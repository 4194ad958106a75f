"""A definition's text, read: limits, places, and what is refused before anything is made of it."""

import json
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowforge.engine.definition.document import MAX_BYTES, MAX_DEPTH, of_value, read
from flowforge.engine.definition.problems import DefinitionRefused, Problem

_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(string.ascii_letters + string.punctuation + " ", max_size=6), inner, max_size=4)
    ),
    max_leaves=20,
)


def refusal_of(text: str | bytes) -> Problem:
    with pytest.raises(DefinitionRefused) as refused:
        read(text)
    (problem,) = refused.value.problems
    return problem


def test_yaml_says_where_each_key_and_item_begins() -> None:
    document = read("id: x\nsteps:\n  - id: a\n    params: {url: u}\n  -   id: b\n")
    assert document.value == {"id": "x", "steps": [{"id": "a", "params": {"url": "u"}}, {"id": "b"}]}
    assert document.place_of("/steps/0/params/url") == (4, 14)
    assert document.place_of("/steps/1") == (5, 7)
    assert document.place_of("/steps/1/not/there") == (5, 7)
    assert document.place_of("/steps/2/id") == document.place_of("/steps") == (2, 1)
    assert document.place_of("/steps/x") == (2, 1)


def test_json_says_where_each_key_and_item_begins() -> None:
    document = read('{"id": "x",\n "steps": [\n  {"id": "a\\"]"}, {"a/b~\\u0041": [1,\n2.5e3]}]}')
    assert document.place_of("/steps") == (2, 2)
    assert document.place_of("/steps/0/id") == (3, 4)
    assert document.place_of("/steps/1") == (3, 19)
    assert document.place_of("/steps/1/a~1b~0A/1") == (4, 1)


@settings(deadline=None)
@given(_json, st.sampled_from([None, 1]))
def test_any_json_every_pointer_has_its_place(value: object, indent: int | None) -> None:
    text = json.dumps({"all": value}, indent=indent)
    lines = text.split("\n")

    def check(pointer: str, part: object) -> None:
        line, column = document.place_of(pointer) or (0, 0)
        assert len(lines[line - 1]) >= column
        inside = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
        for key, inner in inside:
            token = str(key).replace("~", "~0").replace("/", "~1")
            inner_line, inner_column = document.place_of(f"{pointer}/{token}") or (0, 0)
            begun = lines[inner_line - 1][inner_column - 1 :]
            assert begun.startswith(json.dumps(key) if isinstance(part, dict) else json.dumps(inner)[0])
            check(f"{pointer}/{token}", inner)

    document = read(text)
    assert document.value == {"all": value}
    check("", document.value)


@settings(deadline=None)
@given(_json)
def test_json_read_as_yaml_says_the_same(value: object) -> None:
    quoted = json.dumps({"all": value}).replace("\\/", "/")
    if "\\ud" not in quoted:  # YAML has no pairs of escapes
        assert read(quoted, form="yaml").value == {"all": value}


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("no", "no"),
        ("on", "on"),
        ("yes", "yes"),
        ("true", True),
        ("~", None),
        ("", None),
        ("012", 12),
        ("1e3", 1000.0),
        ("2024-01-01", "2024-01-01"),
        ("12:30", "12:30"),
        ("1_000", "1_000"),
        ("0x1F", 31),
        ("'5'", "5"),
        ("-0.5", -0.5),
    ],
)
def test_yaml_scalar_means_what_yaml_1_2_says(text: str, meaning: object) -> None:
    assert read(f"a: {text}").value == {"a": meaning}


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        ("a: &x [1]\nb: *x", "FF-1021", (1, 4)),
        ("a: *x", "FF-1021", (1, 4)),
        ("a: !", "FF-1021", (1, 4)),
        ("a: 1\nb: !!python/object/apply:os.system [ls]", "FF-1021", (2, 4)),
        ("a: 1\n---\nb: 2", "FF-1000", (2, 1)),
        ("a: 1\na: 2", "FF-1020", (2, 1)),
        ("? [1]\n: 2", "FF-1003", (1, 3)),
        ("a: [1", "FF-1000", (2, 1)),
        ("a: .inf", "FF-1003", (1, 4)),
        ("a: @x", "FF-1000", (1, 4)),
        ("", "FF-1000", (None, None)),
        ('{"a": 1 2}', "FF-1000", (1, 9)),
        ('{"a": NaN}', "FF-1000", (None, None)),
        ('{"a": 1, "a": 2}', "FF-1020", (None, None)),
        ('{"a": "\\ud800"}', "FF-1000", (None, None)),
        ('{"a": ' + "9" * 5000 + "}", "FF-1000", (None, None)),
    ],
)
def test_unreadable_text_is_refused_where_it_is_wrong(text: str, code: str, place: tuple[int, int]) -> None:
    problem = refusal_of(text)
    assert (problem.code, (problem.line, problem.column)) == (code, place), problem


@pytest.mark.parametrize("text", [b"\xff\xfe", "a: \ud800"])
def test_text_that_is_not_utf_8_is_refused(text: str | bytes) -> None:
    assert refusal_of(text).code == "FF-1000"


@pytest.mark.parametrize(
    "text",
    [
        "[" * (MAX_DEPTH + 2) + "]" * (MAX_DEPTH + 2),
        "[" * 400_000,
        "a: " + "[" * 400_000,
        '{"a":' * 150_000,
        "- " * 400_000,
        "x" * (MAX_BYTES + 1),
    ],
    ids=["list", "endless list", "endless yaml", "endless object", "endless sequence", "long"],
)
def test_text_that_is_too_large_or_too_deep_is_refused(text: str) -> None:
    assert refusal_of(text).code in {"FF-1014", "FF-1000"}
    assert refusal_of("a: " + "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1)).code == "FF-1014"


def test_text_as_deep_as_allowed_is_read() -> None:
    assert read("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1)).value
    assert read("a: " + "[" * MAX_DEPTH + "]" * MAX_DEPTH).value


@pytest.mark.parametrize(
    "text", ['{"id": "x",\n "name": "\\u0000"}', 'id: x\nname: "\\0"\n', 'id: x\n"na\\x00me": 1\n']
)
def test_nul_is_no_text_and_is_told_with_its_place(text: str) -> None:
    problem = refusal_of(text)
    assert (problem.code, problem.message) == ("FF-1000", "a text holds the character NUL")
    assert problem.line in {1, 2}
    with pytest.raises(DefinitionRefused):
        of_value({"id": "x", "steps": [{"id": "\0"}]})
