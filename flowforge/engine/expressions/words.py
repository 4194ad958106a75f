"""Names that mean something by themselves."""

import math
from typing import Final

from flowforge.engine.expressions.values import UNDEFINED, Value

CONSTANTS: Final[dict[str, Value]] = {
    "true": True,
    "false": False,
    "null": None,
    "undefined": UNDEFINED,
    "NaN": math.nan,
    "Infinity": math.inf,
}
"""Names that are values. Data under such a name are read through `context`."""

_RESERVED: Final = """
    break case catch class const continue debugger default delete do else enum export extends finally for function if
    import in instanceof new return super switch this throw try typeof var void while with
"""
RESERVED: Final = frozenset(_RESERVED.split())
"""Words that JavaScript keeps for itself. They may follow a dot, and be keys; data of such a name are read through
`context`."""

CONTEXT: Final = "context"
"""The data as a whole."""

MATH_OBJECT: Final = "Math"
"""What the functions of functions.MATH are called on; it is no value."""
