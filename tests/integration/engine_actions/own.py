"""An action of one's own, in the place of a sample."""

from typing import Any

from flowforge.engine.actions.declaration import action


@action("ChargePayment")
async def charge(params: dict[str, Any]) -> dict[str, Any]:
    """Charge as this shop does."""
    return {"charged": params}
