"""The action `webhook`, and its signatures."""

import hashlib
import hmac
import json
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError

from flowforge.engine.actions.contract import ActionAnswer
from flowforge.engine.actions.signing import is_genuine, read_secrets, signed_headers
from flowforge.engine.actions.webhook import MAX_ATTEMPTS, webhook
from flowforge.security.egress import EgressPolicy
from flowforge.security.outbound import outbound_client
from tests.unit.engine.actions.calls import act, activities_of, call_of
from tests.unit.engine.actions.site import Site, plain, serving

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 -- the standard's own example
EXAMPLE_ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
EXAMPLE_BODY = b'{"test": 2432232314}'
EXAMPLE_TIME = datetime.fromtimestamp(1614265330, UTC)
EXAMPLE_SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with serving() as site:
        yield site


async def send(params: Any, *, secret: str = SECRET, allow: str = "127.0.0.1", attempt: int = 1) -> ActionAnswer:
    async with outbound_client(EgressPolicy.parse(allow), timeout_s=10) as client:
        with activities_of(webhook(client, read_secrets(secret))) as activities:
            return await act(activities, call_of("webhook", params, {"orderId": "o-1"}), attempt=attempt)


def test_the_standards_own_example_has_its_signature() -> None:
    headers = signed_headers(read_secrets(SECRET), EXAMPLE_ID, EXAMPLE_TIME, EXAMPLE_BODY)
    assert headers == {
        "webhook-id": EXAMPLE_ID,
        "webhook-timestamp": "1614265330",
        "webhook-signature": EXAMPLE_SIGNATURE,
    }
    assert is_genuine(read_secrets(SECRET), headers, EXAMPLE_BODY, now=EXAMPLE_TIME)


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": "msg_other"},
        {"webhook-timestamp": "1614265331"},
        {"webhook-timestamp": "1614265330.0"},
        {"webhook-timestamp": "١٦١٤٢٦٥٣٣٠"},
        {"webhook-signature": ""},
        {"webhook-signature": "v1"},
        {"webhook-signature": "v1,"},
        {"webhook-signature": "v1,%%%"},
        {"webhook-signature": "v1,ünsigned"},
        {"webhook-signature": EXAMPLE_SIGNATURE.replace("v1", "v2")},
    ],
)
def test_what_was_changed_or_is_malformed_is_not_genuine(change: dict[str, str]) -> None:
    headers = signed_headers(read_secrets(SECRET), EXAMPLE_ID, EXAMPLE_TIME, EXAMPLE_BODY)
    assert not is_genuine(read_secrets(SECRET), headers | change, EXAMPLE_BODY, now=EXAMPLE_TIME)
    assert not is_genuine(read_secrets(SECRET), headers, EXAMPLE_BODY + b" ", now=EXAMPLE_TIME)
    assert not is_genuine(read_secrets(SECRET), {}, EXAMPLE_BODY, now=EXAMPLE_TIME)


@pytest.mark.parametrize(("seconds", "expected"), [(300, True), (-300, True), (301, False), (-301, False)])
def test_a_signature_is_good_for_some_minutes(seconds: int, expected: object) -> None:
    headers = signed_headers(read_secrets(SECRET), EXAMPLE_ID, EXAMPLE_TIME, EXAMPLE_BODY)
    now = EXAMPLE_TIME + timedelta(seconds=seconds)
    assert is_genuine(read_secrets(SECRET), headers, EXAMPLE_BODY, now=now) is expected


def test_while_a_secret_is_replaced_either_will_do() -> None:
    other = "whsec_" + b64encode(b"sixteen bytes...").decode()
    headers = signed_headers(read_secrets(f"{other} {SECRET}"), EXAMPLE_ID, EXAMPLE_TIME, EXAMPLE_BODY)
    for secret in (SECRET, other):
        assert is_genuine(read_secrets(secret), headers, EXAMPLE_BODY, now=EXAMPLE_TIME)
    third = "whsec_" + b64encode(b"another sixteen.").decode()
    assert not is_genuine(read_secrets(third), headers, EXAMPLE_BODY, now=EXAMPLE_TIME)


@pytest.mark.parametrize("secret", ["whsec_%%%", "whsec_c2hvcnQ=", "whsec_"])
def test_a_secret_that_is_none_is_an_error(secret: str) -> None:
    with pytest.raises(ValueError, match="a webhook secret"):
        read_secrets(secret)


async def test_a_webhook_says_what_happened_and_signs_the_bytes_that_it_sends(site: Site) -> None:
    answer = await send({"url": site.url + "/hook", "type": "order.shipped", "status": "completed"})
    (asked,) = site.asked
    body = json.loads(asked.body)
    assert body.pop("timestamp")
    assert body == {
        "id": asked.headers["webhook-id"],
        "type": "order.shipped",
        "executionId": "exec-1",
        "workflowId": "flow",
        "stepId": "step",
        "status": "completed",
        "data": {"orderId": "o-1"},
    }
    assert answer.result == {"delivered": True, "id": body["id"], "status": 200}
    assert (asked.method, asked.headers["content-type"]) == ("POST", "application/json")
    key = b64decode(SECRET.removeprefix("whsec_"))
    signed = f"{body['id']}.{asked.headers['webhook-timestamp']}.".encode() + asked.body
    digest = b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert asked.headers["webhook-signature"] == f"v1,{digest}"


async def test_every_attempt_has_the_same_id_and_body(site: Site) -> None:
    await send({"url": site.url})
    await send({"url": site.url}, attempt=2)
    one, other = site.asked
    assert one.headers["webhook-id"] == other.headers["webhook-id"]
    assert one.body == other.body


async def test_a_payload_is_sent_as_it_is(site: Site) -> None:
    await send({"url": site.url, "payload": {"type": "order-confirmation"}})
    assert site.asked[0].body == b'{"type":"order-confirmation"}'


async def test_without_a_secret_nothing_is_signed(site: Site) -> None:
    await send({"url": site.url}, secret="")
    assert "webhook-signature" not in site.asked[0].headers
    assert "webhook-id" in site.asked[0].headers


async def test_a_webhook_that_cannot_be_delivered_is_tried_again_and_then_given_up(site: Site) -> None:
    site.answer = lambda _: plain(503)
    with pytest.raises(ApplicationError) as caught:
        await send({"url": site.url}, attempt=MAX_ATTEMPTS - 1)
    assert (caught.value.type, caught.value.non_retryable) == ("http_503", False)
    result = (await send({"url": site.url}, attempt=MAX_ATTEMPTS)).result
    assert (result["delivered"], result["error"]["code"]) == (False, "http_503")


@pytest.mark.parametrize(("status", "code"), [(404, "http_404"), (302, "http_302")])
async def test_a_webhook_that_is_refused_fails_nothing_unless_asked(site: Site, status: int, code: str) -> None:
    site.answer = lambda _: plain(status)
    assert (await send({"url": site.url})).result["error"]["code"] == code
    with pytest.raises(ApplicationError) as caught:
        await send({"url": site.url, "failOnError": True}, attempt=9)
    assert (caught.value.type, caught.value.non_retryable) == (code, True)


async def test_a_webhook_that_must_arrive_is_tried_without_end(site: Site) -> None:
    site.answer = lambda _: plain(500)
    with pytest.raises(ApplicationError) as caught:
        await send({"url": site.url, "failOnError": True}, attempt=MAX_ATTEMPTS + 1)
    assert not caught.value.non_retryable


async def test_a_webhook_to_where_it_must_not_go_is_not_sent(site: Site) -> None:
    assert (await send({"url": site.url}, allow="")).result["error"]["code"] == "egress_blocked"
    assert site.asked == []
