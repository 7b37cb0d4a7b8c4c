"""What belongs to another client is not there: on every route, for every id, as if it had never been."""

import asyncio
import uuid

import pytest
from builders import a_body, a_version_body
from issuer import EVERY_SCOPE, bearer
from receiver import SETTINGS, Receiver

P = "/rebalance/proposals"
MINE = {"scope": f"{EVERY_SCOPE} actors:any"}


def of(client: str) -> dict[str, str]:
    return bearer("a", client_id=client, **MINE)


@pytest.fixture
async def clients(settings, serve, issuer, worker):
    with Receiver().serving() as receiver:
        async with serve(settings.model_copy(update=issuer.settings() | SETTINGS)) as api:
            yield api, receiver


def ids(text: str, *known: str) -> str:
    for number, one in enumerate(known):
        text = text.replace(one, f"<{number}>")
    return text


def comparable(answer, *known: str):
    problem = answer.json()
    if answer.headers["Content-Type"] == "application/problem+json":
        problem.pop("correlation_id")
    return answer.status_code, ids(str(problem), *known)


async def test_an_id_of_another_client_answers_as_an_unknown_one(clients):
    api, receiver = clients
    correlation, key = uuid.uuid4().hex, uuid.uuid4().hex
    body = a_body(callback={"url": receiver.url})
    headers = {"Idempotency-Key": key, "X-Correlation-Id": correlation}
    created = await api.http.post(P, json=body, headers=headers | of("crm"))
    proposal_id = created.json()["proposal"]["proposal_id"]
    operation = await api.http.get(f"{P}/operations/by-correlation/{correlation}", headers=of("crm"))
    operation_id = operation.json()["operation_id"]
    failed = await api.submit(a_body(), **of("crm"))
    await api.http.post(f"{P}/operations/{failed.json()['operation_id']}/cancel", headers=of("crm"))

    event = {"event_type": "CANCELLED", "actor_id": "a", "expected_state": "DRAFT"}
    decision = {"approval_type": "RISK", "approved": True, "actor_id": "a", "expected_state": "RISK_REVIEW"}
    calls = [
        ("GET", "/{p}", None),
        ("GET", "/{p}/versions/1", None),
        ("GET", "/{p}/versions/1/artifact", None),
        ("POST", "/{p}/versions", a_version_body()),
        ("POST", "/{p}/transitions", event),
        ("POST", "/{p}/approvals", decision),
        ("GET", "/{p}/approvals", None),
        ("GET", "/{p}/workflow-events", None),
        ("GET", "/{p}/lineage", None),
        ("GET", "/idempotency/{k}", None),
        ("GET", "/operations/{o}", None),
        ("GET", "/operations/{o}?wait=0.1", None),
        ("GET", "/operations/by-correlation/{c}", None),
        ("POST", "/operations/{o}/cancel", None),
        ("POST", "/operations/{o}/retry", None),
        ("GET", "/operations/{o}/callbacks", None),
        ("POST", "/operations/{o}/callbacks/redeliver", None),
        ("GET", "/operations?cursor={o}", None),
        ("GET", "?cursor={p}", None),
    ]
    taken = (
        {"p": proposal_id, "o": operation_id, "c": correlation, "k": key},
        {"p": proposal_id, "o": failed.json()["operation_id"], "c": correlation, "k": key},
    )
    unknown = {"p": f"pp_{'0' * 32}", "o": f"pop_{'0' * 32}", "c": "nobodys-c", "k": "nobodys-k"}
    for method, path, sent in calls:
        for known in taken:
            headers = of("other") | {"Idempotency-Key": uuid.uuid4().hex}
            foreign = await api.http.request(method, P + path.format(**known), json=sent, headers=headers)
            headers = of("other") | {"Idempotency-Key": uuid.uuid4().hex}
            missing = await api.http.request(method, P + path.format(**unknown), json=sent, headers=headers)
            assert foreign.status_code in (404, 422), (method, path)
            assert comparable(foreign, *known.values()) == comparable(missing, *unknown.values()), (method, path)
    for path in (
        "",
        "/operations",
        f"/operations?correlation_id={correlation}",
        f"/operations?proposal_id={proposal_id}",
    ):
        assert (await api.http.get(P + path, headers=of("third"))).json()["items"] == []
        assert (await api.http.get(P + path, headers=of("crm"))).json()["items"] != []


async def test_a_version_of_another_clients_proposal_fails_as_of_an_unknown_one(clients):
    api, _ = clients
    proposal_id = (await api.created(**of("crm")))["proposal"]["proposal_id"]
    ended = []
    for target in (proposal_id, f"pp_{'0' * 32}"):
        answer = await api.post(f"/{target}/versions/async", a_version_body(), **of("other"))
        assert answer.status_code == 202
        operation_id = answer.json()["operation_id"]
        path = f"{P}/operations/{operation_id}?wait=20"
        ended.append((await api.http.get(path, headers=of("other"))).json()["error"])
    assert (
        ended[0]
        == ended[1]
        == {
            "code": "ProposalNotFoundError",
            "message": "PROPOSAL_NOT_FOUND",
            "problem": "PROPOSAL_NOT_FOUND",
        }
    )


async def test_keys_are_each_clients_own(clients):
    api, _ = clients
    key = uuid.uuid4().hex
    first, second = await asyncio.gather(
        api.submit(a_body(), key=key, **of("crm")), api.submit(a_body(created_by="b"), key=key, **of("other"))
    )
    assert {first.status_code, second.status_code} == {202}
    assert first.json()["operation_id"] != second.json()["operation_id"]
    simulation = a_body()["simulate_request"]
    one = await api.http.post(f"{P}/simulate", json=simulation, headers=of("crm") | {"Idempotency-Key": key})
    simulation["portfolio_snapshot"]["portfolio_id"] = "pf_2"
    two = await api.http.post(f"{P}/simulate", json=simulation, headers=of("other") | {"Idempotency-Key": key})
    assert (one.status_code, two.status_code) == (200, 200)
    assert "Idempotent-Replayed" not in two.headers


async def test_without_a_client_id_the_subject_is_the_client(clients):
    api, _ = clients
    alone = bearer("advisor_1", client_id=None)
    created = await api.created(**alone)
    path = f"{P}/{created['proposal']['proposal_id']}"
    assert (await api.http.get(path, headers=bearer("x", client_id=None, azp="advisor_1"))).status_code == 200
    assert (await api.http.get(path, headers=bearer("advisor_1"))).status_code == 404
