"""Strictness (R28): members of a body that no endpoint knows, and parameters of a query."""

import json

import pytest
from answers import assert_problem
from batches import an_analysis
from builders import a_body
from pydantic import TypeAdapter

from api.http.headers import preferences
from api.requests import AnalyzeScenariosRequest, CreateProposalRequest
from domain.public_links import GUARDED_PREFIX
from domain.row_errors import MAX_ERRORS
from domain.unknown_names import MAX_SUGGESTIONS, unknown_members

P = "/rebalance/proposals"
STRICT = {"Prefer": "handling=strict"}
TRANSITION = {"event_type": "SUBMITTED_FOR_RISK_REVIEW", "actor_id": "a", "expected_state": "DRAFT"}
APPROVAL = {"approval_type": "RISK", "approved": True, "actor_id": "a"}
SIMULATED = a_body()["simulate_request"]
VERSION = {"created_by": "advisor_1", "simulate_request": SIMULATED}
BODIES = {
    "/simulate": SIMULATED,
    "/artifact": SIMULATED,
    "/simulate/async": SIMULATED,
    "/artifact/async": SIMULATED,
    "": a_body(),
    "/async": a_body(),
    "/pp_0/versions": VERSION,
    "/pp_0/versions/async": VERSION,
    "/pp_0/transitions": TRANSITION,
    "/pp_0/approvals": APPROVAL,
}


def with_member(body, place, name="surprise"):
    """A copy of the body with one more member in the object at this place; lists and objects on the way are made."""
    copy = json.loads(json.dumps(body))
    inner = copy
    for step, following in zip(place, [*place, ""][1:], strict=True):
        if isinstance(step, int):
            inner += [{}] * (step + 1 - len(inner))
        elif step not in inner:
            inner[step] = [] if isinstance(following, int) else {}
        inner = inner[step]
    inner[name] = "JOHN SMITH"
    return copy


def refused(answer) -> list[tuple]:
    assert "JOHN SMITH" not in answer.text
    return [(*item["loc"], item["msg"]) for item in answer.json()["detail"] if item["type"] == "extra_forbidden"]


@pytest.mark.shared
@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize("strict", [True, False])
async def test_every_endpoint_with_a_body_can_be_strict(api, path, strict):
    body = {**BODIES[path], "surprise": 1}
    prefer = STRICT if strict else {"Prefer": "respond-async"}  # no worker runs here, and a create waits for its end
    answer = await api.post(path, body, **{"Idempotency-Key": f"strict-{path}"}, **prefer)
    assert ("handling=strict" in answer.headers.get("Preference-Applied", "")) is strict
    if strict:
        assert_problem(answer, 422, "VALIDATION_FAILED")
        assert refused(answer) == [("body", "surprise", "Extra inputs are not permitted")]
    else:
        assert answer.status_code in (200, 202, 404)


PLACES = [
    (),
    ("metadata",),
    ("callback",),
    ("simulate_request",),
    ("simulate_request", "options"),
    ("simulate_request", "options", "suitability_thresholds"),
    ("simulate_request", "options", "min_trade_notional"),
    ("simulate_request", "portfolio_snapshot"),
    ("simulate_request", "portfolio_snapshot", "positions", 1),
    ("simulate_request", "portfolio_snapshot", "positions", 0, "market_value"),
    ("simulate_request", "portfolio_snapshot", "positions", 0, "lots", 0),
    ("simulate_request", "portfolio_snapshot", "positions", 0, "lots", 0, "unit_cost"),
    ("simulate_request", "portfolio_snapshot", "cash_balances", 0),
    ("simulate_request", "market_data_snapshot"),
    ("simulate_request", "market_data_snapshot", "prices", 0),
    ("simulate_request", "market_data_snapshot", "fx_rates", 0),
    ("simulate_request", "shelf_entries", 0),
    ("simulate_request", "shelf_entries", 0, "min_notional"),
    ("simulate_request", "proposed_cash_flows", 0),
    ("simulate_request", "proposed_trades", 0),
    ("simulate_request", "proposed_trades", 0, "notional"),
    ("simulate_request", "reference_model"),
    ("simulate_request", "reference_model", "asset_class_targets", 0),
    ("simulate_request", "reference_model", "instrument_targets", 0),
]


