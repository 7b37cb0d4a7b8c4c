"""The keys of the issuer, kept in memory and refreshed in the background: no request fetches them."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx2
import structlog

from domain.tls_failure import tls_failure
from runtime.background import background
from runtime.jwks import KeySet, KeySetInvalid, VerificationKey, parse_key_set
from runtime.secret_file import open_regular

FETCH_SECONDS: Final = 5.0
MAX_KEY_SET_BYTES: Final = 256 * 1024
RETRY_SECONDS: Final = 2.0
COOL_DOWN_SECONDS: Final = 30.0  # a flood of unknown key ids costs the issuer two requests a minute
ASKED_SECONDS: Final = 2.0  # a token may wait that long for the key that it names
STALE_SECONDS: Final = 3600.0  # a withdrawn key must not live on because the issuer cannot be reached

Load = Callable[[], Awaitable[bytes]]

log = structlog.get_logger(__name__)


class KeysUnavailable(Exception):
    """There is no key set that is fresh enough to judge a token by."""


class IssuerKeys:
    """Fetched at start and every `refresh_seconds`; between, at most once in a cool-down for an unknown key id."""

    def __init__(self, load: Load, *, refresh_seconds: float) -> None:
        self._load = load
        self._refresh_seconds = refresh_seconds
        self._keys: KeySet | None = None
        self._fetched_at = 0.0  # loop time of the last good fetch
        self._asked_at = -COOL_DOWN_SECONDS  # loop time of the last fetch for an unknown key id
        self._is_failing = False
        self._wanted = asyncio.Event()
        self._wanted.set()  # a token that comes before the end of the first fetch waits for it
        self._fetched = asyncio.Event()  # replaced after each fetch, so that everyone waits for the next one

    @asynccontextmanager
    async def running(self) -> AsyncIterator["IssuerKeys"]:
        """Keys are fetched while the block lasts."""
        async with background(self._keep_fresh, name="issuer-keys"):
            yield self

    async def find(self, key_id: str | None, algorithm: str) -> VerificationKey | None:
        """The key; None when the issuer has no such key. Raises KeysUnavailable without a fresh key set."""
        found = self._find(key_id, algorithm)
        if found is None and self._may_ask():
            self._asked_at = self._now()
            self._wanted.set()
        if found is None and self._wanted.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(ASKED_SECONDS):
                    await self._fetched.wait()
            found = self._find(key_id, algorithm)
        if found is None and (self._is_failing or self._wanted.is_set() or self._usable() is None):
            raise KeysUnavailable
        return found

    @property
    def are_fresh(self) -> bool:
        """Whether the issuer gave its keys when it was last asked."""
        return self._keys is not None and not self._is_failing

    def _may_ask(self) -> bool:
        return self._usable() is not None and self._now() - self._asked_at >= COOL_DOWN_SECONDS

    def _find(self, key_id: str | None, algorithm: str) -> VerificationKey | None:
        keys = self._usable()
        return None if keys is None else keys.find(key_id, algorithm)

    def _usable(self) -> KeySet | None:
        return self._keys if self._now() - self._fetched_at < STALE_SECONDS else None

    async def _keep_fresh(self) -> float:
        await self._fetch()
        self._wanted.clear()
        self._fetched.set()
        self._fetched = asyncio.Event()
        with suppress(TimeoutError):
            async with asyncio.timeout(RETRY_SECONDS if self._is_failing else self._refresh_seconds):
                await self._wanted.wait()
        return 0.0

    async def _fetch(self) -> None:
        try:
            async with asyncio.timeout(FETCH_SECONDS):
                keys = parse_key_set(await self._load())
        except (httpx2.HTTPError, OSError, TimeoutError, KeySetInvalid) as failure:
            if not self._is_failing:
                tls = tls_failure(failure)
                log.warning("issuer_keys_not_fetched", reason=type(failure).__name__ if tls is None else tls.value)
            self._is_failing = True
            return
        if keys != self._keys or self._is_failing:
            log.info("issuer_keys_fetched", key_ids=[key.key_id for key in keys.keys])
        self._keys, self._fetched_at, self._is_failing = keys, self._now(), False

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


def from_file(path: Path) -> Load:
    """Keys from a file that may be replaced; no more than of a URL."""

    def read() -> bytes:
        with open_regular(path) as file:
            content = file.read(MAX_KEY_SET_BYTES + 1)
        _refuse_more_than_a_key_set(content)
        return content

    async def load() -> bytes:
        return await asyncio.to_thread(read)

    return load


def _refuse_more_than_a_key_set(received: bytes | bytearray) -> None:
    if len(received) > MAX_KEY_SET_BYTES:
        raise KeySetInvalid("it is larger than a key set")


@asynccontextmanager
async def from_url(url: str, *, proxy: str | None = None) -> AsyncIterator[Load]:
    """Keys as the issuer publishes them: no redirect, no more than a quarter of a MiB.

    Through the proxy, if there is one, unless the issuer is on this machine; proxies of the environment are not read.
    """
    async with httpx2.AsyncClient(
        verify=ssl.create_default_context(),
        timeout=FETCH_SECONDS,
        trust_env=False,
        follow_redirects=False,
        proxy=proxy if urlsplit(url).scheme == "https" else None,
    ) as http:

        async def load() -> bytes:
            received = bytearray()
            async with http.stream("GET", url, headers={"Accept": "application/json"}) as answer:
                answer.raise_for_status()
                async for chunk in answer.aiter_bytes():
                    received += chunk
                    _refuse_more_than_a_key_set(received)
            return bytes(received)

        yield load
