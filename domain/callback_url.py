"""The url of a callback: which texts every reader understands alike, and which host they name."""

import ipaddress
import re
from dataclasses import dataclass, field
from enum import StrEnum
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


class UrlRule(StrEnum):
    """The rules for the url of a receiver, as a refusal names the one that is broken."""

    LENGTH = "it is longer than 2000 characters"
    CHARACTERS = "it has blanks, backslashes or characters that do not print"
    FRAGMENT = "it has a fragment"
    SCHEME = "its scheme is not https, nor http to a host that the operator allows"
    USER_INFORMATION = "it has user information, or escapes in its host"
    HOST = "its host is no name and no address"
    PORT = "its port is no number from 1 to 65535"
    PATH = "its path or query has characters that are not printable ASCII"
    ADDRESS_RANGE = "its host has an address that is not public"


class UrlRefused(ValueError):
    """A text that is no url of a receiver; it says which rule is broken, and never what the text was."""

    def __init__(self, rule: UrlRule) -> None:
        super().__init__(rule.value)
        self.rule = rule


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
    if "_" in url.host and url.host not in allowed_hosts:
        raise UrlRefused(UrlRule.HOST)
    if url.scheme != "https" and url.host not in allowed_hosts:
        raise UrlRefused(UrlRule.SCHEME)
    return url


def parsed_url(text: str) -> CallbackUrl:
    """The parts of the url, for any host. Raises UrlRefused.

    Readers of urls differ in what they ignore or repair, so a url that could name two hosts passes a check of one and
    reaches the other. Therefore everything that any of them ignores or repairs is refused.
    """
    if len(text) > MAX_URL_LENGTH:
        raise UrlRefused(UrlRule.LENGTH)
    if any(character == "\\" or character.isspace() or not character.isprintable() for character in text):
        raise UrlRefused(UrlRule.CHARACTERS)
    if "#" in text:
        raise UrlRefused(UrlRule.FRAGMENT)
    try:
        parts = urlsplit(text)
    except ValueError:
        raise UrlRefused(UrlRule.HOST) from None  # brackets that hold no address
    scheme = parts.scheme.lower()
    if scheme not in DEFAULT_PORTS or not text[len(scheme) :].startswith("://"):
        raise UrlRefused(UrlRule.SCHEME)
    host_text, port_text = _split_authority(parts.netloc)
    host = canonical_host(host_text)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not VISIBLE_ASCII.fullmatch(target):
        raise UrlRefused(UrlRule.PATH)
    return CallbackUrl(scheme=scheme, host=host, port=_port(port_text, scheme=scheme), target=target)


def canonical_host(text: str) -> str:
    """The one spelling of a host: an address in short form, or a name in lower-case ASCII. Raises UrlRefused."""
    if text.startswith("["):
        return _ipv6(text.removeprefix("[").removesuffix("]"))
    if ":" in text:
        return _ipv6(text)
    try:
        # Networks of containers have names with underscores, which DNS knows no hosts by: judged as if they had none.
        has_underscores = "_" in text and text.isascii()
        judged = idna.encode(text.replace("_", "x") if has_underscores else text, uts46=True, std3_rules=True)
        name = (text if has_underscores else judged.decode("ascii")).lower().removesuffix(".")
    except (idna.IDNAError, UnicodeError):
        raise UrlRefused(UrlRule.HOST) from None
    if len(name) > MAX_HOST_LENGTH:
        raise UrlRefused(UrlRule.HOST)
    if ENDS_IN_A_NUMBER.search(name):
        try:
            return str(ipaddress.IPv4Address(name))
        except ValueError:
            raise UrlRefused(UrlRule.HOST) from None
    return name


def _split_authority(authority: str) -> tuple[str, str | None]:
    if "@" in authority or "%" in authority:
        raise UrlRefused(UrlRule.USER_INFORMATION)
    if authority.startswith("["):
        host, bracket, rest = authority.partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise UrlRefused(UrlRule.HOST)
        return host + bracket, rest.removeprefix(":") if rest else None
    host, colon, port = authority.partition(":")
    return host, port if colon else None


def _ipv6(text: str) -> str:
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError:
        raise UrlRefused(UrlRule.HOST) from None
    if address.scope_id is not None:
        raise UrlRefused(UrlRule.HOST)
    return str(address)


def _port(text: str | None, *, scheme: str) -> int:
    if text is None:
        return DEFAULT_PORTS[scheme]
    if not PORT.fullmatch(text) or not 1 <= int(text) <= MAX_PORT:
        raise UrlRefused(UrlRule.PORT)
    return int(text)
