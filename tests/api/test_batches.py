"""A batch from its submission to its runs, over a real socket, with PostgreSQL, Temporal and a worker."""

import asyncio
import json
import uuid
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import psycopg
import pytest
import zstandard
from batches import IDENTITY, LIMITS, a_market, a_portfolio, an_analysis, computed
from issuer import bearer
from waiting import PATIENCE_SECONDS, until

from activities.analyze_chunks import AnalyzeStep
from api.http.json import UnreadableBody
from api.http.reading import read_body
from api.requests import AnalyzeScenariosRequest
from domain.batch.running import RunIdentity

ANALYZE = "/rebalance/proposals/analyze/async"
NDJSON = {"Accept": "application/x-ndjson"}


def an_identity() -> RunIdentity:
    """Of which no other test of the module has the key."""
    return replace(IDENTITY, idempotency_key=uuid.uuid4().hex)


def headers_of(identity: RunIdentity) -> dict[str, str]:
    return {"Idempotency-Key": identity.idempotency_key or "", "X-Correlation-Id": identity.correlation_id}


async def submit(api: Any, body: dict[str, Any], *, key: str | None = None, **headers: str) -> Any:
    return await api.http.post(ANALYZE, json=body, headers={"Idempotency-Key": key or uuid.uuid4().hex} | headers)


async def accepted(api: Any, body: dict[str, Any], *, key: str | None = None, **headers: str) -> str:
    answer = await submit(api, body, key=key, **headers)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["operation_id"])


async def lines_of(api: Any, operation_id: str, **query: Any) -> list[dict[str, Any]]:
    answer = await api.http.get(f"/rebalance/proposals/operations/{operation_id}/runs", headers=NDJSON, params=query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert answer.text == "" or answer.text.endswith("\n")
    return [json.loads(line) for line in answer.text.splitlines()]


@pytest.mark.shared
async def test_a_batch_ends_with_totals_and_each_run_is_its_own_simulation(api, worker_of_module) -> None:
    identity = an_identity()
    body = an_analysis(
        a_portfolio(0), a_portfolio(1, shelf_entries=7), scenarios={"hold": {"proposed_trades": []}, "buy": {}}
    )
    answer = await submit(api, body, **headers_of(identity))
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == answer.json()["status_url"]
    assert answer.json()["operation_type"] == "ANALYZE_SCENARIOS"
    operation_id = answer.json()["operation_id"]
    status = await ended(api, operation_id)
    assert status["status"] == "SUCCEEDED"
    assert status["progress"] == {"total": 4, "succeeded": 2, "failed": 2, "remaining": 0}
    assert (status["proposal_id"], status["version_no"], status["error"]) == (None, None, None)
    runs = status["links"]["runs"]
    assert status["result"]["runs_url"] == runs == f"/rebalance/proposals/operations/{operation_id}/runs"
    assert status["result"]["counts"] == {"total": 4, "succeeded": 2, "failed": 2}
    assert status["result"]["warnings"] == ["PARTIAL_BATCH_FAILURE"]
    assert status["result"]["failures"] == {"VALIDATION_FAILED": 2}
    assert list(status["result"]["scenarios"]) == ["buy", "hold"]
    expected = computed(body, identity)
    assert await lines_of(api, operation_id) == expected
    page = (await api.http.get(runs)).json()
    assert page["next_cursor"] is None
    for several in (["SUCCEEDED", "FAILED"], ["FAILED", "SUCCEEDED"]):
        assert (await api.http.get(runs, params={"status": several})).json()["items"] == page["items"]
    for run, line in zip(page["items"], expected, strict=True):
        assert run["links"] == {"self": f"{runs}/{line['run_no']}"}
        assert run | {"result": line["result"]} == line | {"links": run["links"]}
        assert (await api.http.get(run["links"]["self"])).json() == line


async def test_a_batch_that_is_wrong_as_a_whole_is_refused_and_nothing_is_stored(api, database_dsn) -> None:
    wrong: list[tuple[dict[str, Any], list[Any], str]] = [
        (an_analysis() | {"itmes": []}, ["body", "itmes"], "extra_forbidden"),
        (an_analysis() | {"shared": {"proposed_trade": []}}, ["body", "shared", "proposed_trade"], "extra_forbidden"),
        (an_analysis() | {"items": [7]}, ["body", "items", 0], "dict_type"),
        (an_analysis() | {"items": [{"id": "a"}, {"id": "a"}]}, ["body", "items", 1, "id"], "item_id_repeated"),
        (an_analysis(scenarios={f"s{n}": {} for n in range(21)}), ["body", "scenarios"], "too_long"),
        (an_analysis(*[{"id": f"i{n}"} for n in range(5001)]), ["body", "items"], "too_long"),
        (an_analysis(shared=many_attributes()), ["body", "shared", "shelf_entries", 0, "attributes"], "too_long"),
        (an_analysis(callback={"url": "ftp://x"}), [], ""),
    ]
    for body, place, kind in wrong:
        answer = await submit(api, body)
        assert answer.status_code == 422, answer.text
        if kind:
            assert {"type": kind, "loc": place} in [
                {"type": error["type"], "loc": error["loc"]} for error in answer.json()["detail"]
            ], answer.text
    assert (await api.http.post(ANALYZE, json=an_analysis())).status_code == 422  # without a key
    with psycopg.connect(database_dsn) as connection:
        for table in ("operations", "batch_chunks", "documents", "idempotency_keys"):
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)


