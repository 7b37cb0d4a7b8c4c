"""HTTP clients of the service: patient, and without the 20 ms that reading the system's certificates takes each."""

import ssl
from typing import Any, Final

import httpx2

SECONDS: Final = 100.0  # what hangs is ended by the test's own limit
TLS: Final = ssl.create_default_context()


def http_client(url: str, *, timeout: float = SECONDS, **options: Any) -> httpx2.AsyncClient:
    """A client of the service at `url` that asks no proxy."""
    return httpx2.AsyncClient(base_url=url, timeout=timeout, trust_env=False, verify=TLS, **options)
