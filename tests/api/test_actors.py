"""Who cancelled, retried and redelivered: recorded in the row, and shown wherever the operation is."""

import asyncio

import psycopg
import pytest
from builders import a_body
from issuer import EVERY_SCOPE, bearer
from receiver import SETTINGS, Receiver
from waiting import PATIENCE_SECONDS, until

from runtime.settings import Settings

P = "/rebalance/proposals"
SCOPES = f"{EVERY_SCOPE} actors:any"


def by(subject: str) -> dict[str, str]:
    return bearer(subject, client_id="crm", scope=SCOPES)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update=SETTINGS)


async def test_cancel_and_retry_name_the_subject_of_the_token(secured, database_dsn):
    first = (await secured.submit(a_body(), **by("advisor_1"))).json()["operation_id"]
    open_one = (await secured.http.get(f"{P}/operations/{first}", headers=by("advisor_1"))).json()
    assert (open_one["cancelled_by"], open_one["retried_by"]) == (None, None)
    cancelled = await secured.http.post(f"{P}/operations/{first}/cancel", headers=by("ops_1"))
    assert cancelled.json()["cancelled_by"] == "ops_1"
    second = await secured.http.post(f"{P}/operations/{first}/retry", headers=by("ops_2"))
    again = await secured.http.post(f"{P}/operations/{first}/retry", headers=by("ops_3"))
    assert again.json()["operation_id"] == second.json()["operation_id"]

    listed = (await secured.http.get(f"{P}/operations", headers=by("advisor_1"))).json()["items"]
    assert [(item["attempt"], item["retried_by"], item["cancelled_by"]) for item in listed] == [
        *((2, "ops_2", None), (1, None, "ops_1"))
    ]
    shown = await secured.http.get(f"{P}/operations/{first}", headers=by("advisor_1"))
    assert shown.json() == cancelled.json() | {"updated_at": shown.json()["updated_at"]}
    with psycopg.connect(database_dsn) as connection:
        rows = connection.execute("SELECT attempt, cancelled_by, retried_by FROM operations ORDER BY 1").fetchall()
    assert rows == [(1, "ops_1", None), (2, None, "ops_2")]


async def test_a_retry_of_a_retry_names_its_own_actor_alone(secured):
    first = (await secured.submit(a_body(), **by("advisor_1"))).json()["operation_id"]
    newest = first
    for actor in ("ops_1", "ops_2"):
        await secured.http.post(f"{P}/operations/{newest}/cancel", headers=by(actor))
        newest = (await secured.http.post(f"{P}/operations/{newest}/retry", headers=by(actor))).json()["operation_id"]
    shown = (await secured.http.get(f"{P}/operations/{newest}", headers=by("ops_1"))).json()
    assert (shown["attempt"], shown["retried_by"], shown["cancelled_by"]) == (3, "ops_2", None)


async def test_a_submission_under_the_key_of_a_failed_one_was_retried_by_nobody(api):
    first = (await api.submit(a_body(), key="k")).json()["operation_id"]
    assert (await api.post(f"/operations/{first}/cancel", None)).json()["cancelled_by"] == "local"
    second = (await api.submit(a_body(), key="k")).json()["operation_id"]
    shown = (await api.get(f"/operations/{second}")).json()
    assert (shown["attempt"], shown["retried_by"], shown["cancelled_by"]) == (2, None, None)
    await api.post(f"/operations/{second}/cancel", None)
    third = (await api.post(f"/operations/{second}/retry", None)).json()["operation_id"]
    assert (await api.get(f"/operations/{third}")).json()["retried_by"] == "local"


@pytest.mark.parametrize("is_secured", [True, False])
async def test_a_redelivery_names_who_asked_for_it(settings, serve, issuer, worker, is_secured):
    with Receiver().serving() as receiver:
        update = issuer.settings() if is_secured else {}
        headers = by("ops_1") if is_secured else {}
        async with serve(settings.model_copy(update=update)) as api:
            submitted = await api.submit(a_body(callback={"url": receiver.url}), **headers)
            address = f"{P}/operations/{submitted.json()['operation_id']}/callbacks"
            await until(lambda: len(receiver.received) == 1)
            async with asyncio.timeout(PATIENCE_SECONDS):
                while (log := (await api.http.get(address, headers=headers)).json())["status"] != "DELIVERED":
                    await asyncio.sleep(0.1)
            assert log["redelivered_by"] is None
            answer = await api.http.post(f"{address}/redeliver", headers=headers)
            assert answer.json()["redelivered_by"] == ("ops_1" if is_secured else "local")
            await until(lambda: len(receiver.received) == 2)
            assert (await api.http.get(address, headers=headers)).json()["redelivered_by"] == (
                "ops_1" if is_secured else "local"
            )
