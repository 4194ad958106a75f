"""Expressions made up at random: well-formed ones, damaged ones, and ones that are meant to do harm."""

from random import Random
from typing import Any, Final

_NAMES: Final = [
    "a", "b", "n", "s", "list", "order", "score", "flag", "none", "missing", "context", "été", "$x", "_y",
    "constructor", "__proto__", "toString", "hasOwnProperty", "eval", "window", "let",
]  # fmt: skip
_MEMBERS: Final = [
    "a", "b", "id", "risk", "items", "length", "name", "in", "new", "class", "null", "constructor", "__proto__",
    "prototype", "__class__", "toString", "valueOf", "__defineGetter__", "0", "emoji",
]  # fmt: skip
_KEYS: Final = [
    "'a'", "'length'", "'0'", "'00'", "'1'", "'-1'", "'1.5'", "'charge-payment'", "'constructor'", "'__proto__'",
    "0", "1", "2", "-1", "1.5", "-0", "1e3", "'1e3'", "true", "null", "undefined", "NaN", "''",
]  # fmt: skip
_NUMBERS: Final = [
    "0", "1", "2", "3", "10", "0.5", ".5", "5.", "1.5", "0.3", "0.1", "1e3", "1E-7", "1e21", "1e400", "1e-400", "2.5",
    "9007199254740991", "4503599627370495.5", "0.49999999999999994", "-1",
    "-2.5", "-0.5", "-0", "-7", "0.0000015", "-0.49999999999999994", "123456789.125", "0.10",
]  # fmt: skip
_STRINGS: Final = [
    "''", '""', "'a'", '"b"', "'abc'", "'1'", "' 12 '", "'0x1F'", "'1e3'", "'-5'", "'+5'", "'.5'", "'5.'", "'Infinity'",
    "'-Infinity'", "'infinity'", "'NaN'", "'1_0'", "'0b101'", "'0o17'", "'-0x1'", "'null'", "'undefined'", "'true'",
    "'é'", "'😀'", "'a😀b'", "'\\uff5e'", "'\\ud83d\\ude00'", "'\\u{1F600}'", "'\\x41'", "'\\0'", "'\\n'", "'\\''",
    "'\\\\'", "'\\q'", '"\\u2028"', "'\\ufeff7\\u00a0'", "'\ufb01'", "'a\\\nb'", "'[object Object]'", "'1,2'",
]  # fmt: skip
_WORDS: Final = ["true", "false", "null", "undefined", "NaN", "Infinity"]
_OPERATORS: Final = [
    "+", "+", "-", "*", "/", "%", "<", "<=", ">", ">=", "==", "!=", "===", "!==", "&&", "||", "??", " in ",
]  # fmt: skip
_SPACES: Final = ["", "", "", "", " ", " ", "  ", "\n", "\t", "\r\n", "\u00a0", "\ufeff", "\u2028", "\v\f", "\u3000"]
_DAMAGE: Final = [
    "(", ")", "[", "]", "{", "}", "'", '"', "`", "\\", ".", "?.", "?", ":", ",", ";", "=", "=>", "...", "++", "--",
    "**", "//", "/*", "*/", "&", "|", "^", "~", "#", "@", "<!--", "-->", "\0", "\ud800", "\udc00", "\u180e",
    "\u200d", "9", "0x", "1n", "08", "1_0", "e", "function(){}", "new ", "this", "typeof ", "delete ", "void ",
    "async ", "${a}", "/a/", "\\u0061", "̈", "٣", "\U0001d4b3", "·", " in ", "instanceof", "yield ", "await ",
    "import(", "eval(", "get ", "a:1", "\n",
]  # fmt: skip
_REPEATED: Final = [
    ("(", "1", ")"), ("[", "", "]"), ("!", "a", ""), ("- ", "1", ""), ("", "a", ".a"), ("", "a", "?.a"),
    ("", "a", "[0]"),
    ("a[", "0", "]"), ("", "1", "+1"), ("", "big", "+big"), ("", "s", "+s"), ("", "a", "||a"), ("a?", "1", ":1"),
    ("", "1", "?1:1"), ("{a:", "1", "}"), ("", "1", "<1"), ("Math.max(", "1", ")"), ("", "Math.max(1", ",1"),
    ("", "big", ".includes(big)"), ("", "big<big", "||big<big"), ("", "many.includes(0)", "||many.includes(0)"),
    ("", "big", "===big+''||big"), ("'", "", "'"), ("\\", "", ""), ("", "'", "\\'"), ("1+(", "1", ")"), ("", "1", "1"),
    ("(a??", "1", ")"), ("", "!big.startsWith(big)", "||!big.startsWith(big)"), ("", "+big", "+ +big"),
    ("", "wide", "+wide"), ("", "wide.length", "+wide.length"), ("", "a", "."), ("\n", "a", ""), ("", "1e", "9"),
]  # fmt: skip

_DATA: Final = [
    "a", "b", "n", "s", "list", "order", "score", "flag", "none", "été", "$x", "__proto__", "charge-payment",
]  # fmt: skip
_VALUES: Final[list[Any]] = [
    None, True, False, 0, 1, -1, 2, 0.3, -0.0, 0.2, 1.5, 2.5, -2.5, 1e21, 1e-7, 5e-324, 1.7976931348623157e308,
    9007199254740991, -9007199254740991, 123456789012345680000.0, 4294967296, "", "a", "b", "abc", "5", " 5 ", "0x10",
    "é", "😀", "a😀", "\uff5e", "\ue000", "null", "length", "0", "\0", "1e1000", "-", "+", ".", "\ud83d", "\ude00",
    [], [1, 2, 3], ["a", "b"], [None, [1], {"a": 1}, "😀"], {}, {"a": {"a": {"a": 1}}}, {"0": "zero", "length": "long"},
    {"id": "ch_1", "risk": 0.25}, {"constructor": 1, "__proto__": {"a": 2}}, {"items": [{"id": 1}, {"id": 2}]},
]  # fmt: skip


