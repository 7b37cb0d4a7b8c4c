"""Large answers are compressed as the caller allows, and are the same answers (R32)."""

import asyncio
import gzip
import threading

import pytest
import zstandard
from answers import assert_problem
from builders import a_body, a_large_body

from api.http import compression
from api.http.compression import LEAST_BYTES, Compression, coding_of

P = "/rebalance/proposals"
TAG = '"0123"'


def decoded(body: bytes, coding: str | None) -> bytes:
    if coding == "zstd":
        return zstandard.ZstdDecompressor().decompressobj().decompress(body)
    return gzip.decompress(body) if coding == "gzip" else body


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("zstd", "zstd"),
        ("gzip", "gzip"),
        ("GZIP", "gzip"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip;q=1.0, zstd;q=0.5", "gzip"),
        ("zstd;q=0, gzip", "gzip"),
        ("*", "zstd"),
        ("zstd;q=0, *;q=0.5", "gzip"),
        ("*;q=0", None),
        ("gzip;q=0", None),
        ("gzip;q=0.5, identity", None),
        ("gzip;q=0.5, identity;q=0.2", "gzip"),
        ("identity;q=0", None),
        ("deflate, br", None),
        ("identity", None),
        ("gzip;q=x", None),
        ("", None),
    ],
)
def test_the_coding_is_what_the_caller_likes_best(accepted, coding):
    assert coding_of(accepted) == coding


async def asked(headers, chunks, *, method="GET", status=200, version="1.1", **sent) -> tuple[dict[str, str], bytes]:
    """What the middleware makes of an answer in these chunks: its headers and its bytes."""

    async def app(_, __, send):
        fields = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": fields})
        for number, chunk in enumerate(chunks, 1):
            await send({"type": "http.response.body", "body": chunk, "more_body": number < len(chunks)})

    messages = []

    async def send(message):
        messages.append(message)

    scope = {
        "type": "http",
        "method": method,
        "http_version": version,
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in sent.items()],
    }
    await Compression(app)(scope, asyncio.Queue().get, send)
    assert [message.get("more_body", False) for message in messages[1:]] == [*[True] * (len(messages) - 2), False]
    given = {name.decode().lower(): value.decode() for name, value in messages[0]["headers"]}
    return given, b"".join(message["body"] for message in messages[1:])


def json_of(size: int, **more: str) -> dict[str, str]:
    return {"content-type": "application/json", "content-length": str(size)} | more


@pytest.mark.parametrize("coding", ["zstd", "gzip"])
@pytest.mark.parametrize("chunks", [1, 7])
async def test_a_large_answer_is_compressed(coding, chunks):
    body = b'{"a": "some text of an answer"}' * 4096
    size = len(body) // chunks + 1
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    headers, sent = await asked(json_of(len(body), etag=TAG, vary="Accept"), pieces, accept_encoding=coding)
    assert headers == {
        "content-type": "application/json",
        "content-encoding": coding,
        "vary": "Accept, Accept-Encoding",
        "etag": f"W/{TAG}",
    }
    assert decoded(sent, coding) == body
    assert len(sent) < len(body) / 10


@pytest.mark.parametrize(
    ("changes", "asking"),
    [
        ({}, {}),
        ({}, {"accept_encoding": "br"}),
        ({}, {"accept_encoding": "zstd", "version": "1.0"}),
        ({"content-length": str(LEAST_BYTES)}, {"accept_encoding": "zstd"}),
        ({"content-range": "bytes 0-9/10"}, {"accept_encoding": "zstd", "status": 206}),
    ],
)
async def test_what_goes_out_as_it_is_says_that_it_depends(changes, asking):
    body = b"x" * LEAST_BYTES
    headers, sent = await asked(json_of(LEAST_BYTES + 1, etag=TAG) | changes, [body], **asking)
    assert headers == json_of(LEAST_BYTES + 1, etag=TAG) | changes | {"vary": "Accept-Encoding"}
    assert sent == body


