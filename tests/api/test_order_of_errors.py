"""A submission that is wrong in many ways and corrected step by step gets the errors in the order of the guide."""

import re

from builders import a_body
from issuer import bearer
from page_tables import page_of, section

P = "/rebalance/proposals"
LISTED = re.findall(
    r"^\d+\. .*?`([A-Z_]+)`", section(page_of("guides/handle-errors.md"), "Which error comes first"), re.MULTILINE
)
ADVISOR = "proposals:write operations:read"


async def test_a_submission_gets_the_errors_in_the_order_of_the_guide(settings, serve, issuer, temporal_client):
    limited = {"max_open_operations": 1, "max_body_bytes": 100_000, "async_operations_enabled": False}
    secured = settings.model_copy(update=issuer.settings(**limited))
    came = []
    headers = {"X-Correlation-Id": "not allowed", "Content-Type": "text/plain", "Idempotency-Key": "taken"}
    callback = {"callback": {"url": "http://receiver.example"}}
    body = a_body(created_by="another") | callback
    async with serve(secured) as api:

        async def refused(content=None, **more: str) -> None:
            headers.update(more)
            answer = await api.http.post(
                f"{P}/async", headers=headers, **({"json": body} if content is None else {"content": content})
            )
            came.append(answer.json()["code"])

        large = b"[" + b" " * 100_000 + b"]"
        await refused(large)
        headers.pop("X-Correlation-Id")
        await refused(large)
        await refused(large, **bearer("ann", "operations:read"))
        await refused(large, **bearer("ann", ADVISOR))
        await refused(large, **{"Content-Type": "application/json"})
        await refused(b"{}")
        await refused()
    enabled = secured.model_copy(update={"async_operations_enabled": True})
    async with serve(enabled) as api:
        mine = a_body(created_by="ann")
        taken = await api.http.post(f"{P}/async", json=mine, headers=headers)
        assert taken.status_code == 202, taken.text
        await refused()
        body |= {"created_by": "ann"}
        body["simulate_request"]["portfolio_snapshot"]["portfolio_id"] = "pf_other"
        await refused()
        await refused(**{"Idempotency-Key": "free"})
        del body["callback"]
        await refused()
    assert came == LISTED
