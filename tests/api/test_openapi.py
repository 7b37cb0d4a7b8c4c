import json
import re
import tomllib
from copy import deepcopy
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr

from api.app import create_app
from api.http.enum_words import WORDS
from api.http.error_catalogue import CATALOGUE
from api.http.schemas import names_in, referred_names, schemas_in
from domain.access import Scope
from domain.lifecycle import TRANSITIONS
from domain.options import EngineOptions
from runtime.settings import Settings

ROOT = Path(__file__).parents[2]
WHO = {"401", "403"}
SUBMISSION = {*WHO, "202", "404", "408", "409", "413", "415", "422", "429", "500", "503"}
SIMULATION = {*WHO, "200", "408", "409", "413", "415", "422", "500", "503"}


@pytest.fixture(scope="module")
def document() -> dict:
    return create_app(Settings(database_url=SecretStr("postgresql://x"))).openapi()


def operations(document):
    return [
        (f"{method.upper()} {path}", operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def test_every_endpoint_is_described_with_every_status_it_can_answer(document):
    found = {name: set(operation["responses"]) for name, operation in operations(document)}
    async_read = {*WHO, "200", "304", "404", "410", "422", "500", "503"}
    control = {*WHO, "202", "404", "409", "410", "422", "500", "503"}
    read = {*WHO, "200", "404", "422", "500", "503"}
    prefix = "/rebalance/proposals"
    assert found == {
        f"POST {prefix}/simulate": SIMULATION,
        f"POST {prefix}/artifact": SIMULATION,
        f"POST {prefix}/simulate/async": SUBMISSION,
        f"POST {prefix}/artifact/async": SUBMISSION,
        f"POST {prefix}": {*SUBMISSION, "200", "500", "504"},
        f"GET {prefix}": read,
        f"POST {prefix}/{{proposal_id}}/versions": {*SUBMISSION, "200", "500", "504"},
        f"POST {prefix}/{{proposal_id}}/versions/async": SUBMISSION,
        f"GET {prefix}/{{proposal_id}}/versions/{{version_no}}": read,
        f"GET {prefix}/{{proposal_id}}/versions/{{version_no}}/artifact": {*read, "304", "406"},
        f"POST {prefix}/{{proposal_id}}/transitions": {*SUBMISSION, "200"} - {"202", "429"},
        f"POST {prefix}/{{proposal_id}}/approvals": {*SUBMISSION, "200"} - {"202", "429"},
        f"GET {prefix}/{{proposal_id}}/approvals": read,
        f"GET {prefix}/{{proposal_id}}/workflow-events": read,
        f"GET {prefix}/{{proposal_id}}/lineage": read,
        f"GET {prefix}/idempotency/{{idempotency_key}}": read,
        f"GET {prefix}/supportability/config": {"200", "422", "500"},
        f"POST {prefix}/async": SUBMISSION,
        f"GET {prefix}/{{proposal_id}}": read,
        f"GET {prefix}/operations/{{operation_id}}": async_read,
        f"GET {prefix}/operations/by-correlation/{{correlation_id}}": async_read,
        f"GET {prefix}/operations": read,
        f"POST {prefix}/analyze/async": SUBMISSION,
        f"GET {prefix}/operations/{{operation_id}}/runs": {*async_read, "406"},
        f"GET {prefix}/operations/{{operation_id}}/runs/{{run_no}}": async_read,
        f"POST {prefix}/operations/{{operation_id}}/cancel": control,
        f"POST {prefix}/operations/{{operation_id}}/retry": {*control, "429"},
        f"GET {prefix}/operations/{{operation_id}}/callbacks": {*read, "410"},
        f"POST {prefix}/operations/{{operation_id}}/callbacks/redeliver": {
            *(*WHO, "202", "404", "409", "410", "422", "429", "500", "503")
        },
        "GET /health/live": {"200", "422", "500"},
        "GET /health/ready": {"200", "422", "500", "503"},
    }
    for name, operation in operations(document):
        assert operation["summary"], name
        assert operation["description"], name
        said = [response["description"] for response in operation["responses"].values()]
        assert all(said), name
        assert "Successful Response" not in said, name


def test_every_error_is_documented_as_a_problem(document):
    for name, operation in operations(document):
        for status, response in operation["responses"].items():
            if int(status) >= 400 and not name.startswith("GET /health/ready"):
                content = {kind: media["schema"]["$ref"].split("/")[-1] for kind, media in response["content"].items()}
                problem = "ExpiredOperationProblem" if status == "410" else "Problem"
                has_list = status == "422" and not name.startswith("GET /health/")
                lists = {"application/json": "ValidationProblem"} if has_list else {}
                assert content == {"application/problem+json": problem, **lists}, (name, status)


def test_the_codes_of_the_document_are_those_of_the_catalogue(document):
    schemas = document["components"]["schemas"]
    assert schemas["ProblemCode"]["enum"] == list(CATALOGUE)
    reference = "#/components/schemas/ProblemCode"
    for schema, member in (("Problem", "code"), ("ExpiredOperationProblem", "code"), ("OperationErrorBody", "problem")):
        assert schemas[schema]["properties"][member]["$ref"] == reference
    assert schemas["Problem"]["properties"]["detail"]["type"] == "string"
    assert schemas["ValidationProblem"]["properties"]["detail"]["type"] == "array"
    assert schemas["ValidationProblem"]["properties"]["code"]["const"] == "VALIDATION_FAILED"


def test_every_parameter_and_every_field_is_described_with_an_example(document):
    missing = [
        f"{name}: {parameter['name']}"
        for name, operation in operations(document)
        for parameter in operation.get("parameters", [])
        if not parameter.get("description")
    ]
    for name, schema in document["components"]["schemas"].items():
        for field, described in schema.get("properties", {}).items():
            is_whole = "$ref" in described or "anyOf" in described or described.get("type") in ("object", "array")
            if not described.get("description") and "$ref" not in described:
                missing.append(f"{name}.{field} description")
            if not is_whole and "examples" not in described and "const" not in described:
                missing.append(f"{name}.{field} example")
    assert missing == []


def test_a_description_says_more_than_the_name_of_its_field(document):
    """Unit, range, whose it is, or when it is null: three words say none of these."""
    short = [
        f"{name}.{field}: {described['description']}"
        for name, schema in components(document).items()
        for field, described in schema.get("properties", {}).items()
        if "description" in described and len(described["description"].split()) < 4
    ]
    assert short == []


def test_every_value_that_a_client_can_choose_has_a_phrase(document):
    schemas = components(document)
    for name, words in WORDS.items():
        assert set(words) == set(schemas[name]["enum"]), name
        assert all(f"`{value}`: {meaning}." in schemas[name]["description"] for value, meaning in words.items())
    asked = [
        *(
            parameter["schema"]
            for _, operation in operations(document)
            for parameter in operation.get("parameters", [])
        ),
        *(
            media["schema"]
            for _, operation in operations(document)
            for media in operation.get("requestBody", {}).get("content", {}).values()
        ),
    ]
    chosen = referred_names(schemas, [name for schema in asked for name in names_in(schema)])
    assert {name for name in chosen if "enum" in schemas[name]} <= set(WORDS)


def test_the_version_is_that_of_the_package(document):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert document["info"]["version"] == project["version"]


def described_schemas(document):
    """Every schema in the document with the name of its component, or of its operation."""
    yield from ((name, part) for name, whole in components(document).items() for part in schemas_in(whole))
    for name, operation in operations(document):
        for parameter in operation.get("parameters", []):
            yield from ((name, part) for part in schemas_in(parameter["schema"]))
        for response in operation["responses"].values():
            for content in response.get("content", {}).values():
                yield from ((name, part) for part in schemas_in(content["schema"]))


def components(document):
    return document["components"]["schemas"]


def test_an_operation_is_called_what_its_function_is_called(document):
    names = [operation["operationId"] for _, operation in operations(document)]
    assert len(set(names)) == len(names)
    assert {"create_proposal", "submit_proposal", "read_operation", "record_transition", "live"} <= set(names)
    assert max(map(len, names)) <= 30


def test_the_document_says_whose_it_is_and_what_its_parts_are(document):
    assert document["servers"]
    assert document["info"]["license"] == {"name": "Apache License 2.0", "identifier": "Apache-2.0"}
    assert document["info"]["contact"]["name"]
    described = {tag["name"]: tag["description"] for tag in document["tags"]}
    webhooks = [hook["post"] for hook in document["webhooks"].values()]
    used = {tag for operation in [*dict(operations(document)).values(), *webhooks] for tag in operation["tags"]}
    assert set(described) == used
    assert all(sentence.endswith(".") for sentence in described.values())


def test_no_schema_has_a_title_which_would_name_a_class_or_hide_one(document):
    assert [name for name, schema in described_schemas(document) if "title" in schema] == []


def test_every_reference_leads_somewhere_and_every_schema_is_referred_to(document):
    told = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(document)))
    assert told == set(components(document))


