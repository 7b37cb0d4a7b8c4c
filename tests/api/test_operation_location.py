"""Every 202 says under both names where what it accepted is followed (R40)."""

import json

import pytest
from builders import a_body

P = "/rebalance/proposals"


def followed(answer, *, replayed: bool = False) -> str:
    assert answer.status_code == 202, answer.text
    assert answer.headers["Operation-Location"] == answer.headers["Location"]
    assert answer.headers.get("Idempotent-Replayed") == ("true" if replayed else None)
    return answer.headers["Location"]


@pytest.mark.parametrize("path", ["/async", "", "/pp_0/versions/async", "/pp_0/versions"])
async def test_submissions_and_their_replays(api, path):
    body = a_body()
    headers = {"Idempotency-Key": "k", "Prefer": "respond-async"}
    first = await api.post(path, body, **headers)
    assert followed(first) == first.json()["status_url"]
    assert followed(await api.post(path, body, **headers), replayed=True) == first.json()["status_url"]


async def test_cancel_and_retry(api):
    location = followed(await api.submit(a_body()))
    assert followed(await api.http.post(f"{location}/cancel")) == location
    retried = await api.http.post(f"{location}/retry")
    assert followed(retried) == retried.json()["status_url"] != location
    assert followed(await api.http.post(f"{location}/retry"), replayed=True) == retried.json()["status_url"]


async def test_every_endpoint_that_answers_202_documents_both(api):
    document = (await api.http.get("/openapi.json")).json()
    accepting = [
        operation["responses"]["202"].get("headers", {})
        for methods in document["paths"].values()
        for operation in methods.values()
        if "202" in operation["responses"]
    ]
    assert len(accepting) == 10
    assert all({"Location", "Operation-Location"} <= headers.keys() for headers in accepting), json.dumps(accepting)
