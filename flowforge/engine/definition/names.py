"""Which names a definition, its steps and what they leave behind may have."""

import re
from typing import Final

DEFINITION_ID: Final = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,127}")
"""A definition's id; it is part of run ids and of paths."""

STEP_ID: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,127}")
"""A step's id and an output key: no dots, so that `${charge-payment.id}` can only mean one thing."""

EVENT_NAME: Final = re.compile(r"[A-Za-z0-9._:-]{1,128}")
"""The name of an event that a step waits for; it is part of a path."""

CONTEXT: Final = "context"
"""The name under which everything can be reached, whatever it is called: `context['charge-payment']`."""

UNDO: Final = "undo"
"""The name under which a compensation finds the forward step's key and result."""

RESERVED: Final = frozenset({CONTEXT, UNDO, "null", "undefined", "true", "false", "in", "Math"})
"""Names that mean something else in an expression."""