def test_every_choice_of_values_has_a_name(document):
    names = [name for name, schema in components(document).items() if "enum" in schema]
    assert {"ProposalState", "OperationStatus", "ShelfStatus", "TradeSide"} <= set(names)
    unnamed = [
        (name, schema["enum"])
        for name, schema in described_schemas(document)
        if "enum" in schema and schema is not components(document).get(name)
    ]
    assert unnamed == []


def test_a_client_may_send_every_event_of_a_request_and_no_other_one_can_succeed(document):
    request = components(document)["TransitionRequest"]["properties"]["event_type"]
    assert names_in(request) == ["TransitionEvent"]
    assert set(components(document)["TransitionEvent"]["enum"]) == {event for _, event in TRANSITIONS}
    assert "CREATED" in components(document)["EventType"]["enum"]


def test_no_decimal_is_a_number(document):
    numbers = [name for name, schema in described_schemas(document) if "number" in str(schema.get("type"))]
    assert set(numbers) <= {name for name, _ in operations(document)}  # a wait is seconds, in the query
    assert components(document)["DecimalInput"]["type"] == ["string", "integer"]
    sent = components(document)["Money"]["properties"]["amount"]
    assert names_in(sent) == ["DecimalInput"]
    shown = components(document)["EvidenceMoney"]["properties"]["amount"]
    assert shown["type"] == components(document)["MoneyText"]["properties"]["amount"]["type"] == "string"
    pending = components(document)["EvidenceCashBalance"]["properties"]["pending"]["anyOf"]
    assert [choice["type"] for choice in pending] == ["string", "null"]


