import re

import pytest
from pydantic import SecretStr

from api.app import create_app
from runtime.settings import Settings

SUBMISSION = {"202", "404", "408", "409", "413", "415", "422", "500", "503"}


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
    async_read = {"200", "304", "404", "410", "422", "500", "503"}
    control = {"202", "404", "409", "410", "422", "500", "503"}
    read = {"200", "404", "422", "500", "503"}
    prefix = "/rebalance/proposals"
    assert found == {
        f"POST {prefix}/simulate": {"200", "408", "409", "413", "415", "422", "500", "503"},
        f"POST {prefix}/artifact": {"200", "408", "409", "413", "415", "422", "500", "503"},
        f"POST {prefix}": {*SUBMISSION, "200", "500", "504"},
        f"GET {prefix}": {"200", "404", "422", "500", "503"},
        f"POST {prefix}/{{proposal_id}}/versions": {*SUBMISSION, "200", "500", "504"},
        f"POST {prefix}/{{proposal_id}}/versions/async": SUBMISSION,
        f"GET {prefix}/{{proposal_id}}/versions/{{version_no}}": read,
        f"GET {prefix}/{{proposal_id}}/versions/{{version_no}}/artifact": {*read, "304", "406"},
        f"POST {prefix}/{{proposal_id}}/transitions": {*SUBMISSION, "200"} - {"202"},
        f"POST {prefix}/{{proposal_id}}/approvals": {*SUBMISSION, "200"} - {"202"},
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
        f"POST {prefix}/operations/{{operation_id}}/cancel": control,
        f"POST {prefix}/operations/{{operation_id}}/retry": control,
        f"GET {prefix}/operations/{{operation_id}}/callbacks": {*read, "410"},
        f"POST {prefix}/operations/{{operation_id}}/callbacks/redeliver": {
            *("202", "404", "409", "410", "422", "429", "500", "503")
        },
        "GET /health/live": {"200", "422", "500"},
        "GET /health/ready": {"200", "422", "500", "503"},
    }
    for name, operation in operations(document):
        assert operation["summary"], name
        assert operation["description"], name
        assert all(response["description"] for response in operation["responses"].values()), name


def test_every_error_is_documented_as_a_problem(document):
    for name, operation in operations(document):
        for status, response in operation["responses"].items():
            if int(status) >= 400 and not name.startswith("GET /health/ready"):
                assert list(response["content"]) == ["application/problem+json"], (name, status)
                assert response["content"]["application/problem+json"]["schema"]["$ref"].endswith("Problem")


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


def test_no_default_validation_schema_is_left(document):
    assert "HTTPValidationError" not in document["components"]["schemas"]


async def test_the_docs_page_asks_nobody_outside(api):
    page = (await api.http.get("/docs")).text
    assert re.findall(r"https?://[^\s\"']+", page) == []
    for asset in re.findall(r'(?:src|href)="([^"]+)"', page):
        assert (await api.http.get(asset)).status_code == 200, asset
    assert (await api.http.get("/openapi.json")).status_code == 200