def many_attributes() -> dict[str, Any]:
    entry = {"instrument_id": "A", "status": "APPROVED", "attributes": {f"k{n}": "v" for n in range(101)}}
    return a_market() | {"shelf_entries": [entry]}


async def test_limits_of_a_batch_are_the_operators(settings, serve) -> None:
    bounded = {"max_batch_runs": 4, "max_batch_rows": 100, "max_open_batches": 1, "max_body_bytes": 20_000}
    async with serve(settings.model_copy(update=bounded)) as api:
        runs = await submit(api, an_analysis(scenarios={"a": {}, "b": {}}))
        assert runs.json()["detail"][0]["msg"] == ("A batch should have at most 4 runs, items times scenarios, not 6")
        rows = [{"instrument_id": "A", "quantity": "1"}] * 50
        portfolio = {"portfolio_id": "p", "base_currency": "SGD", "positions": rows}
        too_many = await submit(api, an_analysis(*[a_portfolio(n, portfolio_snapshot=portfolio) for n in range(2)]))
        assert too_many.json()["detail"][0]["msg"] == "The runs of a batch should have at most 100 rows together"
        assert (await submit(api, an_analysis(description="x" * 500, created_by="y" * 20_000))).status_code == 413
        first = await submit(api, an_analysis(), key="first")
        assert first.status_code == 202
        second = await submit(api, an_analysis(), key="second")
        assert (second.status_code, second.json()["code"]) == (429, "TOO_MANY_OPEN_OPERATIONS")
        again = await submit(api, an_analysis(), key="first")
        assert (again.status_code, again.json()["operation_id"]) == (202, first.json()["operation_id"])
        assert (await api.submit({"created_by": "advisor_1"})).status_code == 422  # and no 429: creates have room


async def test_fifty_equal_submissions_are_one_batch_and_replays_show_how_it_is(api, database_dsn) -> None:
    body = an_analysis(description="first words")
    answers = await asyncio.gather(*(submit(api, body, key="hv") for _ in range(50)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["operation_id"] for answer in answers}) == 1
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1
    conflict = await submit(api, an_analysis(shared=a_market(price="51")), key="hv")
    assert (conflict.status_code, conflict.json()["code"]) == (409, "IDEMPOTENCY_KEY_CONFLICT")
    replayed = await submit(api, an_analysis(description="other words"), key="hv", **{"X-Correlation-Id": "later"})
    assert (replayed.status_code, replayed.json()["status"]) == (202, "PENDING")
    found = await api.get("/operations/by-correlation/later")
    assert found.json()["operation_id"] == replayed.json()["operation_id"]
    assert found.json()["progress"] == {"total": 3, "succeeded": 0, "failed": 0, "remaining": 3}
    with psycopg.connect(database_dsn) as connection:
        assert connection.execute("SELECT count(*) FROM batch_chunks").fetchone() == (1,)
    # The key of a create is another one.
    assert (await api.submit({"created_by": "advisor_1"}, key="hv")).status_code == 422


@pytest.mark.shared
async def test_a_batch_of_which_every_run_fails_has_failed(api, worker_of_module) -> None:
    operation_id = await accepted(api, an_analysis({"id": "a"}, {"id": "b"}))
    failed = await ended(api, operation_id)
    assert (failed["status"], failed["result"]) == ("FAILED", None)
    assert failed["error"]["code"] == "ProposalValidationError"
    assert failed["error"]["message"] == "ANALYSIS_ALL_RUNS_FAILED"
    assert failed["progress"] == {"total": 2, "succeeded": 0, "failed": 2, "remaining": 0}
    lines = await lines_of(api, operation_id)
    assert [error["loc"] for error in lines[1]["error"]["errors"]] == [["items", 1, "portfolio_snapshot"]]


