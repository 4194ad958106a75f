"""Which addresses a URL that a user gave may reach: public ones, and those that EGRESS_ALLOW names.

An address that carries another one inside (IPv4 mapped into IPv6, NAT64, 6to4, Teredo) is judged by both.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, Self

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

VARIABLE: Final = "EGRESS_ALLOW"
"""The setting that lets more addresses be reached."""

_HOST: Final = re.compile(r"(\*\.)?[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?")

_WITH_IPV4_AT_THE_END: Final = (
    ip_network("::ffff:0:0/96"),  # mapped
    ip_network("::ffff:0:0:0/96"),  # translated
    ip_network("::/96"),  # compatible, long deprecated
    ip_network("64:ff9b::/96"),  # NAT64
    ip_network("64:ff9b:1::/48"),  # NAT64 of a network of one's own
)
_6TO4: Final = ip_network("2002::/16")
_TEREDO: Final = ip_network("2001::/32")
_FIRST_OF_IPV4: Final = 0xFFFFFFFF
_NEVER_PUBLIC: Final = (
    ip_network("192.88.99.0/24"),  # relays of 6to4
    ip_network("64:ff9b:1::/48"),
    ip_network("fec0::/10"),  # site-local, deprecated
    ip_network("5f00::/16"),  # segment routing
)
"""What not every Python counts among the addresses that are not global."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EgressPolicy:
    """Where requests may go.

    Attributes:
        hosts: names that may be reached wherever they resolve to, lower case; `*.example.com` is every name under it.
        networks: addresses that may be reached by any name.
    """

    hosts: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read host names, addresses and networks (CIDR), separated by commas or spaces.

        Raises:
            ValueError: one of them is neither.
        """
        hosts: set[str] = set()
        networks: list[Network] = []
        for word in re.split(r"[\s,]+", text.strip()):
            if not word:
                continue
            try:
                networks.append(ip_network(word.strip("[]")))
            except ValueError as error:
                name = word.lower()
                if "/" in word or re.fullmatch(r"[0-9.]+", word) or _HOST.fullmatch(name) is None:
                    raise ValueError(f"{word!r} is no host name, address or network") from error
                hosts.add(name.rstrip("."))
        return cls(hosts=frozenset(hosts), networks=tuple(networks))

    def permits(self, host: str, address: str) -> bool:
        """Tell whether a connection to `address`, which `host` has resolved to, may be made.

        Args:
            host: as the URL has it: a name or an address.
            address: an IPv4 or IPv6 address in text; a zone (`%eth0`) may follow.
        """
        if self._names(host.lower().rstrip(".")):
            return True
        return all(self._reaches(each) for each in _with_inner(ip_address(address.partition("%")[0])))

    def _names(self, host: str) -> bool:
        if host in self.hosts:
            return True
        return any(host.endswith(allowed[1:]) for allowed in self.hosts if allowed.startswith("*."))

    def _reaches(self, address: Address) -> bool:
        if any(address in network for network in self.networks):
            return True
        if isinstance(address, IPv6Address) and _is_shell(address):
            return True  # the address inside decides
        return address.is_global and not address.is_multicast and not any(address in each for each in _NEVER_PUBLIC)


def _with_inner(address: Address) -> Iterator[Address]:
    yield address
    if isinstance(address, IPv6Address):
        yield from _inner(address)


def _inner(address: IPv6Address) -> Iterator[IPv4Address]:
    number = int(address)
    if number <= 1:
        return  # `::` and `::1` are themselves
    if any(address in network for network in _WITH_IPV4_AT_THE_END):
        yield IPv4Address(number & _FIRST_OF_IPV4)
    elif address in _6TO4:
        yield IPv4Address(number >> 80 & _FIRST_OF_IPV4)
    elif address in _TEREDO:
        yield IPv4Address(number >> 64 & _FIRST_OF_IPV4)
        yield IPv4Address(~number & _FIRST_OF_IPV4)


def _is_shell(address: IPv6Address) -> bool:
    """Tell whether an address only stands for the IPv4 address inside it."""
    return address.ipv4_mapped is not None
