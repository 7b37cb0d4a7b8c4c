"""What is dialled is what was checked, whatever names resolve to, and whatever they resolve to a moment later."""

import asyncio
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import certificates
import h11
import pytest
from receiver import RULES, Receiver
from waiting import PATIENCE_SECONDS

from domain.callback import CallbackRules, CallbackSubscription
from domain.callback_retries import AttemptError
from services.callback_target import AttemptFailed, CallbackTargets
from services.callback_transport import MAX_ANSWER_BYTES, CallbackAnswer, CallbackTransport

PUBLIC = "93.184.216.34"


class Names:
    """Answers of a name server, in turn, the last one from then on."""

    def __init__(self, *answers: list[str] | Exception) -> None:
        self._answers = list(answers)
        self.asked = 0

    async def __call__(self, host: str, port: int) -> list[str]:
        self.asked += 1
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver().serving() as receiver:
        yield receiver


async def refusal(url: str, *answers: list[str] | Exception, rules: CallbackRules = RULES) -> str | None:
    found = await CallbackTargets(rules, resolve=Names(*answers)).refusal(CallbackSubscription(url=url))
    return None if found is None else found.message()


async def failure(targets: CallbackTargets, url: str) -> AttemptError:
    with pytest.raises(AttemptFailed) as failed:
        await targets.pinned(targets.parse(url))
    return failed.value.error


async def posted(targets: CallbackTargets, url: str, *, seconds: float = 20, **options) -> CallbackAnswer:
    target = await targets.pinned(targets.parse(url))
    return await CallbackTransport(**options).post(
        target,
        headers=[(b"Content-Length", b"2"), (b"Connection", b"close")],
        body=b"{}",
        deadline=asyncio.get_running_loop().time() + seconds,
    )


@pytest.mark.parametrize(
    ("answers", "is_allowed"),
    [
        ([PUBLIC], True),
        ([PUBLIC, "2606:4700::1111"], True),
        (["127.0.0.1"], False),
        ([PUBLIC, "127.0.0.1"], False),
        ([PUBLIC, "10.0.0.1"], False),
        (["169.254.169.254"], False),
        (["100.64.0.1"], False),
        (["224.0.0.1"], False),
        (["::ffff:10.0.0.1"], False),
        (["64:ff9b::a00:1"], False),
        (["2002:a00:1::"], False),
        (["fec0::1"], False),
        (["fe80::1%eth0"], False),
        ([], True),
    ],
)
async def test_each_address_of_a_name_is_judged_at_submission(answers, is_allowed):
    assert (await refusal("https://a.example/", answers) is None) is is_allowed


async def test_a_refusal_at_submission_says_which_rule_is_broken():
    assert await refusal("https://a.example:0/", [PUBLIC]) == (
        "CALLBACK_URL_NOT_ALLOWED: the url must be https and name a public host, without user information or fragment; "
        "its port is no number from 1 to 65535"
    )
    found = await refusal("https://a.example/", ["10.0.0.1"])
    assert found is not None
    assert found.endswith("; its host has an address that is not public")


async def test_a_name_that_does_not_resolve_or_not_soon_is_accepted_at_submission():
    assert await refusal("https://a.example/", OSError()) is None

    async def never(host: str, port: int) -> list[str]:
        await asyncio.Event().wait()
        return []

    async with asyncio.timeout(PATIENCE_SECONDS):
        assert (
            await CallbackTargets(RULES, resolve=never).refusal(CallbackSubscription(url="https://a.example/")) is None
        )


async def test_nothing_is_resolved_for_a_service_without_secrets():
    found = await refusal("https://a.example/", AssertionError(), rules=CallbackRules())
    assert found == "CALLBACKS_NOT_CONFIGURED: this service has no secret to sign callbacks with"


async def test_hosts_that_the_operator_names_may_be_private_but_never_metadata():
    rules = CallbackRules(secrets=RULES.secrets, allowed_hosts=frozenset({"a.example"}))
    assert await refusal("http://A.example./", ["10.0.0.1"], rules=rules) is None
    assert await refusal("http://a.example/", ["169.254.169.254"], rules=rules) is not None
    assert await refusal("https://b.a.example/", ["10.0.0.1"], rules=rules) is not None


async def test_the_systems_resolver_reads_literals_and_names():
    targets = CallbackTargets(RULES)
    assert (await targets.pinned(targets.parse("http://127.0.0.1/"))).addresses == (ip_address("127.0.0.1"),)
    assert await failure(targets, "https://receiver.invalid/") is AttemptError.NAME_NOT_RESOLVED
    assert await failure(targets, "https://[::1]/") is AttemptError.URL_NOT_ALLOWED


