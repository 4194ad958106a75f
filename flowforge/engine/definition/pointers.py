"""JSON pointers (RFC 6901): where in a document something is."""

from collections.abc import Iterable


def escape(token: str) -> str:
    """Return one key as a pointer writes it."""
    return token.replace("~", "~0").replace("/", "~1")


def join(base: str, *tokens: str | int) -> str:
    """Return the pointer to something inside what `base` points to."""
    return base + "".join(f"/{escape(str(token))}" for token in tokens)


def parents(pointer: str) -> Iterable[str]:
    """Yield a pointer, then the one to what holds it, up to the whole document."""
    yield pointer
    while pointer:
        pointer = pointer.rpartition("/")[0]
        yield pointer
