"""Whether connections of a libpq URL are encrypted wherever they leave this machine."""

from itertools import zip_longest
from typing import Final

from psycopg import ProgrammingError
from psycopg.conninfo import make_conninfo
from psycopg.pq import PGconn

from runtime.jwks import is_loopback

ENCRYPTED: Final = frozenset({"require", "verify-ca", "verify-full"})  # `allow` and `prefer` fall back to plain text


class DatabaseUrlInvalid(ValueError):
    """libpq cannot read the URL, or its service file; it never says what was in them."""


def is_encrypted_or_local(url: str) -> bool:
    """Whether TLS is required, or every host is a loopback address or a Unix socket. Raises DatabaseUrlInvalid."""
    options = _effective_options(url)
    if options.get("sslmode") in ENCRYPTED:
        return True
    hosts, addresses = (options.get(name, "").split(",") for name in ("host", "hostaddr"))
    return all(_is_local(address or host) for host, address in zip_longest(hosts, addresses, fillvalue=""))


def _effective_options(url: str) -> dict[str, str]:
    """What libpq makes of the URL, the PG* variables and a service file, without a connection.

    Only libpq merges them, and only for a connection. An option that it refuses ends this one before any host is
    resolved, and after the merge.
    """
    try:
        connection = PGconn.connect_start(make_conninfo(url, channel_binding="refused").encode())
    except ProgrammingError:
        raise DatabaseUrlInvalid from None
    options = {option.keyword.decode(): option.val.decode() for option in connection.info if option.val}
    connection.finish()
    if "sslmode" not in options:  # it has a default, unless the merge failed
        raise DatabaseUrlInvalid
    return options


def _is_local(host: str) -> bool:
    return host == "" or host.startswith(("/", "@")) or is_loopback(host)
