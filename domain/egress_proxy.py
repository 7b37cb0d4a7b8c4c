"""The proxy through which a network lets connections out, as a setting names it."""

from base64 import b64encode
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import unquote, urlsplit

from domain.callback_url import canonical_host


class ProxyUrlInvalid(ValueError):
    """A text that names no proxy; it never says what the text was."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EgressProxy:
    """`authority` is what CONNECT is sent to; `authorization` the value of Proxy-Authorization, if it needs one."""

    host: str
    port: int
    authorization: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, url: str) -> Self:
        """From `http://[user:password@]host:port`. Raises ProxyUrlInvalid."""
        try:
            parts = urlsplit(url)
            host, port = canonical_host(parts.hostname or ""), parts.port
        except ValueError:
            raise ProxyUrlInvalid from None
        has_more = parts.path not in ("", "/") or parts.query or parts.fragment
        if parts.scheme != "http" or not port or has_more:
            raise ProxyUrlInvalid
        if parts.username is None:
            return cls(host=host, port=port)
        credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        return cls(host=host, port=port, authorization=f"Basic {b64encode(credentials.encode()).decode()}")