async def test_a_name_that_changes_its_answer_between_check_and_use_is_dialled_where_it_was_checked(receiver):
    """The classic rebinding: a good answer for the judge, another one for the call."""
    names = Names(["127.0.0.1"], ["169.254.169.254"])
    rules = CallbackRules(secrets=RULES.secrets, allowed_hosts=frozenset({"a.example"}))
    answer = await posted(CallbackTargets(rules, resolve=names), f"http://a.example:{receiver.port}/hook")
    assert answer.status_code == 204
    assert names.asked == 1
    assert receiver.received[0].headers["host"] == f"a.example:{receiver.port}"

    names = Names([PUBLIC], ["127.0.0.1"])
    targets = CallbackTargets(RULES, resolve=names)
    assert await targets.refusal(CallbackSubscription(url=f"https://a.example:{receiver.port}/")) is None
    assert await failure(targets, f"https://a.example:{receiver.port}/") is AttemptError.URL_NOT_ALLOWED
    assert len(receiver.received) == 1


async def test_the_next_address_is_dialled_when_one_refuses(receiver):
    rules = CallbackRules(secrets=RULES.secrets, allowed_hosts=frozenset({"a.example"}))
    targets = CallbackTargets(rules, resolve=Names(["::1", "127.0.0.1"]))
    assert (await posted(targets, f"http://a.example:{receiver.port}/")).status_code == 204


async def test_redirects_are_not_followed(receiver):
    receiver.answers = [(307, {"Location": receiver.url})]
    assert (await posted(CallbackTargets(RULES), receiver.url)).status_code == 307
    assert len(receiver.received) == 1


async def test_proxies_of_the_environment_are_not_asked(receiver, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert (await posted(CallbackTargets(RULES), receiver.url)).status_code == 204


async def test_a_long_answer_is_read_in_part(receiver):
    sent, ended = 0, threading.Event()

    def endless(handler) -> None:
        nonlocal sent
        handler.send_response(200)
        handler.end_headers()
        while not receiver.gone.is_set():
            try:
                sent += handler.wfile.write(b"x" * 8192)
            except OSError:
                ended.set()
                return

    receiver.handle = endless
    assert (await posted(CallbackTargets(RULES), receiver.url)).status_code == 200
    assert await asyncio.to_thread(ended.wait, 20)
    assert MAX_ANSWER_BYTES <= sent < 10_000_000  # what the kernel's buffers take, and then the connection is gone


async def test_a_slow_answer_is_cut_and_its_status_stands(receiver):
    def dripping(handler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while not receiver.gone.wait(0.05):
            try:
                handler.wfile.write(b"x")
            except OSError:
                return

    receiver.handle = dripping
    began = asyncio.get_running_loop().time()
    assert (await posted(CallbackTargets(RULES), receiver.url, seconds=2)).status_code == 200
    assert asyncio.get_running_loop().time() - began < 30  # it drips until the receiver is gone


async def failed_call(url: str, *, seconds: float = 20) -> AttemptError:
    with pytest.raises(AttemptFailed) as failed:
        await posted(CallbackTargets(RULES), url, seconds=seconds)
    return failed.value.error


async def test_a_receiver_that_hangs_is_given_up(receiver):
    receiver.handle = receiver.hang
    assert await failed_call(receiver.url, seconds=0.5) is AttemptError.TIMEOUT


async def test_a_receiver_that_is_away_or_speaks_no_http_is_said_in_a_word(receiver):
    def nonsense(handler) -> None:
        handler.wfile.write(b"hidden\r\n\r\n")
        handler.close_connection = True

    port = receiver.port
    receiver.handle = nonsense
    assert await failed_call(receiver.url) is AttemptError.ANSWER_INVALID
    assert await failed_call(f"http://127.0.0.2:{port}/") is AttemptError.URL_NOT_ALLOWED
    assert await failed_call(f"https://127.0.0.1:{port}/") is AttemptError.TLS_FAILED
    assert await failed_call("http://127.0.0.1:1/") is AttemptError.CONNECTION_FAILED


@pytest.fixture
def trust(receiver, tmp_path) -> ssl.SSLContext:
    return speaking_tls(receiver, tmp_path, begins=datetime.now(UTC) - timedelta(days=1))


def speaking_tls(receiver, tmp_path, *, begins: datetime) -> ssl.SSLContext:
    """From now on the receiver speaks TLS as a.example, with a certificate that this context trusts."""
    certificate = certificates.make(tmp_path, name="a.example", begins=begins)
    receiver._server.socket = certificates.serving(certificate).wrap_socket(receiver._server.socket, server_side=True)
    return ssl.create_default_context(cafile=certificate)


async def test_tls_verifies_the_name_not_the_address(receiver, trust):
    rules = CallbackRules(secrets=RULES.secrets, allowed_hosts=frozenset({"a.example", "b.example"}))
    targets = CallbackTargets(rules, resolve=Names(["127.0.0.1"]))
    assert (await posted(targets, f"https://a.example:{receiver.port}/", trust=trust)).status_code == 204
    for url, options, error in [
        (f"https://b.example:{receiver.port}/", {"trust": trust}, AttemptError.TLS_NAME_MISMATCH),
        (f"https://a.example:{receiver.port}/", {}, AttemptError.TLS_ISSUER_UNKNOWN),
    ]:
        with pytest.raises(AttemptFailed) as failed:
            await posted(targets, url, **options)
        assert failed.value.error is error


async def test_a_private_authority_is_trusted_by_the_variable_that_openssl_reads(receiver, tmp_path, monkeypatch):
    speaking_tls(receiver, tmp_path, begins=datetime.now(UTC) - timedelta(days=1))
    rules = CallbackRules(secrets=RULES.secrets, allowed_hosts=frozenset({"a.example"}))
    targets = CallbackTargets(rules, resolve=Names(["127.0.0.1"]))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "a.example.pem"))
    assert (await posted(targets, f"https://a.example:{receiver.port}/")).status_code == 204


