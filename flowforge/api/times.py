"""Times as clients write them."""

import re
from typing import Any


def as_written(time: Any) -> Any:
    """Take a time in RFC 3339 only: Pydantic would read a number as seconds since 1970."""
    if isinstance(time, str) and re.match(r"\d{4}-\d\d-\d\d[Tt]", time) is None:
        raise ValueError("must be a time as RFC 3339 writes it")
    return time
