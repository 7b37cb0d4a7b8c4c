"""Fields of a head as HTTP has them: in several lines, with aliases, with codings (R31)."""

import codecs
import json
import uuid

import pytest
from answers import assert_problem, stored
from builders import a_body

pytestmark = pytest.mark.shared

P = "/rebalance/proposals"
TEXT = json.dumps(a_body())


async def posted(api, *fields: tuple[str, str], content: bytes = TEXT.encode()):
    """A submission with these fields, and with those that it needs besides."""
    names = {name for name, _ in fields}
    needed = [("Content-Type", "application/json"), ("Idempotency-Key", uuid.uuid4().hex)]
    sent = [*fields, *(field for field in needed if field[0] not in names)]
    return await api.http.post(f"{P}/async", content=content, headers=sent)


async def test_two_different_keys_are_none(api, database_dsn):
    before = stored(database_dsn)
    for first, second in (("a", "b"), ('"a"', '"b"')):
        answer = await posted(api, ("Idempotency-Key", first), ("Idempotency-Key", second))
        problem = assert_problem(answer, 422, "VALIDATION_FAILED")
        assert [(item["type"], item["loc"]) for item in problem["detail"]] == [
            ("idempotency_key_invalid", ["header", "Idempotency-Key"])
        ]
    assert stored(database_dsn) == before


@pytest.mark.parametrize("path", [f"{P}/async", "/health/live"])
async def test_two_different_correlation_ids_are_none(api, path):
    fields = [("X-Correlation-Id", "a"), ("X-Correlation-Id", "b")]
    problem = assert_problem(await api.http.get(path, headers=fields), 422, "CORRELATION_ID_INVALID")
    assert problem["correlation_id"].startswith("corr_")


async def test_the_same_line_twice_is_one(api):
    given = (("Idempotency-Key", "k"), ("Idempotency-Key", ""), ("X-Correlation-Id", "c"))
    fields = [field for field in given for _ in range(2)]
    answer = await posted(api, *fields)
    assert (answer.status_code, answer.json()["correlation_id"]) == (202, "c")
    assert (await api.get(f"/operations/{answer.json()['operation_id']}")).json()["idempotency_key"] == "k"


async def test_two_different_types_are_none(api):
    answer = await posted(api, ("Content-Type", "application/json"), ("Content-Type", "text/plain"))
    assert_problem(answer, 415, "UNSUPPORTED_MEDIA_TYPE")


async def test_lines_of_a_list_count_together(api, worker):
    created = await api.created()
    path = f"{P}/{created['proposal']['proposal_id']}/versions/1/artifact"
    accept = [("Accept", "application/json;q=0.1"), ("Accept", "text/html")]
    page = await api.http.get(path, headers=accept)
    assert page.headers["Content-Type"].startswith("text/html")
    tags = [("If-None-Match", '"other"'), ("If-None-Match", page.headers["ETag"])]
    assert (await api.http.get(path, headers=[*accept, *tags])).status_code == 304
    codings = [("Accept-Encoding", "zstd;q=0.1"), ("Accept-Encoding", "gzip")]
    assert (await api.http.get("/openapi.json", headers=codings)).headers["Content-Encoding"] == "gzip"
    prefer = [("Prefer", "handling=lenient"), ("Prefer", "respond-async"), ("Content-Type", "application/json")]
    answer = await api.http.post(P, content=TEXT, headers=[*prefer, ("Idempotency-Key", "async")])
    assert (answer.status_code, answer.headers["Preference-Applied"]) == (202, "respond-async")


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "identity, gzip", "br", "x-unknown"])
async def test_a_coded_body_is_not_read(api, database_dsn, coding):
    before = stored(database_dsn)
    answer = await posted(api, ("Content-Encoding", coding))
    assert_problem(answer, 415, "UNSUPPORTED_MEDIA_TYPE")
    assert answer.headers["Accept-Encoding"] == "identity"
    assert stored(database_dsn) == before


@pytest.mark.parametrize("coding", ["identity", "Identity", ""])
async def test_a_body_that_is_said_to_be_plain_is_read(api, coding):
    assert (await posted(api, ("Content-Encoding", coding))).status_code == 202


@pytest.mark.parametrize("charset", ["utf-8", "UTF8", "utf_8", '"utf8"', "csUTF8", "unicode-1-1-utf-8", "us-ascii"])
async def test_utf_8_has_many_names(api, charset):
    answer = await posted(api, ("Content-Type", f"application/json; charset={charset}"))
    assert answer.status_code == 202


@pytest.mark.parametrize("charset", ["utf-16", "latin-1", "utf-7", "nonsense"])
async def test_another_charset_is_none(api, charset):
    answer = await posted(api, ("Content-Type", f"application/json; charset={charset}"))
    assert_problem(answer, 415, "UNSUPPORTED_MEDIA_TYPE")


async def test_a_byte_order_mark_is_no_part_of_the_body(api):
    key = ("Idempotency-Key", "marked")
    plain = await posted(api, key)
    marked = await posted(api, key, content=codecs.BOM_UTF8 + TEXT.encode())
    assert marked.headers["Idempotent-Replayed"] == "true"
    assert marked.json()["operation_id"] == plain.json()["operation_id"]


@pytest.mark.parametrize(
    ("content", "kind"), [(codecs.BOM_UTF8, "missing"), (codecs.BOM_UTF8 * 2 + b"{}", "json_invalid")]
)
async def test_a_byte_order_mark_alone_is_no_body(api, content, kind):
    problem = assert_problem(await posted(api, content=content), 422, "VALIDATION_FAILED")
    assert [item["type"] for item in problem["detail"]] == [kind]