@pytest.mark.parametrize("days", [-10, 10])
async def test_a_certificate_that_is_not_valid_today_is_said_to_be_expired(receiver, tmp_path, days):
    trust = speaking_tls(receiver, tmp_path, begins=datetime.now(UTC) + timedelta(days=days))
    targets = CallbackTargets(
        CallbackRules(secrets=RULES.secrets, allowed_hosts=frozenset({"a.example"})), resolve=Names(["127.0.0.1"])
    )
    with pytest.raises(AttemptFailed) as failed:
        await posted(targets, f"https://a.example:{receiver.port}/", trust=trust)
    assert failed.value.error is AttemptError.TLS_CERTIFICATE_EXPIRED


class Wire:
    """What httpcore2 was given to parse: how many bytes, and in which turn of the event loop."""

    def __init__(self) -> None:
        self.parsed: list[tuple[int, int]] = []
        self.turn = 0

    async def count_turns(self) -> None:
        while True:
            self.turn += 1
            await asyncio.sleep(0)

    def assert_small_pieces(self) -> None:
        sizes, turns = zip(*self.parsed, strict=True)
        assert max(sizes) <= 4096
        assert sum(sizes) <= MAX_ANSWER_BYTES
        assert len(set(turns)) == len(turns)  # others had a turn between any two


@pytest.fixture
async def wire(monkeypatch):
    wire = Wire()
    receive = h11.Connection.receive_data

    def counted(connection: h11.Connection, data: bytes) -> None:
        wire.parsed.append((len(data), wire.turn))
        receive(connection, data)

    monkeypatch.setattr(h11.Connection, "receive_data", counted)
    turning = asyncio.create_task(wire.count_turns())
    yield wire
    turning.cancel()


def without_end(receiver: Receiver, begin: bytes, again: bytes) -> threading.Event:
    """The receiver sends this for ever; the event is set when the connection has gone."""
    ended = threading.Event()

    def endless(handler) -> None:
        handler.close_connection = True
        try:
            handler.wfile.write(begin)
            while not receiver.gone.is_set():
                handler.wfile.write(again * 1000)
        except OSError:
            ended.set()

    receiver.handle = endless
    return ended


ENDLESS_HEADS = {
    "100": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "103": (b"", b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"),
    "shortest": (b"", b"HTTP/1.1 199 \r\n\r\n"),
    "headers": (b"HTTP/1.1 200 OK\r\n", b"a: b\r\n"),
    "one header": (b"HTTP/1.1 200 OK\r\na: ", b"b"),
}
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
ENDLESS_BODIES = {
    "chunks of a byte": (CHUNKED, b"1\r\nx\r\n"),
    "extensions of chunks": (CHUNKED, b"1;" + b"e" * 100 + b"\r\nx\r\n"),
    "trailers": (CHUNKED + b"0\r\n", b"a: b\r\n"),
}


@pytest.mark.parametrize(("begin", "again"), ENDLESS_HEADS.values(), ids=ENDLESS_HEADS)
async def test_an_endless_head_ends_the_attempt_and_takes_little_of_the_loop(receiver, wire, begin, again):
    ended = without_end(receiver, begin, again)
    assert await failed_call(receiver.url) is AttemptError.ANSWER_INVALID
    wire.assert_small_pieces()
    assert await asyncio.to_thread(ended.wait, 20)


@pytest.mark.parametrize(("begin", "again"), ENDLESS_BODIES.values(), ids=ENDLESS_BODIES)
async def test_of_an_endless_body_so_many_bytes_are_read_as_come_over_the_wire(receiver, wire, begin, again):
    ended = without_end(receiver, begin, again)
    assert (await posted(CallbackTargets(RULES), receiver.url)).status_code == 200
    wire.assert_small_pieces()
    assert await asyncio.to_thread(ended.wait, 20)


async def test_the_bound_holds_within_tls(receiver, trust, wire):
    ended = without_end(receiver, *ENDLESS_HEADS["100"])
    rules = CallbackRules(secrets=RULES.secrets, allowed_hosts=frozenset({"a.example"}))
    targets = CallbackTargets(rules, resolve=Names(["127.0.0.1"]))
    with pytest.raises(AttemptFailed) as failed:
        await posted(targets, f"https://a.example:{receiver.port}/", trust=trust)
    assert failed.value.error is AttemptError.ANSWER_INVALID
    wire.assert_small_pieces()
    assert await asyncio.to_thread(ended.wait, 20)
