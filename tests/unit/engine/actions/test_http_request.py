"""The action `http.request` against a real server."""

import gzip
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError

from flowforge.engine.actions.contract import ActionAnswer
from flowforge.engine.actions.exchange import MAX_BODY_BYTES
from flowforge.engine.actions.http_request import http_request
from flowforge.security.egress import EgressPolicy
from flowforge.security.outbound import outbound_client
from tests.unit.engine.actions.calls import act, activities_of, call_of
from tests.unit.engine.actions.site import Site, plain, serving, told

CONTEXT = {"orderId": "o-1", "price": 49.99}


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with serving() as site:
        yield site


async def request(params: Any, *, allow: str = "127.0.0.1", attempt: int = 1, **more: Any) -> ActionAnswer:
    async with outbound_client(EgressPolicy.parse(allow), timeout_s=10) as client:
        with activities_of(http_request(client)) as activities:
            return await act(activities, call_of("http.request", params, CONTEXT, **more), attempt=attempt)


async def failure(params: Any, *, allow: str = "127.0.0.1") -> ApplicationError:
    with pytest.raises(ApplicationError) as caught:
        await request(params, allow=allow)
    return caught.value


async def test_the_result_is_the_body_and_the_rest_is_told_beside_it(site: Site) -> None:
    site.answer = lambda _: told({"users": [1, 2]}, 201)
    answer = await request({"url": site.url + "/data", "query": {"page": 2, "all": True, "tag": ["a", "b"]}})
    assert answer.result == {"users": [1, 2]}
    assert answer.details["status"] == 201
    assert answer.details["headers"]["content-type"] == "application/json; charset=utf-8"
    assert site.asked[0].target == "/data?page=2&all=true&tag=a&tag=b"


async def test_the_whole_answer_can_be_the_result(site: Site) -> None:
    result = (await request({"url": site.url, "response": "full"})).result
    assert (result["status"], result["body"]) == (200, {"ok": True})
    assert result["headers"]["content-length"] == "12"


@pytest.mark.parametrize("method", ["POST", "put", "PATCH"])
async def test_what_writes_sends_the_context_unless_it_has_a_body(site: Site, method: str) -> None:
    await request({"url": site.url, "method": method})
    await request({"url": site.url, "method": method, "body": {"amount": 1}})
    await request({"url": site.url, "method": method, "body": None})
    await request({"url": site.url, "method": method, "body": "<a/>", "headers": {"Content-Type": "text/xml"}})
    assert [json.loads(asked.body) for asked in site.asked[:3]] == [CONTEXT, {"amount": 1}, None]
    assert [asked.headers["content-type"] for asked in site.asked] == [*3 * ["application/json"], "text/xml"]
    assert site.asked[3].body == b"<a/>"


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
async def test_what_reads_or_deletes_sends_no_body(site: Site, method: str) -> None:
    site.answer = lambda _: plain(204)
    assert (await request({"url": site.url, "method": method})).result is None
    assert site.asked[0].body == b""


async def test_an_answer_may_take_longer_than_connecting_may(site: Site) -> None:
    site.patience_s = 0.5
    async with outbound_client(EgressPolicy.parse("127.0.0.1"), timeout_s=0.2) as client:
        with activities_of(http_request(client)) as activities:
            answer = await act(activities, call_of("http.request", {"url": site.url, "timeout": "20s"}))
    assert answer.result == {"ok": True}


async def test_every_attempt_has_the_key_of_its_unit_of_work(site: Site) -> None:
    for attempt in (1, 2):
        await request({"url": site.url, "method": "DELETE"}, key="exec-1:1:charge", attempt=attempt)
    await request({"url": site.url, "method": "POST"}, key="exec-1:1:charge:undo", undo=True)
    await request({"url": site.url, "method": "POST", "headers": {"Idempotency-Key": "mine"}})
    await request({"url": site.url})
    keys = [asked.headers.get("idempotency-key") for asked in site.asked]
    assert keys == ["exec-1:1:charge", "exec-1:1:charge", "exec-1:1:charge:undo", "mine", None]


