"""A real JavaScript, to ask what an expression's value is there."""

import json
import math
from typing import Any, Final

import quickjs  # type: ignore[import-untyped]  # it comes without types

from flowforge.engine.expressions.tokens import tokens
from flowforge.engine.expressions.values import UNDEFINED

# Unless everything is asked for, what is inherited is taken away from all values, so that they have only what is their
# own, as here. Without toString and valueOf, turning an object into a text or number is a TypeError, as here.
_PROGRAM: Final = r"""
(function (withEverything) {
  const kept = [[Object, []], [Array, ["includes", "length"]], [String, ["includes", "startsWith", "length"]],
                [Number, []], [Boolean, []]];
  const spare = [];
  for (const [kind, names] of kept)
    for (const name of Reflect.ownKeys(kind.prototype))
      if (!names.includes(name)) spare.push([kind.prototype, name]);
  for (let i = withEverything ? -1 : spare.length - 1; i >= 0; i--) delete spare[i][0][spare[i][1]];
  const ours = ["Math", "undefined", "NaN", "Infinity"];
  const handler = {
    has: (data, name) => typeof name === "string" && (withEverything ? name in data : !ours.includes(name)),
    get: (data, name) => name === Symbol.unscopables ? undefined : name === "context" ? data : data[name],
  };
  function told(value) {
    switch (typeof value) {
      case "undefined": return {undefined: 1};
      case "number": return {number: Object.is(value, -0) ? "-0" : String(value)};
      case "boolean": case "string": return value;
      case "object": break;
      default: return {other: 1};
    }
    if (value === null) return null;
    const copy = Array.isArray(value) ? [] : {}, keys = Object.keys(value);
    for (let i = 0; i < keys.length; i++)
      Object.defineProperty(copy, keys[i], {value: told(value[keys[i]]), enumerable: true, configurable: true});
    return Array.isArray(value) ? copy : {object: copy};
  }
  let data;
  return function (request, dataOrNothing) {
    const text = JSON.parse(request);
    if (dataOrNothing) data = JSON.parse(dataOrNothing);
    let run;
    try { run = new Function("data", "with (data) { return (" + text + "\n); }"); }
    catch (error) { return JSON.stringify({error: error.name}); }
    try { return JSON.stringify(told(run(new Proxy(data, handler)))); }
    catch (error) { return JSON.stringify({error: error.name}); }
  };
})
"""

FUNCTION: Final = object()
"""Stands for a function, which is no value here."""


class Thrown(Exception):
    """JavaScript threw an error; its argument is the error's name."""


class JavaScript:
    """An interpreter, for one thread.

    Args:
        with_everything: leave JavaScript as it is. Otherwise values inherit nothing, a name that the data do not have
            is undefined, and `context` is all the data.
    """

    def __init__(self, *, with_everything: bool = False) -> None:
        self._ask = quickjs.Context().eval(_PROGRAM)(with_everything)
        self._with_everything = with_everything
        self._asked_with: dict[str, Any] | None = None

    def evaluate(self, text: str, data: dict[str, Any]) -> Any:
        """Return the value of an expression whose names are the data's; `==` converts: see `strictly`.

        Returns:
            A value as `Expression.evaluate` returns them, but every number a float; or FUNCTION.

        Raises:
            Thrown: the text is no expression, or its evaluation threw an error.
        """
        # The same data need not be told again, unless an assignment may have changed them there.
        told = "" if data is self._asked_with and not self._with_everything else json.dumps(data)
        self._asked_with = data
        return _heard(json.loads(self._ask(json.dumps(text), told)))


def strictly(text: str) -> str:
    """Return the text with `===` for every `==`, which is what `==` means here."""
    parts: list[str] = []
    done = 0
    for token in tokens(text):
        if token.text in {"==", "!="}:
            parts += [text[done : token.at], token.text, "="]
            done = token.at + 2
    return "".join(parts) + text[done:]


def plain(value: Any) -> Any:
    """Return a value with every number a float, and NaN and -0 by name, so that equal values compare equal."""
    if isinstance(value, dict):
        return {key: plain(member) for key, member in value.items()}
    if isinstance(value, list):
        return [plain(element) for element in value]
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    number = float(value)
    return repr(number) if math.isnan(number) or (number == 0 and math.copysign(1, number) < 0) else number


def _heard(told: Any) -> Any:
    if isinstance(told, list):
        return [_heard(element) for element in told]
    if not isinstance(told, dict):
        return told
    [(kind, value)] = told.items()
    match kind:
        case "undefined":
            return UNDEFINED
        case "number":
            return float(value)
        case "object":
            return {key: _heard(member) for key, member in value.items()}
        case "error":
            raise Thrown(value)
        case _:
            return FUNCTION
