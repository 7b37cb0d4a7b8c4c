"""The addresses that callbacks may be sent to: public ones, and private ones of hosts that the operator names."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Final

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def _networks(*texts: str) -> tuple[Network, ...]:
    return tuple(ip_network(text) for text in texts)


# `ipaddress.is_global` is no help: it calls NAT64, IPv4-compatible, site-local and multicast addresses global.
PRIVATE: Final = _networks(
    "10.0.0.0/8",
    "100.64.0.0/10",  # carrier-grade NAT
    "127.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "::1/128",
    "fc00::/7",
)
# Never allowed, not even for hosts that the operator names: no receiver has such an address.
NEVER: Final = _networks(
    "0.0.0.0/8",
    "100.100.100.200/32",  # metadata of Alibaba Cloud
    "168.63.129.16/32",  # metadata of Azure, though public
    "169.254.0.0/16",  # link-local, with the metadata of most clouds
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "2001::/23",  # protocol assignments, Teredo and ORCHID among them
    "2001:db8::/32",
    "3fff::/20",
    "fd00:ec2::254/128",  # metadata of AWS
    "fd20:ce::254/128",  # metadata of Google Cloud
)
GLOBAL_UNICAST: Final = IPv6Network("2000::/3")  # the only part of IPv6 that is given to networks in public

# Where an IPv6 address carries an IPv4 one, and how many bits stand behind it.
EMBEDDED: Final = (
    (IPv6Network("::ffff:0:0/96"), 0),  # mapped
    (IPv6Network("::ffff:0:0:0/96"), 0),  # translated
    (IPv6Network("64:ff9b::/96"), 0),  # NAT64
    (IPv6Network("64:ff9b:1::/48"), 0),  # NAT64 of one network
    (IPv6Network("2002::/16"), 80),  # 6to4
    (IPv6Network("::/96"), 0),  # compatible
)


def is_allowed_address(address: Address, *, may_be_private: bool = False) -> bool:
    """Whether a callback may be sent there; `may_be_private` for hosts that the operator names.

    An address that carries an IPv4 one is no public address, whatever it carries.
    """
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        return False
    if _is_in(address, PRIVATE) and not _is_in(address, NEVER):
        return may_be_private
    if isinstance(address, IPv6Address):
        embedded = _embedded_ipv4(address)
        if embedded is not None:
            return may_be_private and is_allowed_address(embedded, may_be_private=True)
        if address not in GLOBAL_UNICAST:
            return False
    return not _is_in(address, NEVER)


def _is_in(address: Address, networks: tuple[Network, ...]) -> bool:
    return any(address in network for network in networks)


def _embedded_ipv4(address: IPv6Address) -> IPv4Address | None:
    for network, bits_behind in EMBEDDED:
        if address in network:
            return IPv4Address(int(address) >> bits_behind & 0xFFFFFFFF)
    return None
