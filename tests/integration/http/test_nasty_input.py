"""Whatever a client sends, it is answered with a problem document that says what is wrong, and never with a 5xx."""

import json
from typing import Any

import pytest

from flowforge.api.strict_route import MAX_BODY_BYTES
from tests.integration.http.conftest import ORDER, Api

GOOD = json.dumps(ORDER).encode()


def order(**fields: Any) -> bytes:
    """Return the good order with some fields changed, as a body."""
    return json.dumps({**ORDER, **fields}).encode()


def raw(member: str) -> bytes:
    """Return the good order with a member more, written as it is."""
    return GOOD[:-1] + b", " + member.encode() + b"}"


def with_quantity(literal: str) -> bytes:
    """Return the good order with another literal as its quantity."""
    return GOOD.replace(b'"quantity": 2', f'"quantity": {literal}'.encode())


LINE = '{"product_id": "SKU-001", "quantity": 1}'


def of_items(literal: str) -> bytes:
    """Return an order with this literal as its items."""
    return b'{"customer_id": "c", "payment_method": "t", "items": ' + literal.encode() + b"}"


BODIES = {
    # what is no JSON text
    "empty": (b"", 400, "", "json_invalid"),
    "only whitespace": (b" \n\t ", 400, "", "json_invalid"),
    "cut off": (GOOD[:-1], 400, "", "json_invalid"),
    "two values": (GOOD + GOOD, 400, "", "json_invalid"),
    "a trailing comma": (GOOD[:-1] + b",}", 400, "", "json_invalid"),
    "single quotes": (GOOD.replace(b'"', b"'"), 400, "", "json_invalid"),
    "a comment": (b"/* */" + GOOD, 400, "", "json_invalid"),
    "a byte order mark": (b"\xef\xbb\xbf" + GOOD, 400, "", "json_invalid"),
    "utf-16": (GOOD.decode().encode("utf-16"), 400, "", "json_invalid"),
    "bytes that are no utf-8": (GOOD.replace(b"customer", b"\xff\xfe"), 400, "", "json_invalid"),
    "an encoded surrogate": (GOOD.replace(b"customer", b"\xed\xa0\x80"), 400, "", "json_invalid"),
    "overlong utf-8": (GOOD.replace(b"customer", b"\xc0\x80"), 400, "", "json_invalid"),
    "a bare NUL": (GOOD.replace(b"customer", b"\x00"), 400, "", "json_invalid"),
    "a bare newline in a string": (GOOD.replace(b"customer", b"\n"), 400, "", "json_invalid"),
    "NaN": (with_quantity("NaN"), 400, "", "json_invalid"),
    "Infinity": (with_quantity("Infinity"), 400, "", "json_invalid"),
    "minus Infinity": (with_quantity("-Infinity"), 400, "", "json_invalid"),
    "a leading zero": (with_quantity("02"), 400, "", "json_invalid"),
    "a plus sign": (with_quantity("+2"), 400, "", "json_invalid"),
    "hexadecimal": (with_quantity("0x2"), 400, "", "json_invalid"),
    "digits of another script": (with_quantity("٢"), 400, "", "json_invalid"),
    "half an escape": (GOOD.replace(b"customer", b"\\u12"), 400, "", "json_invalid"),
    "a form": (b"product_id=SKU-001&quantity=2", 400, "", "json_invalid"),
    # JSON that says what cannot be held
    "a duplicate key": (raw('"quantity": 3'), 422, "/quantity", "duplicate_key"),
    "a duplicate key, escaped": (raw('"quantit\\u0079": 3'), 422, "/quantity", "duplicate_key"),
    "a duplicate key inside": (raw('"more": {"a": 1, "a": 1}'), 422, "/a", "duplicate_key"),
    "an integer over 2^53": (with_quantity(str(2**53 + 1)), 422, "", "integer_too_large"),
    "an integer under -2^53": (with_quantity(str(-(2**53) - 1)), 422, "", "integer_too_large"),
    "an integer of 100,000 digits": (with_quantity("9" * 100_000), 422, "", "integer_too_large"),
    "a number over every double": (with_quantity("1e400"), 422, "", "number_too_large"),
    "a lone high surrogate": (order(customer_id="\ud800"), 422, "/customer_id", "lone_surrogate"),
    "a lone low surrogate": (order(customer_id="a\udfffb"), 422, "/customer_id", "lone_surrogate"),
    "a lone surrogate in a key": (raw('"\\ud800": 1'), 422, "", "lone_surrogate"),
    "a lone surrogate twice as key": (raw('"\\ud800": 1, "\\ud800": 1'), 422, "/?", "duplicate_key"),
    "an escaped NUL": (order(customer_id="a\0b"), 422, "/customer_id", "nul_character"),
    "an escaped NUL in a key": (raw('"a\\u0000": 1'), 422, "", "nul_character"),
    "an escaped NUL deep inside": (raw('"more": [{"a": "\\u0000"}]'), 422, "/more/0/a", "nul_character"),
    "a nesting bomb of arrays": (b"[" * 100_000, 422, "", "nested_too_deep"),
    "a nesting bomb of objects": (b'{"a":' * 100_000, 422, "", "nested_too_deep"),
    "a nesting bomb that is closed": (b"[" * 5000 + b"]" * 5000, 422, "", "nested_too_deep"),
    "a nesting bomb behind a field": (raw('"more": ' + "[" * 33 + "]" * 33), 422, "", "nested_too_deep"),
    "an object of 50,000 keys": (json.dumps({str(key): 1 for key in range(50_000)}).encode(), 422, "", "too_many_keys"),
    # what is no order
    "null": (b"null", 422, "", "model_attributes_type"),
    "an array": (b"[" + GOOD + b"]", 422, "", "model_attributes_type"),
    "a string": (b'"order"', 422, "", "model_attributes_type"),
    "a number": (b"1", 422, "", "model_attributes_type"),
    "an empty object": (b"{}", 422, "/customer_id", "missing"),
    "a missing field": (
        b'{"product_id": "SKU-001", "customer_id": "c", "payment_method": "t"}',
        422,
        "/quantity",
        "missing",
    ),
    "neither a product nor items": (b'{"customer_id": "c", "payment_method": "t"}', 422, "/product_id", "missing"),
    "a product beside items": (
        raw('"items": [{"product_id": "SKU-001", "quantity": 1}]'),
        422,
        "/product_id",
        "extra_forbidden",
    ),
    "no items": (of_items("[]"), 422, "/items", "too_short"),
    "items null": (of_items("null"), 422, "/items", "list_type"),
    "a product twice": (of_items(f"[{LINE}, {LINE}]"), 422, "/items", "duplicate_product"),
    "101 items": (
        of_items(f"[{', '.join(LINE.replace('SKU-001', f'SKU-{n}') for n in range(101))}]"),
        422,
        "/items",
        "too_long",
    ),
    "an item without its quantity": (of_items('[{"product_id": "SKU-001"}]'), 422, "/items/0/quantity", "missing"),
    "an item with a price": (
        of_items('[{"product_id": "SKU-001", "quantity": 1, "price": 1}]'),
        422,
        "/items/0/price",
        "extra_forbidden",
    ),
    "ship as a number": (raw('"ship": 1'), 422, "/ship", "bool_type"),
    "an unknown field": (raw('"colour": "red"'), 422, "/colour", "extra_forbidden"),
    "an unknown field to be escaped": (raw('"a/b~c": 1'), 422, "/a~1b~0c", "extra_forbidden"),
    "an unknown field of 100,000 letters": (raw(f'"{"x" * 100_000}": 1'), 422, "/" + "x" * 100, "extra_forbidden"),
    "quantity true": (with_quantity("true"), 422, "/quantity", "int_type"),
    "quantity a string": (with_quantity('"2"'), 422, "/quantity", "int_type"),
    "quantity 2.0": (with_quantity("2.0"), 422, "/quantity", "int_type"),
    "quantity 2e0": (with_quantity("2e0"), 422, "/quantity", "int_type"),
    "quantity null": (with_quantity("null"), 422, "/quantity", "int_type"),
    "quantity an array": (with_quantity("[2]"), 422, "/quantity", "int_type"),
    "quantity zero": (with_quantity("0"), 422, "/quantity", "greater_than_equal"),
    "quantity minus zero": (with_quantity("-0"), 422, "/quantity", "greater_than_equal"),
    "quantity negative": (with_quantity("-1"), 422, "/quantity", "greater_than_equal"),
    "quantity over a million": (with_quantity("1000001"), 422, "/quantity", "less_than_equal"),
    "quantity exactly 2^53": (with_quantity(str(2**53)), 422, "/quantity", "less_than_equal"),
    "product_id empty": (order(product_id=""), 422, "/product_id", "string_pattern_mismatch"),
    "product_id a number": (order(product_id=1), 422, "/product_id", "string_type"),
    "product_id with a space": (order(product_id="SKU 001"), 422, "/product_id", "string_pattern_mismatch"),
    "product_id with a tilde": (order(product_id="SKU~001"), 422, "/product_id", "string_pattern_mismatch"),
    "product_id with a slash": (order(product_id="../etc"), 422, "/product_id", "string_pattern_mismatch"),
    "product_id ending in a newline": (order(product_id="SKU-001\n"), 422, "/product_id", "string_pattern_mismatch"),
    "product_id too long": (order(product_id="x" * 129), 422, "/product_id", "string_pattern_mismatch"),
    "product_id in fullwidth letters": (
        order(product_id="\uff33\uff2b\uff35"),
        422,
        "/product_id",
        "string_pattern_mismatch",
    ),
    "customer_id an emoji": (order(customer_id="😀"), 422, "/customer_id", "string_pattern_mismatch"),
    "payment_method null": (order(payment_method=None), 422, "/payment_method", "string_type"),
    "workflow_id empty": (order(workflow_id=""), 422, "/workflow_id", "string_pattern_mismatch"),
    "workflow_id an order id": (order(workflow_id="ord_" + "a" * 32), 422, "/workflow_id", "workflow_id_is_order_id"),
    "workflow_id a named order id": (order(workflow_id="ord_w.mine"), 422, "/workflow_id", "workflow_id_is_order_id"),
}


