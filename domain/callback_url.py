"""The url of a callback: which texts every reader understands alike, and which host they name."""

import ipaddress
import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

import idna

MAX_URL_LENGTH: Final = 2_000
MAX_HOST_LENGTH: Final = 253
MAX_PORT: Final = 65_535
DEFAULT_PORTS: Final = {"https": 443, "http": 80}

PORT: Final = re.compile(r"[0-9]{1,5}")
# Browsers and resolvers read this as a number, in any base: it is an address, or refused.
ENDS_IN_A_NUMBER: Final = re.compile(r"(?:^|\.)(?:[0-9]+|0[xX][0-9a-fA-F]*)$")
VISIBLE_ASCII: Final = re.compile(r"[\x21-\x7e]*")


class UrlRefused(ValueError):
    """A text that is no url of a receiver; it never says what the text was."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CallbackUrl:
    """`host` is lower case, in ASCII, without brackets or last dot; `target` is path and query, and may be secret."""

    scheme: str
    host: str
    port: int
    target: str = field(repr=False)

    @property
    def authority(self) -> str:
        """As the Host header has it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


def parse_callback_url(text: str, *, allowed_hosts: frozenset[str] = frozenset()) -> CallbackUrl:
    """The url, when it is https, or http to one of these hosts. Raises UrlRefused."""
    url = parsed_url(text)
    if url.scheme != "https" and url.host not in allowed_hosts:
        raise UrlRefused("scheme")
    return url


def parsed_url(text: str) -> CallbackUrl:
    """The parts of the url, for any host. Raises UrlRefused.

    Readers of urls differ in what they ignore or repair, so a url that could name two hosts passes a check of one and
    reaches the other. Therefore everything that any of them ignores or repairs is refused.
    """
    if len(text) > MAX_URL_LENGTH or any(character.isspace() or not character.isprintable() for character in text):
        raise UrlRefused("length or characters")
    if "\\" in text or "#" in text:
        raise UrlRefused("backslash or fragment")
    try:
        parts = urlsplit(text)
    except ValueError:
        raise UrlRefused("syntax") from None
    scheme = parts.scheme.lower()
    if scheme not in DEFAULT_PORTS or not text[len(scheme) :].startswith("://"):
        raise UrlRefused("scheme")
    host_text, port_text = _split_authority(parts.netloc)
    host = canonical_host(host_text)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not VISIBLE_ASCII.fullmatch(target):
        raise UrlRefused("path")
    return CallbackUrl(scheme=scheme, host=host, port=_port(port_text, scheme=scheme), target=target)


def canonical_host(text: str) -> str:
    """The one spelling of a host: an address in short form, or a name in lower-case ASCII. Raises UrlRefused."""
    if text.startswith("["):
        return _ipv6(text.removeprefix("[").removesuffix("]"))
    if ":" in text:
        return _ipv6(text)
    try:
        name = idna.encode(text, uts46=True, std3_rules=True).decode("ascii").lower().removesuffix(".")
    except (idna.IDNAError, UnicodeError):
        raise UrlRefused("host") from None
    if len(name) > MAX_HOST_LENGTH:
        raise UrlRefused("host")
    if ENDS_IN_A_NUMBER.search(name):
        try:
            return str(ipaddress.IPv4Address(name))
        except ValueError:
            raise UrlRefused("host") from None
    return name


def _split_authority(authority: str) -> tuple[str, str | None]:
    if "@" in authority or "%" in authority:
        raise UrlRefused("user information or escapes")
    if authority.startswith("["):
        host, bracket, rest = authority.partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise UrlRefused("host")
        return host + bracket, rest.removeprefix(":") if rest else None
    host, colon, port = authority.partition(":")
    return host, port if colon else None


def _ipv6(text: str) -> str:
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError:
        raise UrlRefused("host") from None
    if address.scope_id is not None:
        raise UrlRefused("host")
    return str(address)


def _port(text: str | None, *, scheme: str) -> int:
    if text is None:
        return DEFAULT_PORTS[scheme]
    if not PORT.fullmatch(text) or not 1 <= int(text) <= MAX_PORT:
        raise UrlRefused("port")
    return int(text)