@pytest.mark.parametrize("place", PLACES)
def test_each_level_names_its_unknown_member(place):
    (error,) = unknown_members(with_member(a_body(), place), CreateProposalRequest)
    assert error == {"type": "extra_forbidden", "loc": (*place, "surprise"), "msg": error["msg"]}


PARTS = [("shared",), ("items", 0), ("scenarios", "hold")]
OF_PARTS = [
    (),
    ("options",),
    ("options", "suitability_thresholds"),
    ("options", "group_constraints", "sector:TECH"),
    ("portfolio_snapshot", "positions", 0),
    ("proposed_trades", 0),
]


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("place", OF_PARTS)
def test_each_level_of_a_batch_names_its_unknown_member(part, place):
    """A client's own keys, which name scenarios and groups, are not shown."""
    shown = tuple(step for step in (*part, *place) if step not in ("hold", "sector:TECH"))
    (error,) = unknown_members(with_member(an_analysis(), (*part, *place)), AnalyzeScenariosRequest)
    assert error == {"type": "extra_forbidden", "loc": (*shown, "surprise"), "msg": error["msg"]}


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("place", OF_PARTS)
@pytest.mark.shared
async def test_a_strict_batch_is_refused_whole_for_an_unknown_member(api, part, place):
    body = with_member(an_analysis(), (*part, *place))
    answer = await api.post("/analyze/async", body, **{"Idempotency-Key": "strict"}, **STRICT)
    assert_problem(answer, 422, "VALIDATION_FAILED")
    assert len(refused(answer)) == 1


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.shared
async def test_a_misspelt_option_of_all_runs_is_refused_with_the_nearest_name(api, strict):
    body = with_member(an_analysis(), ("shared", "options"), "enable_proposal_simulations")
    answer = await api.post("/analyze/async", body, **{"Idempotency-Key": "nearest"}, **(STRICT if strict else {}))
    assert_problem(answer, 422, "VALIDATION_FAILED")
    message = "Extra inputs are not permitted: did you mean enable_proposal_simulation?"
    assert refused(answer) == [("body", "shared", "options", "enable_proposal_simulations", message)]


def test_no_object_of_a_body_is_left_out():
    """The places above are all objects of the schema but the values of free maps, which have no place of their own."""
    schema = TypeAdapter(CreateProposalRequest).json_schema()

    def objects(node):
        if "$ref" in node:
            node = schema["$defs"][node["$ref"].rpartition("/")[2]]
        for kind in node.get("anyOf", ()):
            yield from objects(kind)
        if "items" in node:
            yield from ((0, *place) for place in objects(node["items"]))
        if "properties" in node:
            yield ()
            for name, member in node["properties"].items():
                yield from ((name, *place) for place in objects(member))

    tested = {tuple(0 if isinstance(step, int) else step for step in place) for place in PLACES}
    missing = set(objects(schema)) - tested
    assert {place[-1] for place in missing} <= {"dust_trade_threshold"}  # a Money, like its neighbour


@pytest.mark.parametrize("place", [("simulate_request", "shelf_entries", 0, "attributes"), ("callback", "headers")])
def test_free_objects_take_any_name(place):
    assert unknown_members(with_member(a_body(), place), CreateProposalRequest) == []


async def test_reasons_and_details_take_any_name(api, worker):
    proposal_id = (await api.created())["proposal"]["proposal_id"]
    sent = {**TRANSITION, "reason": {"anything": {"goes": [1]}}}
    assert (await api.post(f"/{proposal_id}/transitions", sent, **STRICT)).status_code == 200
    sent = {**APPROVAL, "expected_state": "RISK_REVIEW", "details": {"anything": {"goes": [1]}}}
    assert (await api.post(f"/{proposal_id}/approvals", sent, **STRICT)).status_code == 200


@pytest.mark.parametrize(
    ("place", "name", "suggested"),
    [
        (("simulate_request",), "proposed_trade", "proposed_trades"),
        (("simulate_request",), "proposedTrades", "proposed_trades"),
        (("simulate_request", "options"), "enable_proposal_simulations", "enable_proposal_simulation"),
        ((), "created_By", "created_by"),
        (("metadata",), "quite_another_thing", None),
    ],
)
def test_the_nearest_name_is_suggested(place, name, suggested):
    (error,) = unknown_members(with_member(a_body(), place, name), CreateProposalRequest)
    assert error["msg"] == "Extra inputs are not permitted" + (f": did you mean {suggested}?" if suggested else "")
    assert error["loc"][-1] == name


