"""What the API refuses, as errors: each with the code, the status and the sentence of its problem document."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from flowforge.errors import FlowForgeError


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong with what was sent, and where.

    Attributes:
        code: stable; `FF-…` for definitions, which docs/errors.md explains.
        detail: one sentence for people.
        pointer: JSON pointer into the body; None where it is not in the body.
        hint: what may be done about it.
        line: where it is in a text that people write, from 1.
        column: and where in that line.
    """

    code: str
    detail: str
    pointer: str | None = None
    hint: str | None = None
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        """Write it as the commands that need no server do."""
        place = "" if self.line is None else f"{self.line}:{self.column}: "
        hint = "" if self.hint is None else f", {self.hint}"
        pointer = "" if not self.pointer else f" ({self.pointer})"
        return f"{place}{self.code} {self.detail}{hint}{pointer}"


class ApiError(FlowForgeError):
    """The API answered with a problem.

    Attributes:
        code: what kind of problem, stable and machine-readable.
        status: the HTTP status.
        message: what happened, in one line.
        findings: what is wrong with what was sent, in order; empty where that is not the matter.
        request_id: names the request in the server's log.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str = "internal",
        status: int = 500,
        findings: tuple[Finding, ...] = (),
        request_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.findings = findings
        self.request_id = request_id


class ApiInvalid(ApiError):
    """What was sent cannot be accepted as it is (400, 413, 415, 422)."""


class ApiForbidden(ApiError):
    """This installation does not allow it (403)."""


class ApiNotFound(ApiError):
    """There is no such thing (404)."""


class ApiConflict(ApiError):
    """It contradicts the present state (409)."""


class ApiUnavailable(ApiError):
    """Something that the API needs is away (503); it may be back later."""

    retryable = True


class Unreachable(FlowForgeError):
    """The API did not answer; it may later. Whether it did what it was asked to is unknown."""

    code = "api_unreachable"
    retryable = True


class NotUnderstood(FlowForgeError):
    """Something answered, and not as this FlowForge's API does."""

    code = "not_understood"


_KINDS: Final[Mapping[int, type[ApiError]]] = {
    **dict.fromkeys((400, 413, 415, 422), ApiInvalid),
    403: ApiForbidden,
    404: ApiNotFound,
    409: ApiConflict,
    503: ApiUnavailable,
}


def problem_of(status: int, document: Mapping[str, Any]) -> ApiError:
    """Return the error that a problem document tells of; it has a `detail`."""
    kind = _KINDS.get(status, ApiError)
    return kind(
        " ".join(document["detail"].split()),
        code=str(document.get("code", "internal")),
        status=status,
        findings=tuple(_finding(entry) for entry in document.get("errors") or () if isinstance(entry, dict)),
        request_id=document.get("request_id"),
    )


def _finding(entry: Mapping[str, Any]) -> Finding:
    return Finding(
        code=str(entry.get("code", "")),
        detail=str(entry.get("detail", "")),
        pointer=entry.get("pointer"),
        hint=entry.get("hint"),
        line=entry.get("line"),
        column=entry.get("column"),
    )
