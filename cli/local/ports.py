"""TCP ports of this machine."""

import errno
import secrets
import socket
import time
from typing import Final

from cli.local.children import LocalServerError

HOST: Final = "127.0.0.1"
CHOSEN_FROM = range(15_000, 32_000)  # the kernel's own begin at 32,768
RELEASE_SECONDS: Final = 2.0  # the children of a run that was killed a moment ago are still closing
RETRY_SECONDS: Final = 0.1


_given: Final[set[int]] = set()  # to servers of this process that may not listen yet


def free_port() -> int:
    """A port that was free a moment ago, below those that the kernel gives to outgoing connections; each only once."""
    while (port := secrets.choice(CHOSEN_FROM)) in _given or not is_free(port):
        pass
    _given.add(port)
    return port


def is_free(port: int) -> bool:
    """Whether a server could listen on the port. Raises LocalServerError when this user may not."""
    try:
        socket.create_server((HOST, port)).close()
    except OSError as failure:
        if failure.errno == errno.EADDRINUSE:
            return False
        raise LocalServerError(f"port {port} cannot be used: {failure.strerror}") from None
    return True


def require_free(ports: dict[str, int]) -> None:
    """Check the ports of these options. Raises LocalServerError, which names the first one that is taken."""
    deadline = time.monotonic() + RELEASE_SECONDS
    for option, port in ports.items():
        same = [other for other, used in ports.items() if used == port]
        if len(same) > 1:
            raise LocalServerError(f"{' and '.join(same)} are both {port}")
        while not is_free(port):
            if time.monotonic() > deadline:
                raise LocalServerError(f"port {port} is taken: choose another one with {option}")
            time.sleep(RETRY_SECONDS)
