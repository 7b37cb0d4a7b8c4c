"""Which hosts are this machine's own, and which URLs an issuer's keys may come from."""

from ipaddress import ip_address

from domain.callback_url import UrlRefused, parsed_url


def is_loopback(host: str) -> bool:
    """Whether the name or address is this machine's own, and no other's."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def is_key_url(url: str) -> bool:
    """Keys come by https, so that they cannot be exchanged on the way; by http only from this machine."""
    try:
        parsed = parsed_url(url)
    except UrlRefused:
        return False
    return parsed.scheme == "https" or is_loopback(parsed.host)