class Sentences:
    """A source of expressions and of data for them.

    Args:
        random: where chance comes from; the same chance gives the same sentences.
    """

    def __init__(self, random: Random) -> None:
        self._random = random

    def data(self) -> dict[str, Any]:
        """Return data under names that the expressions use."""
        names = [
            "a",
            "b",
            "n",
            "s",
            "list",
            "order",
            "score",
            "flag",
            "none",
            "été",
            "$x",
            "__proto__",
            "charge-payment",
        ]
        return {name: self._pick(_VALUES) for name in names if self._random.random() < 0.9}

    def sentence(self) -> str:
        """Return a well-formed expression, more often a short one: those get furthest."""
        return self.expression(self._pick([1, 1, 1, 1, 2, 2, 3, 4]))

    def expression(self, depth: int) -> str:
        """Return a well-formed expression; only a `??` beside an `||` may have been left without its brackets."""
        makers = [self._plain, self._plain, self._path, self._path]
        if depth > 0:
            makers += [self._binary] * 6 + [self._unary, self._ternary, self._brackets, self._call, self._math]
            makers += [self._read, self._array, self._object]
        return f"{self._space()}{self._pick(makers)(depth - 1)}{self._space()}"

    def damaged(self) -> str:
        """Return what was an expression."""
        text = self.expression(3)
        for _ in range(self._random.randint(1, 4)):
            at = self._random.randint(0, len(text))
            until = min(len(text), at + self._random.randint(0, 3))
            text = text[:at] + self._pick([*_DAMAGE, "", text[at:until] * 2]) + text[until:]
        return text

    def soup(self) -> str:
        """Return signs and words in no order."""
        words = [
            *_DAMAGE,
            *_OPERATORS,
            *_NAMES,
            *_MEMBERS,
            *_KEYS,
            *_NUMBERS,
            *_STRINGS,
            ".includes(",
            "Math.max(",
            ")",
        ]
        return "".join(self._pick(words) + self._space() for _ in range(self._random.randint(1, 12)))

    def harmful(self) -> str:
        """Return something repeated very often, perhaps too long."""
        before, middle, after = self._pick(_REPEATED)
        times = self._pick([30, 63, 64, 65, 200, 500, 1000, 2000, 4096])
        closed = times if self._random.random() < 0.8 else times - 1
        text = str(before * times + middle + after * closed)
        return text[: self._pick([4096, 4097, 10_000])]

    def _pick(self, choices: list[Any]) -> Any:
        return choices[self._random.randrange(len(choices))]

    def _space(self) -> str:
        return str(self._pick(_SPACES))

    def _plain(self, depth: int) -> str:
        return str(self._pick(self._pick([_NUMBERS, _STRINGS, _WORDS])))

    def _path(self, depth: int) -> str:
        text = self._pick(_NAMES)
        for _ in range(self._pick([0, 0, 0, 1, 2])):
            text += self._link(0)
        return str(text)

    def _link(self, depth: int) -> str:
        mark = self._pick(["", "?.", "?."])
        if self._random.random() < 0.6:
            name = self._pick([name for name in _MEMBERS if not name.isdigit()])
            return f"{self._space()}{mark or '.'}{self._space()}{name}"
        key = self.expression(depth) if depth > 0 else self._pick(_KEYS)
        return f"{mark}[{key}]"

    def _binary(self, depth: int) -> str:
        # A space, so that no `- -` becomes `--`, and no `/ /` a comment.
        return f"{self.expression(depth)}{self._pick(_OPERATORS)} {self.expression(depth)}"

    def _unary(self, depth: int) -> str:
        return f"{self._pick(['!', '- ', '+ '])}{self._brackets(depth)}"

    def _ternary(self, depth: int) -> str:
        return f"{self.expression(depth)}? {self.expression(depth)}:{self.expression(depth)}"

    def _brackets(self, depth: int) -> str:
        return f"({self.expression(depth)})"

    def _read(self, depth: int) -> str:
        return f"{self._brackets(depth)}{self._link(depth)}"

    def _call(self, depth: int) -> str:
        method = self._pick(["includes", "includes", "startsWith"])
        on = self._pick([self._path, self._brackets, self._array])(depth)
        return f"{on}{self._pick(['.', '?.'])}{method}({self.expression(depth)})"

    def _math(self, depth: int) -> str:
        name = self._pick(["abs", "floor", "round"])
        if self._random.random() < 0.4:
            arguments = ",".join(self.expression(depth) for _ in range(self._random.randrange(4)))
            return f"Math.{self._pick(['min', 'max'])}({arguments})"
        return f"Math.{name}({self.expression(depth)})"

    def _array(self, depth: int) -> str:
        return "[" + ",".join(self.expression(depth) for _ in range(self._random.randrange(4))) + "]"

    def _object(self, depth: int) -> str:
        keys = ["a", "b", "in", "'x-y'", "0", "1.5", "constructor"]
        members = (f"{self._pick(keys)}:{self.expression(depth)}" for _ in range(self._random.randrange(3)))
        return "({" + ",".join(members) + "})"
