"""The artifact at its own address: the version's bytes for programs, a page for people."""

import asyncio
import hashlib
import re
import subprocess
import sys
import time

import pytest
from answers import assert_problem
from artifact_pages import a_portfolio_body
from builders import a_large_body, a_version_body
from issuer import bearer
from waiting import PATIENCE_SECONDS

from runtime.engine_pool import EnginePool

pytestmark = pytest.mark.shared
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.fixture
async def created(api, worker_of_module) -> dict:
    return await api.created()


def path_of(created: dict) -> str:
    return f"/rebalance/proposals/{created['proposal']['proposal_id']}/versions/1/artifact"


@pytest.mark.parametrize(
    "accept",
    [None, "application/json", "application/json; charset=utf-8", "*/*", "application/*", "text/html;q=0.5, */*"],
)
async def test_programs_get_the_versions_bytes(api, created, accept):
    answer = await api.http.get(path_of(created), headers={} if accept is None else {"Accept": accept})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Vary"] == "Accept, Accept-Encoding"
    assert answer.headers["ETag"].removeprefix("W/") == f'"{hashlib.sha256(answer.content).hexdigest()}"'
    version = await api.http.get(path_of(created).removesuffix("/artifact"))
    assert b'"artifact":' + answer.content + b',"evidence_bundle":' in version.content


@pytest.mark.parametrize("accept", ["text/html", BROWSER, "application/json;q=0.1, text/html", "TEXT/HTML ; level=1"])
async def test_people_get_a_page(api, created, accept):
    answer = await api.http.get(path_of(created), headers={"Accept": accept})
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Vary"] == "Accept, Accept-Encoding"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    again = await api.http.get(path_of(created), headers={"Accept": accept})
    assert again.content == answer.content
    assert again.headers["ETag"] == answer.headers["ETag"]
    assert answer.headers["ETag"].removeprefix("W/") == f'"{hashlib.sha256(answer.content).hexdigest()}"'


async def test_a_decision_changes_the_page_and_its_tag_and_not_the_artifact(api, created):
    path, proposal_id = path_of(created), created["proposal"]["proposal_id"]
    people, programs = {"Accept": "text/html"}, {"Accept": "application/json"}
    page, artifact = [await api.http.get(path, headers=accept) for accept in (people, programs)]
    assert "<strong>draft</strong> since" in page.text
    assert '<h1 dir="auto">Buy A</h1>' in page.text
    assert page.headers["Cache-Control"] == "private, no-cache"
    submitted = {"event_type": "SUBMITTED_FOR_RISK_REVIEW", "actor_id": "advisor_7", "expected_state": "DRAFT"}
    decided = {"approval_type": "RISK", "approved": False, "actor_id": "<reviewer>", "expected_state": "RISK_REVIEW"}
    assert (await api.post(f"/{proposal_id}/transitions", submitted)).status_code == 200
    decision = await api.post(f"/{proposal_id}/approvals", decided | {"details": {"comment": "between us"}})
    at = decision.json()["approval"]["occurred_at"]
    later = await api.http.get(path, headers=people | {"If-None-Match": page.headers["ETag"]})
    assert (later.status_code, later.headers["ETag"] == page.headers["ETag"]) == (200, False)
    assert "<strong>rejected</strong> since" in later.text
    assert 'submitted for risk review</th><td class="t">advisor_7</td>' in later.text
    assert (
        f'rejected in risk review</th><td class="t">&lt;reviewer&gt;</td><td class="w">{at[:10]} {at[11:16]} UTC</td>'
        '<td class="n">1</td><td>rejected</td>' in later.text
    )
    assert "between us" not in later.text
    unchanged = await api.http.get(path, headers=people | {"If-None-Match": later.headers["ETag"]})
    assert (unchanged.status_code, unchanged.headers["Cache-Control"]) == (304, "private, no-cache")
    assert (await api.http.get(path, headers=programs | {"If-None-Match": artifact.headers["ETag"]})).status_code == 304


async def test_a_page_says_of_which_version_it_is_and_of_which_a_decision_was(api, created):
    path, proposal_id = path_of(created), created["proposal"]["proposal_id"]
    assert (await api.post(f"/{proposal_id}/versions", a_version_body())).status_code == 200
    submitted = {"event_type": "SUBMITTED_FOR_RISK_REVIEW", "actor_id": "a", "expected_state": "DRAFT"}
    assert (await api.post(f"/{proposal_id}/transitions", submitted)).status_code == 200
    decided = {"approval_type": "RISK", "approved": True, "actor_id": "r", "expected_state": "RISK_REVIEW"}
    assert (await api.post(f"/{proposal_id}/approvals", decided | {"related_version_no": 1})).status_code == 200
    first = (await api.http.get(path, headers={"Accept": "text/html"})).text
    assert "This page is of version 1; the present version is 2." in first
    versions = re.findall(r'<td class="w">[^<]* UTC</td><td class="n">(\d+)</td>', first)
    assert versions == ["1", "2", "2", "1"]  # created, version 2, submitted when that was the newest, approved
    second = (await api.http.get(path.replace("/1/", "/2/"), headers={"Accept": "text/html"})).text
    assert "This page is of version" not in second


async def test_who_decided_is_for_readers_of_the_trail(secured, worker_of_module):
    path = path_of(await secured.created(**bearer()))
    pages = {}
    for scope in ("proposals:read", "proposals:read audit:read"):
        answer = await secured.http.get(path, headers=bearer("reader", scope) | {"Accept": "text/html"})
        assert answer.status_code == 200
        pages[scope] = answer.text
        assert "<strong>draft</strong> since" in answer.text
    assert 'created</th><td class="t">advisor_1</td>' in pages["proposals:read audit:read"]
    assert 'created</th><td class="t">' not in pages["proposals:read"]


