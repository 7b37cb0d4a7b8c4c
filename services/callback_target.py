"""From the url of a callback to the addresses that may be dialled: resolved once, all of them judged, then pinned."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from domain.callback import CallbackRules, CallbackSubscription
from domain.callback_addresses import Address, is_allowed_address
from domain.callback_retries import AttemptError
from domain.callback_url import CallbackUrl, UrlRefused, UrlRule, parse_callback_url
from domain.errors import CallbacksNotConfigured, CallbackUrlNotAllowed, ProposalError

# A silent name server blocks a thread for half a minute, so lookups have threads that nothing else uses.
RESOLVER_THREADS: Final = 64
SUBMISSION_SECONDS: Final = 1.0

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


class AttemptFailed(Exception):
    """An attempt without an answer: why, in a fixed word, and which rule its url breaks."""

    def __init__(self, error: AttemptError, *, rule: UrlRule | None = None) -> None:
        super().__init__(error)
        self.error = error
        self.rule = rule


@dataclass(frozen=True, kw_only=True, slots=True)
class CallbackTarget:
    """A url whose host was resolved; only these addresses are dialled, in this order."""

    url: CallbackUrl
    addresses: tuple[Address, ...]


class SystemResolver:
    """The operating system's name resolution, in threads of its own."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(RESOLVER_THREADS, thread_name_prefix="callback-resolver")

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """Raises OSError for a name that does not resolve."""
        found = await asyncio.get_running_loop().run_in_executor(
            self._threads, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        )
        return [str(address[0]) for *_, address in found]


class CallbackTargets:
    """Judges urls by the operator's rules: when they are submitted, and again at each attempt."""

    def __init__(self, rules: CallbackRules, *, resolve: Resolve | None = None) -> None:
        self._rules = rules
        self._resolve = resolve or SystemResolver()

    def parse(self, url: str) -> CallbackUrl:
        """Raises AttemptFailed with URL_NOT_ALLOWED."""
        try:
            return parse_callback_url(url, allowed_hosts=self._rules.allowed_hosts)
        except UrlRefused as refused:
            raise AttemptFailed(AttemptError.URL_NOT_ALLOWED, rule=refused.rule) from None

    async def pinned(self, url: CallbackUrl) -> CallbackTarget:
        """The url with its host's addresses, when every one of them is allowed.

        Raises AttemptFailed with URL_NOT_ALLOWED or NAME_NOT_RESOLVED.
        """
        try:
            found = [ip_address(text) for text in await self._resolve(url.host, url.port)]
        except (OSError, ValueError, UnicodeError):  # the last for names that the resolver's codec refuses
            raise AttemptFailed(AttemptError.NAME_NOT_RESOLVED) from None
        if not found:
            raise AttemptFailed(AttemptError.NAME_NOT_RESOLVED)
        may_be_private = url.host in self._rules.allowed_hosts
        if not all(is_allowed_address(address, may_be_private=may_be_private) for address in found):
            raise AttemptFailed(AttemptError.URL_NOT_ALLOWED, rule=UrlRule.ADDRESS_RANGE)
        return CallbackTarget(url=url, addresses=tuple(dict.fromkeys(found)))

    async def refusal(self, subscription: CallbackSubscription) -> ProposalError | None:
        """Why a callback is refused at submission; a name that does not resolve within a second is accepted."""
        if not self._rules.secrets:
            return CallbacksNotConfigured()
        try:
            async with asyncio.timeout(SUBMISSION_SECONDS):
                await self.pinned(self.parse(subscription.url))
        except AttemptFailed as failed:
            return None if failed.rule is None else CallbackUrlNotAllowed(failed.rule)
        except TimeoutError:
            return None
        return None