def test_a_name_that_is_no_name_is_not_said_back():
    body = a_body() | {"John Smith, Zürich": 1}
    body["simulate_request"]["options"]["group_constraints"] = {"client:JOHN": {"max_weight": "0.1", "max_wieght": 1}}
    assert [error["loc"] for error in unknown_members(body, CreateProposalRequest)] == [
        ("simulate_request", "options", "group_constraints", "max_wieght"),
        (),
    ]


def test_no_more_is_looked_for_than_a_reader_reads():
    errors = unknown_members(a_body() | {f"created_by{number}": 0 for number in range(5000)}, CreateProposalRequest)
    assert len(errors) == MAX_ERRORS
    assert sum("did you mean" in error["msg"] for error in errors) == MAX_SUGGESTIONS


@pytest.mark.parametrize("size", [0, 20_000, 300_000])
async def test_bodies_of_all_sizes_are_refused_with_the_same_words(api, size):
    """Read in the event loop, in a thread, in a process of the pool; beside what else is wrong."""
    body = with_member(with_member(a_body(created_by=7), ("metadata",)), ("simulate_request", "proposed_trades", 0))
    answer = await api.http.post(
        f"{P}/async",
        content=json.dumps(body) + " " * size,
        headers={**STRICT, "Idempotency-Key": "k", "Content-Type": "application/json"},
    )
    assert_problem(answer, 422, "VALIDATION_FAILED")
    assert [(item["type"], item["loc"]) for item in answer.json()["detail"]] == [
        ("string_type", ["body", "created_by"]),
        ("extra_forbidden", ["body", "metadata", "surprise"]),
        ("extra_forbidden", ["body", "simulate_request", "proposed_trades", 0, "surprise"]),
    ]


async def test_a_strict_request_that_passes_is_the_lenient_one(api, worker):
    first = await api.submit(a_body(), key="k", **STRICT)
    again = await api.submit(a_body() | {"unknown": 1}, key="k")
    assert (first.status_code, again.status_code) == (202, 202)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert first.json()["operation_id"] == again.json()["operation_id"]
    assert_problem(await api.submit(a_body() | {"unknown": 1}, key="k", **STRICT), 422, "VALIDATION_FAILED")
    made, lenient = [
        (await api.finished(answer.json()["operation_id"]))["result"]["version"]["request_hash"]
        for answer in (first, await api.submit(a_body() | {"unknown": 1}, key="other"))
    ]
    assert made == lenient


async def test_a_refused_request_leaves_its_key_free(api):
    assert (await api.submit(a_body() | {"unknown": 1}, key="k", **STRICT)).status_code == 422
    assert "Idempotent-Replayed" not in (await api.submit(a_body(), key="k")).headers


async def test_a_service_can_be_strict_with_everybody(settings, serve):
    async with serve(settings.model_copy(update={"strict_requests": True})) as strict:
        for prefer in ({}, {"Prefer": "handling=lenient"}):
            answer = await strict.submit(a_body() | {"surprise": 1}, **prefer)
            assert refused(answer) == [("body", "surprise", "Extra inputs are not permitted")]
            assert "Preference-Applied" not in answer.headers
        assert (await strict.submit(a_body(), **STRICT)).status_code == 202


@pytest.mark.parametrize(
    ("prefer", "respond_async", "wait", "strict"),
    [
        ("handling=strict", False, None, True),
        ("Handling = Strict", False, None, True),
        ('handling="strict"', False, None, True),
        ("handling=strict; a=b; c", False, None, True),
        ("wait=5, handling=strict, respond-async", True, 5.0, True),
        ('respond-async;x="a, handling=strict", wait="7"', True, 7.0, False),
        ("x; wait=5; respond-async; handling=strict", False, None, False),
        ("handling=lenient, handling=strict", False, None, False),
        ("handling=strict, handling=lenient", False, None, True),
        ("handling", False, None, False),
        ("wait=1.5, wait=2", False, None, False),
        ("wait=-1", False, None, False),
        (',, ;, =, "', False, None, False),
        ("", False, None, False),
        (None, False, None, False),
    ],
)
def test_preferences_are_a_list_with_parameters(prefer, respond_async, wait, strict):
    read = preferences(prefer)
    assert (read.respond_async, read.wait_seconds, read.is_strict) == (respond_async, wait, strict)


