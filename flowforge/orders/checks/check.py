"""What one question of the audit is."""

from dataclasses import dataclass
from typing import Literal

Area = Literal["money", "stock", "shipping", "liveness", "once", "orphans"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One question to the database.

    Attributes:
        name: what is checked, in one line.
        query: selects one column, the id of each offender; may use `:late`, the latest deadline that has passed.
        is_violation: False for what is only listed, for an operator to see.
    """

    area: Area
    name: str
    query: str
    is_violation: bool = True
