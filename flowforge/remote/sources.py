"""A definition as it goes over the wire: from a mapping, a text, or a file."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from flowforge.errors import FlowForgeError

_JSON: Final = "application/json"
_YAML: Final = "application/yaml"
_ENDINGS: Final = (".json", ".yaml", ".yml")


def names_file(text: str) -> bool:
    """Tell whether a text is meant as a definition's file."""
    return text.endswith(_ENDINGS) and "\n" not in text


def body_of(source: Mapping[str, Any] | str | Path) -> tuple[bytes, str]:
    """Return a definition's bytes and their media type.

    Args:
        source: a mapping; a text, JSON or YAML; or a file. A text of one line that ends in `.json`, `.yaml` or `.yml`
            is a file's name.

    Raises:
        FlowForgeError: the file cannot be read, or the mapping is no JSON.
    """
    if isinstance(source, Mapping):
        try:
            return json.dumps(source, allow_nan=False).encode(), _JSON
        except (TypeError, ValueError) as error:
            raise FlowForgeError(f"the definition is no JSON: {error}") from None
    if isinstance(source, str) and not names_file(source):
        return source.encode(), _form_of(source.encode())
    try:
        text = Path(source).read_bytes()
    except OSError as error:
        raise FlowForgeError(f"{source}: {error.strerror}") from None
    return text, _form_of(text)


def _form_of(text: bytes) -> str:
    # As the commands that need no server look at it.
    return _JSON if text.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in {b"{", b"["} else _YAML