@pytest.mark.parametrize("headers", [json_of(50_000) | {"content-encoding": "br"}, {"content-type": "image/png"}])
async def test_what_is_compressed_already_is_left_alone(headers):
    assert await asked(headers, [b"x"], accept_encoding="zstd") == (headers, b"x")


async def test_head_says_what_get_would():
    body = b"x" * (LEAST_BYTES + 1)
    get, _ = await asked(json_of(len(body), etag=TAG), [body], accept_encoding="gzip")
    head, sent = await asked(json_of(len(body), etag=TAG), [b""], accept_encoding="gzip", method="HEAD")
    assert (head, sent) == (get, b"")


@pytest.mark.parametrize(
    ("had", "tag"), [(TAG, TAG), (f"W/{TAG}", f"W/{TAG}"), (f'"other", W/{TAG}', f"W/{TAG}"), ("*", TAG)]
)
async def test_a_304_names_the_tag_that_the_caller_has(had, tag):
    headers, _ = await asked({"etag": TAG}, [b""], status=304, if_none_match=had, accept_encoding="zstd")
    assert headers == {"etag": tag, "vary": "Accept-Encoding"}


async def test_the_event_loop_does_not_compress(monkeypatch):
    threads = set()

    class Noting:
        def compress(self, data: bytes) -> bytes:
            threads.add(threading.get_ident())
            return data

        def flush(self) -> bytes:
            threads.add(threading.get_ident())
            return b""

    monkeypatch.setitem(compression.CODINGS, "zstd", Noting)
    chunks = [b"x" * LEAST_BYTES] * 3
    _, sent = await asked(json_of(3 * LEAST_BYTES), chunks, accept_encoding="zstd")
    assert sent == b"".join(chunks)
    assert threads
    assert threading.get_ident() not in threads


async def test_answers_are_the_same_however_they_are_sent(api, worker):
    """Of endpoints that send at once, of one that sends in chunks, of a file."""
    small, large = [await api.created(body) for body in (a_body(), a_large_body(3_000))]
    paths = [
        *(f"{P}/{created['proposal']['proposal_id']}" for created in (small, large)),
        *(
            f"{P}/{large['proposal']['proposal_id']}/versions/1/artifact",
            "/openapi.json",
            "/docs/assets/swagger-ui.css",
        ),
    ]
    for path in paths:
        plain = await api.http.get(path, headers={"Accept-Encoding": "identity"})
        assert (plain.status_code, plain.headers.get("Content-Encoding")) == (200, None)
        assert "Accept-Encoding" in plain.headers["Vary"]
        for coding in ("zstd", "gzip"):
            asked_for = {"Accept-Encoding": coding}
            async with api.http.stream("GET", path, headers=asked_for) as answer:
                sent_bytes = b"".join([chunk async for chunk in answer.aiter_raw()])
            assert answer.headers["Content-Encoding"] == coding
            assert decoded(sent_bytes, coding) == plain.content
            head = await api.http.head(path, headers=asked_for)
            told = {**answer.headers, "date": "", "x-correlation-id": ""}
            told.pop("transfer-encoding")
            assert {**head.headers, "date": "", "x-correlation-id": ""} == told
            if (tag := plain.headers.get("ETag")) is not None:
                assert answer.headers["ETag"] == f"W/{tag}"
                for known in (tag, f"W/{tag}"):
                    again = await api.http.get(path, headers=asked_for | {"If-None-Match": known})
                    assert (again.status_code, again.headers["ETag"]) == (304, known)


async def test_a_long_list_of_errors_is_compressed_too(api):
    body = a_body()
    body["simulate_request"]["proposed_trades"] = [{"side": "HOLD"}] * 500
    answer = await api.submit(body, **{"Accept-Encoding": "gzip"})
    assert len(assert_problem(answer, 422, "VALIDATION_FAILED")["detail"]) >= 500
    assert answer.headers["Content-Encoding"] == "gzip"
