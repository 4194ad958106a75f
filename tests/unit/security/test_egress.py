"""Where a URL that a user gave may lead."""

import pytest

from flowforge.security.egress import EgressPolicy

NOTHING_MORE = EgressPolicy()

PUBLIC = ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "64:ff9b::5db8:d70e", "::ffff:93.184.215.14"]
NOT_PUBLIC = [
    "127.0.0.1",
    "127.255.0.9",
    "0.0.0.0",  # noqa: S104 -- it is judged, not bound
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "192.88.99.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1%eth0",
    "fc00::1",
    "fec0::1",
    "ff02::1",
    "2001:db8::1",
    # the same in other clothes
    "::ffff:127.0.0.1",
    "::ffff:0:127.0.0.1",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::a9fe:a9fe",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "2001:0:4136:e378:8000:63bf:80ff:fffe",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_may_be_reached(address: str) -> None:
    assert NOTHING_MORE.permits("shop.example", address)


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_any_other_address_may_not_be_reached_in_whatever_form(address: str) -> None:
    assert not NOTHING_MORE.permits("shop.example", address)


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_an_address_that_is_allowed_may_be_reached(address: str) -> None:
    everything = EgressPolicy.parse("0.0.0.0/0, ::/0")
    assert everything.permits("shop.example", address)


@pytest.mark.parametrize(
    ("allowed", "address"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("127.0.0.0/8", "::ffff:127.0.0.1"),
        ("::1", "::1"),
        ("fd00::/8 10.0.0.0/8", "10.9.9.9"),
    ],
)
def test_a_network_that_is_allowed_may_be_reached_by_any_name(allowed: str, address: str) -> None:
    assert EgressPolicy.parse(allowed).permits("shop.example", address)


def test_an_allowed_network_says_nothing_of_its_neighbours() -> None:
    policy = EgressPolicy.parse("10.0.0.0/24")
    assert policy.permits("shop.example", "10.0.0.7")
    assert not policy.permits("shop.example", "10.0.1.7")
    assert not policy.permits("shop.example", "64:ff9b::a00:107")


@pytest.mark.parametrize("host", ["erp", "ERP", "erp.", "stock.intern.example", "a.b.intern.example"])
def test_a_name_that_is_allowed_may_be_reached_wherever_it_is(host: str) -> None:
    assert EgressPolicy.parse("erp,*.intern.example").permits(host, "10.0.0.7")


@pytest.mark.parametrize("host", ["erp.evil.example", "aerp", "intern.example", "xintern.example"])
def test_a_name_that_only_resembles_an_allowed_one_may_not_be_reached(host: str) -> None:
    assert not EgressPolicy.parse("erp,*.intern.example").permits(host, "10.0.0.7")


@pytest.mark.parametrize("text", ["10.0.0.0/33", "300.1.1.1", "http://erp", "er p!", "*", "a..b", "10.0.0.1/8"])
def test_what_is_no_name_and_no_network_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no host name, address or network"):
        EgressPolicy.parse(text)
