"""JSON pointers (RFC 6901): where in a document something is."""

from collections.abc import Iterable


def escape(token: str) -> str:
    """Return one key as a pointer writes it."""
    return token.replace("~", "~0").replace("/", "~1") if "~" in token or "/" in token else token


def keys(pointer: str) -> list[str]:
    """Return the keys on the way to what a pointer points to, as they are in the document."""
    return [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]]


def join(base: str, *tokens: str | int) -> str:
    """Return the pointer to something inside what `base` points to."""
    # Written out: of a large definition there are tens of thousands.
    for token in tokens:
        base = f"{base}/{escape(token) if isinstance(token, str) else token}"
    return base


def parents(pointer: str) -> Iterable[str]:
    """Yield a pointer, then the one to what holds it, up to the whole document."""
    yield pointer
    while pointer:
        pointer = pointer.rpartition("/")[0]
        yield pointer