@pytest.mark.parametrize("hostile", ['"' * 60_000, "a=" * 30_000, '"\\' * 30_000, "a;" * 30_000, " " * 60_000])
@pytest.mark.timeout(20)
def test_no_preference_takes_long_to_read(hostile):
    preferences(hostile)


async def test_preferences_in_several_lines_and_in_one(api):
    headers = [("Prefer", "respond-async"), ("Prefer", "wait=0; x=y"), ("Prefer", "handling=strict; z")]
    sent = [*headers, ("Idempotency-Key", "k"), ("Content-Type", "application/json")]
    answer = await api.http.post(P, content=json.dumps(a_body()), headers=sent)
    assert (answer.status_code, answer.headers["Preference-Applied"]) == (202, "respond-async, handling=strict")
    read = await api.http.get(answer.headers["Location"], headers={"Prefer": "wait=1, handling=strict"})
    assert read.headers["Preference-Applied"] == "wait=1, handling=strict"
    unread = await api.http.post(P, content="{}", headers=[*headers, ("Content-Type", "text/plain")])
    assert unread.status_code == 415


IN_PATHS = {
    "proposal_id": "pp_0",
    "operation_id": "x",
    "correlation_id": "x",
    "version_no": 1,
    "idempotency_key": "k",
    "run_no": 0,
}


@pytest.mark.shared
async def test_an_unknown_parameter_is_refused_on_every_endpoint(api):
    document = (await api.http.get("/openapi.json")).json()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            address = path.format_map(IN_PATHS)
            body = BODIES.get(address.removeprefix(P), {} if "requestBody" in operation else None)
            answer = await api.http.request(method, address, params={"suprise": "JOHN"}, json=body)
            if path.startswith(GUARDED_PREFIX):
                assert_problem(answer, 422, "VALIDATION_FAILED")
                assert ("query", "suprise", "Extra inputs are not permitted") in refused(answer), path
                assert "JOHN" not in answer.text
            else:
                assert answer.status_code == 200, path


@pytest.mark.shared
@pytest.mark.parametrize(
    ("query", "errors"),
    [
        ("staet=DRAFT", [("extra_forbidden", "staet", "did you mean state?")]),
        ("limit=5&cursr=x", [("extra_forbidden", "cursr", "did you mean cursor?")]),
        ("a+b=1", [("extra_forbidden", None, "not permitted")]),
        ("limit=5&limit=6", [("repeated", "limit", "once")]),
        ("limit=5&limit=5", []),
        ("created_by=a&created_by=b", [("repeated", "created_by", "once")]),
        ("portfolio_id=a&portfolio_id=b&x", [("repeated", "portfolio_id", ""), ("extra_forbidden", "x", "")]),
        ("order=newest&order=waiting", [("repeated", "order", "once")]),
        ("limit=x&staet=y", [("int_parsing", "limit", ""), ("extra_forbidden", "staet", "")]),
        ("state=DRAFT&state=RISK_REVIEW", []),
    ],
)
async def test_a_query_says_what_it_means(api, query, errors):
    answer = await api.http.get(f"{P}?{query}")
    assert answer.status_code == (422 if errors else 200)
    listed = answer.json().get("detail", [])
    assert len(listed) == len(errors)
    for item, (kind, name, message) in zip(listed, errors, strict=True):
        assert (item["type"], item["loc"]) == (kind, ["query"] if name is None else ["query", name])
        assert message in item["msg"]


@pytest.mark.shared
@pytest.mark.parametrize("query", ["status=FAILED&status=DONE", "status=DONE&status=NEVER", "operation_type=x"])
async def test_one_of_several_values_that_is_none(api, query):
    answer = await api.http.get(f"{P}/operations?{query}")
    assert_problem(answer, 422, "VALIDATION_FAILED")
    assert [item["loc"] for item in answer.json()["detail"]] == [["query", query.partition("=")[0]]]


@pytest.mark.shared
@pytest.mark.timeout(30)
async def test_many_unknown_parameters_cost_no_more_than_one(api):
    query = "&".join(f"statu{number}=1" for number in range(5000))
    answer = await api.http.get(f"{P}/operations?{query}")
    assert len(answer.json()["detail"]) == MAX_ERRORS


async def test_who_may_not_learns_nothing_of_parameters(secured):
    assert_problem(await secured.get("", staet="DRAFT"), 401, "UNAUTHENTICATED")