async def test_who_decided_is_not_shown_where_trails_are_not_served(settings_of_module, serve, worker_of_module):
    async with serve(settings_of_module.model_copy(update={"support_apis_enabled": False})) as api:
        page = await api.http.get(path_of(await api.created()), headers={"Accept": "text/html"})
    assert "<strong>draft</strong> since" in page.text
    assert 'created</th><td class="t">' not in page.text


async def test_a_tag_saves_sending_it_for_its_own_form_only(api, created):
    for accept, other in (("application/json", "text/html"), ("text/html", "application/json")):
        tag = (await api.http.get(path_of(created), headers={"Accept": accept})).headers["ETag"]
        unchanged = await api.http.get(path_of(created), headers={"Accept": accept, "If-None-Match": tag})
        assert (unchanged.status_code, unchanged.content, unchanged.headers["Vary"]) == (
            304,
            b"",
            "Accept, Accept-Encoding",
        )
        assert unchanged.headers["ETag"] == tag
        changed = await api.http.get(path_of(created), headers={"Accept": other, "If-None-Match": tag})
        assert changed.status_code == 200


@pytest.mark.parametrize("accept", ["image/png", "text/plain", "application/json;q=0", "nonsense", ""])
async def test_what_is_not_offered(api, created, accept):
    answer = await api.http.get(path_of(created), headers={"Accept": accept})
    if accept == "":
        assert answer.status_code == 200
        return
    assert_problem(answer, 406, "NOT_ACCEPTABLE")
    assert answer.headers["Vary"] == "Accept, Accept-Encoding"


async def test_a_version_that_is_not_there(api, created, settings_of_module, serve):
    path = path_of(created)
    assert_problem(await api.http.get(path.replace("/1/", "/2/")), 404, "PROPOSAL_VERSION_NOT_FOUND")
    assert_problem(await api.http.get(path.replace("/1/", "/0/")), 422, "VALIDATION_FAILED")
    async with serve(settings_of_module.model_copy(update={"workflow_lifecycle_enabled": False})) as closed:
        assert_problem(await closed.http.get(path), 404, "PROPOSAL_WORKFLOW_LIFECYCLE_DISABLED")


async def test_the_page_says_what_the_artifact_says_and_how_to_verify_it(api, worker_of_module, tmp_path):
    created = await api.created(a_portfolio_body(3))
    path = path_of(created)
    artifact = await api.http.get(path)
    (tmp_path / "artifact.json").write_bytes(artifact.content)
    page = (await api.http.get(path, headers={"Accept": "text/html"})).text
    summary = artifact.json()
    for shown in (
        *(row["key"] for row in summary["portfolio_impact"]["after"]["allocation_by_instrument"]),
        *(trade["instrument_id"] for trade in summary["trades_and_funding"]["trade_list"]),
        *(trade["intent_id"] for trade in summary["trades_and_funding"]["fx_list"]),
        *(issue["summary"] for issue in summary["suitability_summary"]["issues"]),
        summary["disclosures"]["risk_disclaimer"],
        *summary["evidence_bundle"]["hashes"].values(),
        created["version"]["simulation_hash"],
        created["version"]["proposal_version_id"],
    ):
        assert shown in page.replace("&#39;", "'"), shown
    (recipe,) = re.findall(
        r"python3 - &lt;&lt;&#39;END&#39;\n(.*?)\nEND|python3 - &lt;&lt;'END'\n(.*?)\nEND", page, re.DOTALL
    )
    command = [sys.executable, "-c", "".join(recipe)]
    ran = await asyncio.to_thread(subprocess.run, command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == created["version"]["artifact_hash"]


async def test_words_of_clients_are_words_on_the_page(api, worker_of_module):
    body = a_portfolio_body(3, name="<script>alert(1)</script>$x$ & \"' {{ 7*7 }}")
    body["created_by"] = "<img src=x onerror=alert(1)>"
    page = (await api.http.get(path_of(await api.created(body)), headers={"Accept": "text/html"})).text
    assert "<script" not in page
    assert "<img" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "{{ 7*7 }}" in page


@pytest.mark.parametrize("positions", [3, 600])
async def test_a_page_does_not_wait_for_a_simulation(
    settings_of_module, serve, worker_of_module, monkeypatch, positions
):
    """A small page is rendered in a thread, a large one where large bodies are read: the engine's process is taken."""
    run, used = EnginePool.run, []

    async def noted(pool, function, *args, **kwargs):
        used.append(pool)
        return await run(pool, function, *args, **kwargs)

    async with serve(settings_of_module.model_copy(update={"engine_processes": 1})) as api:
        path = path_of(await api.created(a_portfolio_body(positions)))
        monkeypatch.setattr(EnginePool, "run", noted)
        key = {"Idempotency-Key": f"k-{positions}"}
        simulated = await api.post("/simulate", a_large_body()["simulate_request"], **key)
        assert simulated.status_code == 200
        (engine,) = used
        simulation = asyncio.create_task(run(engine, time.sleep, 10_000))
        async with asyncio.timeout(PATIENCE_SECONDS):
            page = await api.http.get(path, headers={"Accept": "text/html"})
        assert (page.status_code, simulation.done()) == (200, False)
        assert engine not in used[1:]
        assert len(used) == (1 if positions == 3 else 2)
        simulation.cancel()
        await asyncio.gather(simulation, return_exceptions=True)