@pytest.mark.parametrize("status", [500, 502, 503, 429])
async def test_a_server_in_trouble_is_asked_again(site: Site, status: int) -> None:
    site.answer = lambda _: plain(status, b"busy")
    error = await failure({"url": site.url})
    assert (error.type, error.non_retryable, error.next_retry_delay) == (f"http_{status}", False, None)
    assert error.details[0] == {"attempt": 1, "status": status, "body": "busy"}


@pytest.mark.parametrize("status", [400, 401, 402, 404, 409, 422, 304])
async def test_any_other_answer_is_refused_for_good(site: Site, status: int) -> None:
    site.answer = lambda _: told({"code": "card_declined"}, status) if status != 304 else plain(304)
    error = await failure({"url": site.url})
    assert (error.type, error.non_retryable) == (f"http_{status}", True)


@pytest.mark.parametrize(("value", "seconds"), [("7", 7), ("99999999", 3600), ("soon", None), ("-1", None)])
async def test_a_server_may_say_when_to_ask_again(site: Site, value: str, seconds: int | None) -> None:
    site.answer = lambda _: plain(429, b"", f"retry-after: {value}")
    expected = None if seconds is None else timedelta(seconds=seconds)
    assert (await failure({"url": site.url})).next_retry_delay == expected


async def test_a_server_may_give_an_instant_to_ask_again(site: Site) -> None:
    at = format_datetime(datetime.now(UTC) + timedelta(seconds=120), usegmt=True)
    site.answer = lambda _: plain(503, b"", f"retry-after: {at}")
    delay = (await failure({"url": site.url})).next_retry_delay
    assert delay is not None
    assert timedelta(seconds=30) < delay <= timedelta(seconds=120)


async def test_a_lost_connection_is_tried_again(site: Site) -> None:
    site.answer = lambda _: b""
    error = await failure({"url": site.url})
    assert (error.type, error.non_retryable) == ("connection_lost", False)


async def test_a_server_that_takes_too_long_is_asked_again(site: Site) -> None:
    site.answer = lambda _: b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n"
    error = await failure({"url": site.url, "timeout": 1})
    assert (error.type, error.non_retryable) == ("http_timeout", False)


@pytest.mark.parametrize(
    ("expect", "status", "code"),
    [
        (404, 404, None),
        ([200, 404], 404, None),
        ("4xx", 404, None),
        (503, 503, None),
        (201, 200, "http_200"),
        (["2xx", 409], 410, "http_410"),
    ],
)
async def test_a_step_may_expect_other_answers(site: Site, expect: Any, status: int, code: str | None) -> None:
    site.answer = lambda _: told({}, status)
    if code is None:
        assert (await request({"url": site.url, "expect": expect})).details["status"] == status
    else:
        assert (await failure({"url": site.url, "expect": expect})).type == code


async def test_an_answer_is_read_up_to_its_limit(site: Site) -> None:
    site.answer = lambda _: plain(404, b"x" * MAX_BODY_BYTES)
    assert (await failure({"url": site.url})).type == "http_404"
    site.answer = lambda _: plain(404, b"x" * (MAX_BODY_BYTES + 1))
    assert (await failure({"url": site.url})).type == "response_too_large"


async def test_an_answer_that_was_compressed_is_read_up_to_the_same_limit(site: Site) -> None:
    site.answer = lambda _: plain(200, gzip.compress(b'"hi"'), "content-encoding: gzip")
    assert (await request({"url": site.url})).result == '"hi"'
    site.answer = lambda _: plain(200, gzip.compress(b"x" * 50 * MAX_BODY_BYTES), "content-encoding: gzip")
    error = await failure({"url": site.url})
    assert (error.type, error.non_retryable) == ("response_too_large", True)