class HeldCommits:
    """The commits of chunks, each of which waits for the test: a fast worker would be done meanwhile."""

    def __init__(self) -> None:
        self.is_over = False
        self.under_way = 0
        self._has_leave = self._is_passing = False

    def let_one_pass(self) -> None:
        """Unless one is passing: so a test that reads between two calls sees the state after each commit."""
        self._has_leave = not self._is_passing

    async def _leave(self) -> None:
        while not (self._has_leave or self.is_over):
            await asyncio.sleep(0.01)
        self._is_passing = True
        self._has_leave = False

    @contextmanager
    def held(self) -> Iterator["HeldCommits"]:
        commit = AnalyzeStep._commit

        async def commit_with_leave(*args: Any, **kwargs: Any) -> bool:
            self.under_way += 1
            try:
                await self._leave()
                return await commit(*args, **kwargs)
            finally:
                self._is_passing = False
                self.under_way -= 1

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(AnalyzeStep, "_commit", commit_with_leave)
            try:
                yield self
            finally:
                self.is_over = True


@pytest.mark.shared
async def test_a_batch_is_cancelled_at_once_and_a_retry_goes_on(api, worker_of_module) -> None:
    identity = an_identity()
    body = an_analysis(*[a_portfolio(number) for number in range(300)])
    with HeldCommits().held() as commits:
        operation_id = await accepted(api, body, **headers_of(identity))
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not (seen := (await api.get(f"/operations/{operation_id}")).json())["progress"]["succeeded"]:
                commits.let_one_pass()
                await asyncio.sleep(0.02)
        await until(lambda: commits.under_way)
        cancelled = (await api.post(f"/operations/{operation_id}/cancel", None)).json()
        commits.is_over = True
        assert (cancelled["status"], cancelled["error"]["message"]) == ("FAILED", "OPERATION_CANCELLED")
        assert cancelled["progress"]["succeeded"] >= seen["progress"]["succeeded"]
        readable = await lines_of(api, operation_id)
        assert len(readable) == cancelled["progress"]["succeeded"]
        await until(lambda: not commits.under_way)  # nothing comes after the end
    assert (await api.get(f"/operations/{operation_id}")).json()["progress"] == cancelled["progress"]
    retried = await api.post(f"/operations/{operation_id}/retry", None)
    assert retried.status_code == 202
    goes_on = await ended(api, retried.json()["operation_id"])
    assert (goes_on["status"], goes_on["attempt"]) == ("SUCCEEDED", 2)
    assert goes_on["progress"] == {"total": 300, "succeeded": 300, "failed": 0, "remaining": 0}
    assert await lines_of(api, retried.json()["operation_id"]) == computed(body, identity)


@pytest.mark.shared
async def test_the_lines_are_a_file_with_a_tag_that_can_be_continued(api, worker_of_module) -> None:
    identity = an_identity()
    body = an_analysis(*[a_portfolio(number) for number in range(60)])
    operation_id = await accepted(api, body, **headers_of(identity))
    status = await ended(api, operation_id)
    url = status["links"]["runs"]
    whole = await api.http.get(url, headers=NDJSON | {"Accept-Encoding": "identity"})
    assert whole.headers["etag"] == f'"{status["result"]["results_hash"]}"'
    assert "content-length" not in whole.headers
    assert "Accept" in whole.headers["vary"]
    lines = whole.text.splitlines(keepends=True)
    assert [json.loads(line) for line in lines] == computed(body, identity)
    for after in (0, 24, 25, 58):
        rest = await api.http.get(url, headers=NDJSON, params={"after": after})
        assert rest.text == "".join(lines[after + 1 :])
        assert rest.headers["etag"] != whole.headers["etag"]
    assert (await api.http.get(url, headers=NDJSON, params={"after": 59})).text == ""
    assert (await api.http.get(url, headers=NDJSON, params={"after": 10**6})).text == ""
    bare = await lines_of(api, operation_id, include_result="false")
    assert bare == [
        {name: value for name, value in line.items() if name != "result"} for line in computed(body, identity)
    ]
    current = await api.http.get(url, headers=NDJSON | {"If-None-Match": whole.headers["etag"]})
    assert (current.status_code, current.content) == (304, b"")
    head = await api.http.head(url, headers=NDJSON)
    assert (head.status_code, head.content, head.headers["content-type"]) == (200, b"", "application/x-ndjson")
    for coding in ("zstd", "gzip"):
        compressed = await api.http.get(url, headers=NDJSON | {"Accept-Encoding": coding})
        assert compressed.headers["content-encoding"] == coding
        assert compressed.headers["etag"] == f"W/{whole.headers['etag']}"
        plain = zstandard.ZstdDecompressor().decompressobj() if coding == "zstd" else zlib.decompressobj(31)
        assert plain.decompress(await undecoded(api, url, coding)).decode() == whole.text
    page = await api.http.get(url, params={"limit": 7, "cursor": "9"})
    assert [run["run_no"] for run in page.json()["items"]] == list(range(10, 17))
    assert page.json()["next_cursor"] == "16"
    again = await api.http.get(url, params={"limit": 7, "cursor": "9"}, headers={"If-None-Match": page.headers["etag"]})
    assert again.status_code == 304
    one = await api.http.get(f"{url}/42")
    assert one.text + "\n" == lines[42]
    assert (await api.http.get(f"{url}/42", headers={"If-None-Match": one.headers["etag"]})).status_code == 304


