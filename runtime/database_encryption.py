"""Whether libpq takes a URL, whether its connections are encrypted wherever they leave this machine, and with what."""

from itertools import zip_longest
from pathlib import Path
from typing import Final

from psycopg import ProgrammingError
from psycopg.conninfo import make_conninfo
from psycopg.pq import PGconn

from runtime.addresses import is_loopback

ENCRYPTED: Final = frozenset({"require", "verify-ca", "verify-full"})  # `allow` and `prefer` fall back to plain text
FILES: Final = ("sslrootcert", "sslcert", "sslkey", "sslcrl")  # `system` stands for the system's certificates
NOWHERE: Final = "/dev/null/nowhere"  # as a directory of sockets: a connection fails at once, and its message names it


class DatabaseUrlInvalid(ValueError):
    """libpq refuses the URL, one of its options, or its service file; it never says what was in them."""


def is_encrypted_or_local(url: str) -> bool:
    """Whether TLS is required, or every host is a loopback address or a Unix socket. Raises DatabaseUrlInvalid."""
    options = _effective_options(url)
    _require_values(url, options)
    if options.get("sslmode") in ENCRYPTED:
        return True
    return all(_is_local(address or host) for host, address in _places(options))


def tls_files(url: str) -> dict[str, Path]:
    """The files that libpq needs for TLS, by the option that names them. Raises DatabaseUrlInvalid."""
    options = _effective_options(url)
    return {name: Path(options[name]) for name in FILES if options.get(name, "system") != "system"}


def _effective_options(url: str) -> dict[str, str]:
    """The connection options that libpq derives from the URL, the PG* variables and a service file.

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


def _require_values(url: str, options: dict[str, str]) -> None:
    """Have libpq judge the values of the options, which it does before it connects. Raises DatabaseUrlInvalid.

    It counts ports against hosts, so each host has a socket that does not exist in its place.
    """
    nowhere = ",".join(NOWHERE for _ in _places(options))
    encryption = {"gssencmode": "prefer"} if options.get("gssencmode") == "require" else {}  # never by a socket
    connection = PGconn.connect_start(make_conninfo(url, host=nowhere, hostaddr="", **encryption).encode())
    is_taken = NOWHERE.encode() in connection.error_message
    connection.finish()
    if not is_taken:
        raise DatabaseUrlInvalid


def _places(options: dict[str, str]) -> list[tuple[str, str]]:
    hosts, addresses = (options.get(name, "").split(",") for name in ("host", "hostaddr"))
    return list(zip_longest(hosts, addresses, fillvalue=""))


def _is_local(host: str) -> bool:
    return host == "" or host.startswith(("/", "@")) or is_loopback(host)
