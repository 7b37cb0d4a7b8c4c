import re
import tomllib
from pathlib import Path

import pytest
from pydantic import SecretStr

from api.app import create_app
from runtime.settings import Settings

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


def test_the_version_is_that_of_the_package(document):
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert document["info"]["version"] == project["version"]


def test_no_default_validation_schema_is_left(document):
    assert "HTTPValidationError" not in document["components"]["schemas"]


SECURED = Settings(auth_mode="jwt", auth_issuer="i", auth_audience="a", auth_jwks_url="https://i.example/keys")


def test_without_authentication_no_security_is_asked_for(document):
    assert "securitySchemes" not in document["components"]
    assert not any("security" in operation for _, operation in operations(document))


def test_with_authentication_every_endpoint_names_its_scopes():
    secured = create_app(SECURED).openapi()
    assert secured["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    for name, operation in operations(secured):
        needed = [scope for choice in operation.get("security", []) for scope in choice["bearer"]]
        is_open = name.partition(" ")[2].startswith("/health") or name.endswith("/supportability/config")
        assert (needed == []) is is_open, name
        if not is_open:
            assert all(f"`{scope}`" in operation["responses"]["403"]["description"] for scope in needed), name
            assert "WWW-Authenticate" in operation["responses"]["401"]["headers"], name


async def test_the_docs_page_asks_nobody_outside(api):
    page = (await api.http.get("/docs")).text
    assert re.findall(r"https?://[^\s\"']+", page) == []
    for asset in re.findall(r'(?:src|href)="([^"]+)"', page):
        assert (await api.http.get(asset)).status_code == 200, asset
    assert (await api.http.get("/openapi.json")).status_code == 200