@pytest.mark.parametrize(("body", "status", "pointer", "code"), BODIES.values(), ids=list(BODIES))
async def test_a_nasty_body_is_refused_with_its_place(
    shared_api: Api, body: bytes, status: int, pointer: str, code: str
) -> None:
    response = await shared_api.http.post("/orders", content=body, headers={"Content-Type": "application/json"})
    problem = response.json()
    assert response.status_code == problem["status"] == status
    assert response.headers["content-type"] == "application/problem+json"
    assert problem["type"] == f"/problems/{problem['code']}"
    assert (code, pointer) in {(error["code"], error.get("pointer")) for error in problem["errors"]}
    assert len(response.content) < 10_000
    assert not shared_api.orders.placed


TYPES = {
    "none": None,
    "text": "text/plain",
    "a form": "application/x-www-form-urlencoded",
    "a problem": "application/problem+json",
    "another charset": "application/json; charset=utf-16",
    "json in its name": "text/json",
    "two": "application/json, text/plain",
    "nonsense": "\xff;=",
}


@pytest.mark.parametrize("declared", TYPES.values(), ids=list(TYPES))
async def test_a_body_not_declared_as_json_is_415(shared_api: Api, declared: str | None) -> None:
    headers = [] if declared is None else [(b"Content-Type", declared.encode("latin-1"))]
    response = await shared_api.http.post("/orders", content=GOOD, headers=headers)
    assert (response.status_code, response.json()["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize("declared", ["application/json", "Application/JSON", 'application/json; charset="UTF-8"'])
async def test_json_may_be_declared_in_these_ways(shared_api: Api, declared: str) -> None:
    response = await shared_api.http.put("/inventory/SKU-001", content=b"{}", headers={"Content-Type": declared})
    assert response.status_code == 422


async def test_a_compressed_body_is_415(shared_api: Api) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    response = await shared_api.http.post("/orders", content=GOOD, headers=headers)
    assert response.status_code == 415


async def test_a_body_over_1_mib_is_413(shared_api: Api) -> None:
    body = GOOD + b" " * MAX_BODY_BYTES
    response = await shared_api.http.post("/orders", content=body, headers={"Content-Type": "application/json"})
    assert (response.status_code, response.json()["code"]) == (413, "payload_too_large")


async def test_a_body_of_many_wrong_keys_makes_no_large_answer(shared_api: Api) -> None:
    body = json.dumps({**ORDER, **{f"key{number}": 1 for number in range(500)}}).encode()
    response = await shared_api.http.post("/orders", content=body, headers={"Content-Type": "application/json"})
    assert response.status_code == 422
    assert len(response.json()["errors"]) == 20


ADDRESSES = {
    "a NUL in the path": ("/orders/a%00b", 400),
    "a surrogate in the path": ("/orders/%ED%A0%80", 400),
    "no utf-8 in the path": ("/orders/%ff", 400),
    "no utf-8 on an unknown route": ("/%ff", 400),
    "a NUL in the query": ("/orders?customer_id=%00", 400),
    "no utf-8 in the query": ("/orders?customer_id=%ff", 400),
    "no utf-8 in a parameter's name": ("/orders?%ff=1", 400),
    "an id with a tilde": ("/orders/a~b", 422),
    "an id with a space": ("/orders/a%20b", 422),
    "an id of another script": ("/orders/%D9%A2", 422),
    "an id with a newline": ("/orders/a%0a", 422),
    "an id too long": ("/orders/" + "x" * 135, 422),
    "an id very long": ("/orders/" + "x" * 50_000, 422),
    "an id with a slash": ("/orders/a%2fb", 404),
    "dots": ("/orders/..%2f..%2fetc", 404),
    "an unknown order": ("/orders/ord_unknown", 404),
    "an unknown order's status": ("/orders/ord_unknown/status", 404),
    "an unknown order's events": ("/orders/ord_unknown/events", 404),
    "an unknown charge": ("/payments/ch_unknown", 404),
    "an unknown route": ("/nowhere", 404),
    "a slash too many": ("/orders/", 404),
    "a limit of zero": ("/orders?limit=0", 422),
    "a limit too large": ("/orders?limit=201", 422),
    "a limit in words": ("/orders?limit=ten", 422),
    "a limit of many digits": ("/orders?limit=" + "9" * 10_000, 422),
    "an empty limit": ("/orders?limit=", 422),
    "an unknown status": ("/orders?status=lost", 422),
    "a customer_id that is none": ("/orders?customer_id=a~b", 422),
    "a cursor nobody made": ("/orders?cursor=!!", 422),
    "a cursor of something else": ("/orders?cursor=AAAA", 422),
    "a cursor too long": ("/orders?cursor=" + "A" * 1000, 422),
    "an unknown parameter": ("/orders?custmer_id=c", 422),
    "a parameter twice": ("/orders?limit=1&limit=2", 422),
    "a thousand parameters": ("/orders?" + "&" * 1000, 422),
    "an order_id that is none": ("/payments?order_id=~", 422),
}


@pytest.mark.parametrize(("address", "status"), ADDRESSES.values(), ids=list(ADDRESSES))
async def test_a_nasty_address_is_refused(shared_api: Api, address: str, status: int) -> None:
    response = await shared_api.http.get(address)
    assert response.status_code == response.json()["status"] == status
    assert response.headers["content-type"] == "application/problem+json"


HEADERS = {
    "wait zero": {"Prefer": "wait=0"},
    "wait over a minute": {"Prefer": "wait=61"},
    "wait negative": {"Prefer": "wait=-1"},
    "wait a fraction": {"Prefer": "wait=1.5"},
    "wait in words": {"Prefer": "wait=long"},
    "wait without a value": {"Prefer": "wait"},
    "wait with an empty value": {"Prefer": "wait="},
    "wait of many digits": {"Prefer": "wait=" + "1" * 5000},
    "wait with a unit": {"Prefer": "wait=10s"},
    "wait in digits of another script": {"Prefer": "wait=\xb2"},
    "no preference": {"Prefer": "wait==5"},
    "an open quote": {"Prefer": 'wait="5'},
    "a step that is none": {"X-FlowForge-Fail-At": "shipping"},
    "an empty step": {"X-FlowForge-Fail-At": ""},
    "a step in capitals": {"X-FlowForge-Fail-At": "Warehouse"},
}


@pytest.mark.parametrize("headers", HEADERS.values(), ids=list(HEADERS))
async def test_a_nasty_header_is_400(shared_api: Api, headers: dict[str, str]) -> None:
    encoded = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    response = await shared_api.http.post("/orders", json=ORDER, headers=encoded)
    assert (response.status_code, response.json()["code"]) == (400, "bad_request")
    assert response.json()["errors"][0]["in"] == "header"
    assert not shared_api.orders.placed
