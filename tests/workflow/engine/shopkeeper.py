"""A small HTTP service that honours idempotency keys, and keeps account of what it was asked to do and to undo."""

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.unit.engine.actions.site import Asked, plain, told

_BACK = ("refunds", "reversals", "withdrawals", "revocations", "rollbacks")
_READS = {"GET", "HEAD"}
_DATA = {"ok": True, "total": 4999, "risk": 0.1, "users": [{"id": 1, "name": "Ann"}], "orders": []}


@dataclass
class Shopkeeper:
    """Answers requests; the first answer to each key is lost on its way, as happens.

    Attributes:
        refusing: statuses by which it refuses what comes to a path that ends so.
        reads: what it answers to who only asks, over what it always does.
        done: what was done, by key: the request, as `POST /charges`.
        undone: what was undone, in order.
        told: what it was told by webhooks, by their ids.
        deliveries: how often each key came.
    """

    refusing: dict[str, int] = field(default_factory=dict)
    reads: dict[str, Any] = field(default_factory=dict)
    done: dict[str, str] = field(default_factory=dict)
    undone: list[str] = field(default_factory=list)
    told: dict[str, str] = field(default_factory=dict)
    deliveries: Counter[str] = field(default_factory=Counter)

    def answer(self, asked: Asked) -> bytes:
        """Answer a request; nothing loses the connection."""
        path = asked.target.partition("?")[0]
        status = next((status for end, status in self.refusing.items() if path.endswith(end)), None)
        if status is not None and not self._is_undo(asked, path):
            return told({"refused": path}, status)
        if asked.method in _READS:
            return told({**_DATA, **self.reads})
        if "webhook-id" in asked.headers:
            self.told[asked.headers["webhook-id"]] = path
            return plain(204)
        return self._once(asked, path, asked.headers["idempotency-key"])

    @property
    def standing(self) -> list[str]:
        """What was done and not undone."""
        left = list(self.done.values())
        for each in self.undone:
            left.remove(each)
        return left

    def _once(self, asked: Asked, path: str, key: str) -> bytes:
        self.deliveries[key] += 1
        is_first = self.deliveries[key] == 1
        if is_first and self._is_undo(asked, path):
            self._undo(asked, path)
        elif is_first:
            self.done[key] = f"{asked.method} {path}"
        return b"" if is_first else told({"id": key})

    def _undo(self, asked: Asked, path: str) -> None:
        """Take back what the request names: by its key, or by its address where it was put there."""
        named = set(json.loads(asked.body).values()) if asked.body else {path.rpartition("/")[2]}
        for key, request in self.done.items():
            if key in named or request == f"PUT {path}":
                self.undone.append(request)

    def _is_undo(self, asked: Asked, path: str) -> bool:
        return asked.method == "DELETE" or path.rpartition("/")[2] in _BACK
