"""HEAD wherever GET is, OPTIONS everywhere, and `Allow` for what an address does not take (R29)."""

import asyncio

import pytest
from answers import assert_problem
from builders import a_body
from issuer import bearer
from pydantic import SecretStr
from waiting import PATIENCE_SECONDS

from api.app import create_app
from runtime.settings import Settings

pytestmark = pytest.mark.shared

P = "/rebalance/proposals"
READ = "GET, HEAD, OPTIONS"
WRITE = "OPTIONS, POST"
BOTH = "GET, HEAD, OPTIONS, POST"
# Each address once; what no row names is `READ`.
ALLOWED = {
    P: BOTH,
    f"{P}/async": WRITE,
    f"{P}/analyze/async": WRITE,
    f"{P}/simulate": WRITE,
    f"{P}/artifact": WRITE,
    f"{P}/simulate/async": WRITE,
    f"{P}/artifact/async": WRITE,
    f"{P}/{{proposal_id}}/versions": WRITE,
    f"{P}/{{proposal_id}}/versions/async": WRITE,
    f"{P}/{{proposal_id}}/transitions": WRITE,
    f"{P}/{{proposal_id}}/approvals": BOTH,
    f"{P}/operations/{{operation_id}}/cancel": WRITE,
    f"{P}/operations/{{operation_id}}/retry": WRITE,
    f"{P}/operations/{{operation_id}}/callbacks/redeliver": WRITE,
}
ROUTES = create_app(Settings(database_url=SecretStr("postgresql://nobody"))).routes
PATHS = sorted({getattr(route, "path", "") for route in ROUTES})


def an_address(path: str) -> str:
    """One that the template matches; of the mount, a file."""
    return path.replace(":path", "").replace("{", "").replace("}", "").replace("/docs/assets", "/docs/assets/x.css")


@pytest.mark.parametrize("path", PATHS)
async def test_every_address_says_what_it_takes(api, path):
    allowed = ALLOWED.get(path, READ)
    options = await api.http.options(an_address(path))
    assert (options.status_code, options.content, options.headers["Allow"]) == (204, b"", allowed)
    assert options.headers["X-Correlation-Id"].startswith("corr_")
    refused = await api.http.delete(an_address(path))
    assert_problem(refused, 405, "METHOD_NOT_ALLOWED")
    assert refused.headers["Allow"] == allowed


async def test_what_is_no_address_is_not_found_by_any_method(api):
    for method in ("HEAD", "OPTIONS", "DELETE"):
        answer = await api.http.request(method, "/nowhere")
        assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/problem+json")
        assert "Allow" not in answer.headers


async def test_head_of_what_is_only_written_to_is_not_allowed(api):
    for path in (f"{P}/pp_0/transitions", f"{P}/pp_0/versions/async"):
        answer = await api.http.head(path)
        assert (answer.status_code, answer.content, answer.headers["Allow"]) == (405, b"", WRITE)


@pytest.mark.parametrize(
    "path",
    [
        *("/health/live", "/docs", "/openapi.json", "/docs/assets/swagger-ui.css", f"{P}?limit=1", f"{P}?limit=0"),
        *(
            f"{P}/operations",
            f"{P}/operations/pop_0",
            f"{P}/pp_0",
            f"{P}/pp_0/lineage",
            "/nowhere",
            f"{P}/idempotency/k",
        ),
        f"{P}/supportability/config",
    ],
)
async def test_head_has_the_headers_of_get_and_no_body(api, path):
    asked = {"X-Correlation-Id": "mine", "Accept-Encoding": "identity"}
    head, get = [await api.http.request(method, path, headers=asked) for method in ("HEAD", "GET")]
    assert (head.status_code, head.content) == (get.status_code, b"")
    assert {**head.headers, "date": ""} == {**get.headers, "date": ""}
    assert get.content


async def test_head_of_an_operation_waits_and_has_its_tag(api):
    status_url = (await api.submit(a_body())).json()["status_url"]
    held = await api.http.head(status_url, headers={"Prefer": "wait=1"})
    assert (held.headers["Preference-Applied"], held.headers["Retry-After"]) == ("wait=1", "1")
    assert (await api.http.post(f"{status_url}/cancel")).status_code == 202
    get = await api.http.get(status_url)
    head = await api.http.head(status_url)
    assert (head.status_code, head.content, head.headers["ETag"]) == (200, b"", get.headers["ETag"])
    unchanged = await api.http.head(status_url, headers={"If-None-Match": get.headers["ETag"]})
    assert unchanged.status_code == 304


async def on_the_wire(api, sent: str) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
    writer.write(sent.encode())
    async with asyncio.timeout(PATIENCE_SECONDS):
        answer = await reader.read()
    writer.close()
    return answer


async def test_no_byte_follows_the_head(api):
    answer = await on_the_wire(api, "HEAD /docs HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(b"\r\n\r\n")
    assert answer.count(b"\r\n\r\n") == 1


async def test_options_of_the_whole_server(api):
    answer = await on_the_wire(api, "OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 204 ")
    assert f"\r\nallow: {BOTH}\r\n".encode() in answer.lower().replace(BOTH.lower().encode(), BOTH.encode())


async def test_head_needs_what_get_needs_and_options_nothing(secured):
    for path in (f"{P}/operations/pop_0", f"{P}/pp_0", f"{P}/pp_0/lineage"):
        assert (await secured.http.head(path)).status_code == 401
        refused = await secured.http.head(path, headers=bearer(scope="consents:record"))
        assert (refused.status_code, refused.content) == (403, b"")
        assert "insufficient_scope" in refused.headers["WWW-Authenticate"]
        options = await secured.http.options(path)
        assert (options.status_code, options.headers["Allow"]) == (204, READ)


async def test_head_is_counted_as_what_it_was_sent_as(api):
    await api.http.head(f"{P}/operations/pop_0")
    counted = 'proposals_http_requests_total{method="HEAD",route="/rebalance/proposals/operations/{operation_id}"'
    assert counted in (await api.http.get("/metrics")).text
