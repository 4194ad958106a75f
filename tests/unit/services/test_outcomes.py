"""What a later build recorded is read by an older one, which works on the same orders while one replaces the other."""

import pytest

from flowforge.durable.compensation import Compensation
from flowforge.errors import OutOfStock, Refusal
from flowforge.services.outcomes import answer, from_json, refusal_to_json, to_json
from flowforge.services.payments.contracts import Capture

CAPTURE = Capture(charge_id="ch_1", captured_minor=500)


def test_outcome_of_a_later_version_is_answered_with_what_is_known_of_it() -> None:
    recorded = to_json(CAPTURE) | {"receipt": "on paper"}
    assert answer("applied", recorded, Capture, operation="payments.capture", saga_id="ord_1") == CAPTURE


def test_field_that_an_earlier_version_did_not_write_has_its_default() -> None:
    assert from_json(Compensation, {"name": "refund"}) == Compensation(name="refund")


def test_refusal_is_raised_again_as_what_it_was() -> None:
    recorded = refusal_to_json(OutOfStock("none left"))
    with pytest.raises(OutOfStock, match="none left"):
        answer("refused", recorded, Capture, operation="payments.capture", saga_id="ord_1")


def test_refusal_that_only_a_later_version_has_is_a_refusal_with_its_code() -> None:
    recorded = {"code": "too_far_away", "message": "nobody goes there"}
    with pytest.raises(Refusal, match="nobody goes there") as caught:
        answer("refused", recorded, Capture, operation="payments.capture", saga_id="ord_1")
    assert caught.value.code == "too_far_away"
    assert Refusal("another").code != "too_far_away"
