"""Every code that a problem of a definition can have. A code, once published, never changes its meaning."""

from typing import Final

ERRORS: Final[dict[str, str]] = {
    "FF-1000": "unreadable text",
    "FF-1001": "missing key",
    "FF-1002": "unknown key",
    "FF-1003": "wrong value",
    "FF-1004": "unknown dependency",
    "FF-1005": "dependency cycle",
    "FF-1006": "duplicate id",
    "FF-1007": "illegal id",
    "FF-1008": "malformed duration",
    "FF-1009": "unreachable step",
    "FF-1010": "bad expression",
    "FF-1011": "bad template",
    "FF-1012": "unknown name",
    "FF-1013": "wrong params",
    "FF-1014": "limit exceeded",
    "FF-1015": "graph and state machine mixed",
    "FF-1016": "unknown step in a transition",
    "FF-1017": "unknown initial step",
    "FF-1018": "unknown error branch",
    "FF-1019": "error branch that is never taken",
    "FF-1020": "duplicate key",
    "FF-1021": "anchor, alias or tag",
    "FF-1022": "said twice",
    "FF-1023": "bad schema",
    "FF-1024": "names collide",
    "FF-1025": "undo outside of a compensation",
    "FF-1026": "undo as a step",
}
"""What makes a definition unacceptable."""

WARNINGS: Final[dict[str, str]] = {
    "FF-1101": "unknown action",
    "FF-1102": "undo.result may be null",
    "FF-1103": "name that nothing defines",
    "FF-1104": "result that may not be there",
    "FF-1105": "once in a run",
    "FF-1106": "undo that changes nothing",
}
"""What is worth a look, and refused only where the publisher asks for it."""