@pytest.mark.parametrize(
    "answer",
    [
        plain(200, b"{", "content-type: application/json"),
        plain(200, b"NaN", "content-type: application/json"),
        plain(200, b"[" * 100_000, "content-type: application/problem+json"),
        plain(200, b"x", "content-encoding: br"),
        plain(200, b"x", "content-encoding: gzip"),
    ],
)
async def test_an_answer_that_cannot_be_read_is_refused(site: Site, answer: bytes) -> None:
    site.answer = lambda _: answer
    error = await failure({"url": site.url})
    assert (error.type, error.non_retryable) == ("unreadable_response", True)


async def test_a_text_is_a_text_in_whatever_letters(site: Site) -> None:
    site.answer = lambda _: plain(200, "grün".encode("latin-1"), "content-type: text/plain; charset=latin-1")
    assert (await request({"url": site.url})).result == "grün"
    site.answer = lambda _: plain(200, b"\xff[1]", "content-type: text/plain; charset=klingon")
    assert (await request({"url": site.url})).result == "\N{REPLACEMENT CHARACTER}[1]"


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "http://[::1]:1/", "http://localhost:1/", "http://10.0.0.1/"])
async def test_an_address_that_is_not_public_is_refused_for_good_and_the_setting_named(url: str) -> None:
    error = await failure({"url": url}, allow="")
    assert (error.type, error.non_retryable) == ("egress_blocked", True)
    assert "EGRESS_ALLOW" in error.message


async def test_a_redirect_may_not_lead_where_the_request_may_not(site: Site) -> None:
    site.answer = lambda _: plain(302, b"", "location: http://10.0.0.1/secret")
    assert (await failure({"url": site.url})).type == "egress_blocked"


async def test_redirects_are_followed_but_not_in_circles(site: Site) -> None:
    site.answer = lambda asked: told({"at": asked.target}) if asked.target == "/b" else plain(307, b"", "location: /b")
    assert (await request({"url": site.url + "/a", "method": "POST"})).result == {"at": "/b"}
    assert [json.loads(asked.body) for asked in site.asked] == [CONTEXT, CONTEXT]
    site.answer = lambda _: plain(302, b"", "location: /again")
    error = await failure({"url": site.url})
    assert (error.type, error.non_retryable) == ("too_many_redirects", True)


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"url": "ftp://127.0.0.1/x"}, "bad_request"),
        ({"url": "nowhere"}, "bad_request"),
        ({"url": "http://"}, "bad_request"),
        ({"url": "http://127.0.0.1:99999/"}, "bad_request"),
        ({"url": "http://127.0.0.1/", "headers": {"a b": "c"}}, "bad_request"),
        ({"url": "http://127.0.0.1/", "headers": {"a": "b\r\nc: d"}}, "bad_request"),
        ({"url": "http://127.0.0.1/", "headers": {"Host": "inside"}}, "bad_params"),
        ({"url": "http://127.0.0.1/", "method": "TRACE"}, "bad_params"),
        ({"url": "http://127.0.0.1/", "timeout": "soon"}, "bad_params"),
        ({"method": "POST"}, "bad_params"),
    ],
)
async def test_a_request_that_is_none_is_refused_for_good(site: Site, params: dict[str, Any], code: str) -> None:
    if "url" in params:
        params = {**params, "url": params["url"].replace("http://127.0.0.1/", site.url)}
    error = await failure(params)
    assert (error.type, error.non_retryable) == (code, True)
    assert site.asked == []


async def test_only_what_does_not_read_has_an_effect() -> None:
    async with outbound_client(EgressPolicy(), timeout_s=1) as client:
        changes = http_request(client).changes
    assert changes is not None
    assert [changes({"method": method}) for method in ("GET", "head", "POST", "DELETE", "${method}")] == [
        False,
        False,
        True,
        True,
        True,
    ]
    assert not changes({"url": "http://shop.example"})