async def undecoded(api: Any, url: str, coding: str) -> bytes:
    """The bytes as they are on the wire."""
    async with api.http.stream("GET", url, headers=NDJSON | {"Accept-Encoding": coding}) as answer:
        return b"".join([part async for part in answer.aiter_raw()])


async def ended(api: Any, operation_id: str) -> dict[str, Any]:
    """The operation when it has ended, however busy the machine is."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            answer = await api.http.get(f"/rebalance/proposals/operations/{operation_id}", params={"wait": 20})
            status: dict[str, Any] = answer.json()
            if status["status"] in ("SUCCEEDED", "FAILED"):
                return status


async def test_what_is_asked_wrong_of_runs_is_refused(api) -> None:
    operation_id = await accepted(api, an_analysis())
    url = f"/rebalance/proposals/operations/{operation_id}/runs"
    assert await lines_of(api, operation_id) == []  # nothing is computed yet
    assert (await api.http.get(url)).json() == {"items": [], "next_cursor": None}
    refusals = {
        f"{url}/0": (404, "RUN_NOT_FOUND"),
        f"{url}/3": (404, "RUN_NOT_FOUND"),
        f"{url}/-1": (422, "VALIDATION_FAILED"),
        f"{url}/x": (422, "VALIDATION_FAILED"),
        f"{url}?cursor=3": (422, "CURSOR_INVALID"),
        f"{url}?cursor=x": (422, "CURSOR_INVALID"),
        f"{url}?cursor=-1": (422, "CURSOR_INVALID"),
        f"{url}?limit=501": (422, "VALIDATION_FAILED"),
        f"{url}?limit=0": (422, "VALIDATION_FAILED"),
        f"{url}?status=READY": (422, "VALIDATION_FAILED"),
        f"{url}?after=-1": (422, "VALIDATION_FAILED"),
        "/rebalance/proposals/operations/pop_0/runs": (404, "PROPOSAL_ASYNC_OPERATION_NOT_FOUND"),
    }
    for asked, refusal in refusals.items():
        answer = await api.http.get(asked)
        assert (answer.status_code, answer.json()["code"]) == refusal, asked
    other = await api.http.get(url, headers={"Accept": "text/csv"})
    assert (other.status_code, other.json()["code"]) == (406, "NOT_ACCEPTABLE")


@pytest.mark.shared
async def test_an_operation_that_is_no_batch_has_no_runs_and_no_progress(api, worker_of_module) -> None:
    created = await api.created()
    (operation,) = (await api.get("/operations", proposal_id=created["proposal"]["proposal_id"])).json()["items"]
    assert (operation["progress"], operation["links"]["runs"]) == (None, None)
    answer = await api.get(f"/operations/{operation['operation_id']}/runs")
    assert (answer.status_code, answer.json()["code"]) == (404, "RUN_NOT_FOUND")


@pytest.mark.shared
async def test_while_a_batch_runs_its_lines_are_whole_and_its_tag_moves(api, worker_of_module) -> None:
    identity = an_identity()
    body = an_analysis(*[a_portfolio(number) for number in range(200)])
    expected = {line["run_no"]: line for line in computed(body, identity)}  # before: it takes as long as the batch
    tags: set[str] = set()
    async with asyncio.timeout(PATIENCE_SECONDS):
        with HeldCommits().held() as commits:
            operation_id = await accepted(api, body, **headers_of(identity))
            while True:
                status = await api.get(f"/operations/{operation_id}")
                tags.add(status.headers["etag"])
                progress = status.json()["progress"]
                assert sum(progress[name] for name in ("succeeded", "failed", "remaining")) == 200
                lines = await lines_of(api, operation_id)
                assert len(lines) >= progress["succeeded"]
                assert all(expected[line["run_no"]] == line for line in lines)
                if status.json()["status"] == "SUCCEEDED":
                    break
                commits.let_one_pass()
                await asyncio.sleep(0.02)
    assert len(tags) > 2
    unchanged = await api.http.get(
        f"/rebalance/proposals/operations/{operation_id}", headers={"If-None-Match": status.headers["etag"]}
    )
    assert unchanged.status_code == 304


async def test_batches_are_listed_filtered_and_belong_to_their_portfolio_when_they_have_one(api, database_dsn) -> None:
    several = await accepted(api, an_analysis())
    one = await accepted(api, an_analysis(a_portfolio(7)))
    listed = (await api.get("/operations", operation_type="ANALYZE_SCENARIOS")).json()["items"]
    assert [item["operation_id"] for item in listed] == [one, several]
    with psycopg.connect(database_dsn) as connection:
        portfolios = connection.execute("SELECT portfolio_id FROM operations ORDER BY created_at").fetchall()
    assert portfolios == [(None,), ("pf_7",)]


@pytest.mark.parametrize("name", ["async_operations_enabled", "workflow_lifecycle_enabled"])
async def test_batches_are_behind_the_gates_of_operations(settings, serve, name) -> None:
    async with serve(settings.model_copy(update={name: False})) as api:
        answer = await submit(api, an_analysis())
        assert answer.status_code == 404
        assert answer.json()["code"].endswith("_DISABLED")


async def test_a_202_is_committed_when_it_is_answered(api, database_dsn) -> None:
    for number in range(10):
        operation_id = await accepted(api, an_analysis(*[a_portfolio(n) for n in range(30)]), key=f"k{number}")
        with psycopg.connect(database_dsn) as connection:
            row = connection.execute(
                "SELECT status, runs_total FROM operations WHERE operation_id = %s", (operation_id,)
            ).fetchone()
            chunks = connection.execute(
                "SELECT count(*) FROM batch_chunks WHERE operation_id = %s", (operation_id,)
            ).fetchone()
        assert (row, chunks) == (("PENDING", 30), (2,))


async def test_another_clients_batch_is_not_there(secured) -> None:
    headers = {"Idempotency-Key": "hv", **bearer("desk_1", "proposals:write operations:read")}
    answer = await secured.http.post(ANALYZE, json=an_analysis(), headers=headers)
    assert answer.status_code == 202, answer.text
    path = f"/rebalance/proposals/operations/{answer.json()['operation_id']}/runs"
    own = await secured.http.get(path, headers=headers)
    assert own.status_code == 200
    foreign = bearer("desk_2", "operations:read", client_id="other")
    for url in (path, f"{path}/0"):
        refused = await secured.http.get(url, headers=foreign)
        assert (refused.status_code, refused.json()["code"]) == (404, "PROPOSAL_ASYNC_OPERATION_NOT_FOUND")
    mismatch = await secured.http.post(ANALYZE, json=an_analysis(created_by="desk_9"), headers=headers)
    assert (mismatch.status_code, mismatch.json()["code"]) == (403, "ACTOR_MISMATCH")


@pytest.mark.parametrize("items", [[{"id": "a"}] * 5, [7] * 5])
def test_too_many_runs_are_counted_before_anything_is_validated(monkeypatch, items) -> None:
    """A body of 8 MiB has room for a million items, and validating those would hold a place for bodies for seconds."""
    monkeypatch.setattr(AnalyzeScenariosRequest, "model_validate", None)
    body = json.dumps(an_analysis(*items, scenarios={"a": {}, "b": {}})).encode()
    limits = replace(LIMITS, max_runs=9)
    with pytest.raises(UnreadableBody) as refused:
        read_body(body, AnalyzeScenariosRequest, max_rows=100, batches=limits, is_strict=True)
    message = "A batch should have at most 9 runs, items times scenarios, not 10"
    assert refused.value.errors == [{"type": "too_long", "loc": ("body", "items"), "msg": message}]
