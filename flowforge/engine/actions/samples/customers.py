"""Samples for customers: mails, a fraud score, reviews, greetings."""

from decimal import Decimal
from typing import Any, Final

from flowforge.engine.actions.declaration import ActionContext, Workflow, action
from flowforge.engine.actions.samples.amounts import number, total
from flowforge.engine.actions.samples.records import SampleRecords, play_along

_CATEGORY: Final = "samples"
_FULL_RISK: Final = Decimal(1000)
_MOST_RISK: Final = Decimal("0.99")
_NO_RISK: Final = 0.1


class CustomerSamples(Workflow):
    """What is sent is a row of the ledger: once for each step, whatever becomes of its attempts."""

    def __init__(self, records: SampleRecords) -> None:
        self._records = records

    @action("sendWelcomeEmail", category=_CATEGORY, fenced=True)
    async def welcome(self, params: Any, context: ActionContext) -> dict[str, Any]:
        """Send a welcome; nothing to undo."""
        return await self._mail(params, context, "welcome")

    @action("sendOnboardingTips", category=_CATEGORY, fenced=True)
    async def tips(self, params: Any, context: ActionContext) -> dict[str, Any]:
        """Send tips; nothing to undo."""
        return await self._mail(params, context, "tips")

    @action("email", category=_CATEGORY, fenced=True)
    async def email(self, params: Any, context: ActionContext) -> dict[str, Any]:
        """Send a mail; nothing to undo."""
        return await self._mail(params, context, "mail")

    @action("greet", category=_CATEGORY, effect=False)
    async def greet(self, params: Any, context: ActionContext) -> dict[str, Any]:
        """Greet somebody by `name`."""
        play_along(context)
        name = next((params[key] for key in ("name", "user") if isinstance(params, dict) and key in params), "you")
        return {"message": f"Hello, {name}!"}

    @action("calculateFraudScore", category=_CATEGORY, effect=False)
    async def score(self, params: Any, context: ActionContext) -> dict[str, Any]:
        """Return a `risk` from 0 to 1 that grows with the amount: 300 and more is for somebody to look at."""
        play_along(context)
        has_amount = isinstance(params, dict) and any(key in params for key in ("items", "total", "amount"))
        return {"risk": number(min(total(params) / _FULL_RISK, _MOST_RISK)) if has_amount else _NO_RISK}

    @action("approveOrder", category=_CATEGORY, fenced=True)
    async def approve(self, _params: Any, context: ActionContext) -> dict[str, Any]:
        """Approve an order."""
        return await self._records.once(context, {"approved": True})

    @action("queueForReview", category=_CATEGORY, fenced=True)
    async def queue(self, _params: Any, context: ActionContext) -> dict[str, Any]:
        """Have somebody look at an order."""
        return await self._records.once(context, {"queued": True})

    @action("callExternalApi", category=_CATEGORY, fenced=True)
    async def call_api(self, _params: Any, context: ActionContext) -> dict[str, Any]:
        """Call somebody; the first `_testFailures` attempts fail."""
        return await self._records.once(context, {"called": True})

    @action("handleFailure", category=_CATEGORY, effect=False)
    async def handle(self, _params: Any, context: ActionContext) -> dict[str, Any]:
        """Handle a failure, unless `_testFailAt` says otherwise."""
        play_along(context)
        return {"handled": True}

    async def _mail(self, params: Any, context: ActionContext, kind: str) -> dict[str, Any]:
        names = ("to", "email", "customerId", "userId", "name")
        to = next((params[key] for key in names if isinstance(params, dict) and params.get(key) is not None), None)
        return await self._records.once(context, {"sent": kind, "to": to})