def test_no_answer_holds_what_only_requests_may_hold(document):
    answers = [
        name
        for _, operation in operations(document)
        for response in operation["responses"].values()
        for content in response.get("content", {}).values()
        for name in names_in(content["schema"])
    ]
    assert "DecimalInput" not in referred_names(components(document), answers)


def test_every_time_is_a_date_time(document):
    times = [
        (f"{name}.{field}", schema)
        for name, whole in components(document).items()
        for field, schema in whole.get("properties", {}).items()
        if field.endswith("_at") or field in ("timestamp", "at")
    ]
    assert len(times) > 20
    for place, schema in times:
        assert "date-time" in [part.get("format") for part in schemas_in(schema)], place


def test_an_option_is_deprecated_when_advice_does_not_read_it(document):
    """Word by word: the engine names every option that it reads."""
    engine = (
        "".join(
            path.read_text()
            for path in (ROOT / "domain").rglob("*.py")
            if path.name not in ("options.py", "request_size.py")
        )
        + (ROOT / "services" / "prepared_request.py").read_text()
    )
    options = components(document)["EngineOptions"]["properties"]
    of_one_value = {"funding_mode", "fx_generation_policy"}
    unread = {name for name in EngineOptions.model_fields if not re.search(rf"\b{name}\b", engine)} - of_one_value
    assert {name for name, option in options.items() if option.get("deprecated")} == unread


def test_names_that_look_alike_are_apart(document):
    assert "SimulationRequest" not in components(document)
    assert {"SimulateRequest", "SimulationInput"} <= set(components(document))
    assert {"Lineage"}.isdisjoint(components(document))


def test_the_message_to_receivers_is_a_webhook_of_the_document_and_a_callback_of_each_create(document):
    (hook,) = [hook["post"] for hook in document["webhooks"].values()]
    assert names_in(hook["requestBody"]["content"]["application/json"]["schema"]) == ["CallbackMessage"]
    assert hook["security"] == []


def test_no_default_validation_schema_is_left(document):
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_every_operation_names_its_scopes_whether_the_service_asks_for_tokens_or_not(document):
    for name, operation in operations(document):
        needed = [scope for choice in operation["security"] for scope in choice["oauth2"]]
        is_open = name.partition(" ")[2].startswith("/health") or name.endswith("/supportability/config")
        assert (needed == []) is is_open, name
        assert (operation["security"] == []) is is_open, name
        if not is_open:
            assert all(f"`{scope}`" in operation["responses"]["403"]["description"] for scope in needed), name
            assert "WWW-Authenticate" in operation["responses"]["401"]["headers"], name


def test_where_tokens_are_asked_for_the_document_also_has_the_entry_of_one_and_is_the_same_otherwise(document):
    issuer = {"auth_issuer": "i", "auth_audience": "a", "auth_jwks_url": "https://i.example/keys"}
    told = deepcopy(create_app(Settings(auth_mode="jwt", **issuer)).openapi())
    scheme = told["components"]["securitySchemes"].pop("bearer")
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    for _, operation in operations(told):
        both = operation["security"]
        operation["security"] = [choice for choice in both if "bearer" not in choice]
        assert [{"oauth2": choice["bearer"]} for choice in both if "bearer" in choice] == operation["security"]
    assert told == document


def test_the_security_scheme_describes_each_scope_and_where_tokens_come_from(document):
    (scheme,) = document["components"]["securitySchemes"].values()
    assert scheme["type"] == "oauth2"
    flow = scheme["flows"]["clientCredentials"]
    assert set(flow["scopes"]) == set(Scope)
    assert all(flow["scopes"].values())
    assert urlsplit(flow["tokenUrl"]).hostname == "issuer.example"  # of no one, so that no secret is sent to it
    address = "https://login.bank.example/token"
    told = create_app(Settings(auth_token_url=address)).openapi()
    assert told["components"]["securitySchemes"]["oauth2"]["flows"]["clientCredentials"]["tokenUrl"] == address


async def test_the_docs_page_asks_nobody_outside(api):
    page = (await api.http.get("/docs")).text
    assert re.findall(r"https?://[^\s\"']+", page) == []
    for asset in re.findall(r'(?:src|href)="([^"]+)"', page):
        assert (await api.http.get(asset)).status_code == 200, asset
    assert (await api.http.get("/openapi.json")).status_code == 200
