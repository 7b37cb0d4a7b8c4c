"""The examples of the OpenAPI document: valid, whole, and those of bodies accepted by a running service."""

import json
import uuid

import jsonschema
import pytest
from builders import a_body
from openapi_document import DOCUMENT
from receiver import SETTINGS

from api.http.openapi import _operations
from api.http.schemas import names_in, schemas_in

PREFIX = "/rebalance/proposals"
COMPONENTS = DOCUMENT["components"]


def shown(content):
    """The examples of a media type by their names."""
    return {
        name: COMPONENTS["examples"][example["$ref"].rpartition("/")[2]]["value"]
        for name, example in content.get("examples", {}).items()
    }


def contents():
    for operation in _operations(DOCUMENT):
        described = {"request": operation.get("requestBody", {}), **operation["responses"]}
        for place, part in described.items():
            for media_type, content in part.get("content", {}).items():
                yield f"{operation['operationId']} {place} {media_type}", content


def bodies():
    return [
        (path, name, body)
        for path, methods in DOCUMENT["paths"].items()
        for operation in methods.values()
        if "requestBody" in operation
        for name, body in shown(operation["requestBody"]["content"]["application/json"]).items()
    ]


def errors_of(value, schema):
    validator = jsonschema.Draft202012Validator(
        {**schema, "components": COMPONENTS}, format_checker=jsonschema.FormatChecker()
    )
    return [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(value)]


def test_every_body_and_every_answer_has_an_example():
    without = [place for place, content in contents() if not content.get("examples")]
    assert [place for place in without if place.endswith("json")] == []


def test_every_example_is_valid():
    assert len(COMPONENTS["examples"]) > 60
    wrong = {
        f"{place} {name}": found
        for place, content in contents()
        for name, value in shown(content).items()
        if (found := errors_of(value, content["schema"]))
    }
    assert wrong == {}


@pytest.mark.parametrize("name", ["AsyncStatus", "CreateResponse", "ProposalDetailResponse", "ProposalArtifact"])
def test_an_answers_example_is_whole(name):
    """Every member of the schema, down to the engine's documents."""
    example = COMPONENTS["examples"][name]["value"]
    assert set(example) == set(COMPONENTS["schemas"][name]["properties"])
    assert {"TRADE", "BUY"} - set(json.dumps(example).replace("_", '"').split('"')) == set()


def test_each_body_is_shown_small_and_in_full_and_the_first_asks_for_no_callback():
    for operation in _operations(DOCUMENT):
        for content in operation.get("requestBody", {}).get("content", {}).values():
            (name,) = names_in(content["schema"])
            if name != "CallbackMessage":
                minimal, full = shown(content).values()
                assert list(shown(content)) == ["minimal", "full"]
                assert "callback" not in json.dumps(minimal)
                assert len(json.dumps(minimal)) < len(json.dumps(full))
                assert unshown(full, content["schema"]) == [], name
    assert "examples" not in COMPONENTS["schemas"]["CreateProposalRequest"]["properties"]["callback"]


def unshown(value, schema, place="$"):
    """The members that the example of an object leaves out, at any level, without those that are deprecated."""
    objects = [COMPONENTS["schemas"][name] for name in names_in(schema)]
    missing = []
    for described in [part for whole in objects for part in schemas_in(whole) if "properties" in part]:
        for member, inner in described["properties"].items():
            values = [item[member] for item in listed(value) if isinstance(item, dict) and member in item]
            if isinstance(inner.get("additionalProperties"), dict):
                values = [each for named in values for each in named.values()]
            if values:
                missing += unshown([each for item in values for each in listed(item)], inner, f"{place}.{member}")
            elif not inner.get("deprecated"):
                missing.append(f"{place}.{member}")
    return missing


def listed(value):
    return value if isinstance(value, list) else [value]


@pytest.mark.parametrize("path", sorted({path for path, _, _ in bodies()}))
async def test_a_service_accepts_the_bodies_of(path, serve, settings, temporal_client, worker):
    async with serve(settings.model_copy(update=SETTINGS)) as api:
        for of_path, name, body in bodies():
            if of_path == path:
                proposal_id = await a_proposal(api, path)
                answer = await api.http.post(
                    path.format(proposal_id=proposal_id), json=body, headers={"Idempotency-Key": uuid.uuid4().hex}
                )
                assert answer.status_code in (200, 202), (name, answer.text)
                responses = DOCUMENT["paths"][path]["post"]["responses"]
                schema = responses[str(answer.status_code)]["content"]["application/json"]["schema"]
                assert errors_of(answer.json(), schema) == []


async def a_proposal(api, path):
    """A proposal in the state that the examples are about; None where the path names none."""
    if "{proposal_id}" not in path:
        return None
    proposal_id = (await api.created(a_body()))["proposal"]["proposal_id"]
    if path.endswith("/approvals"):
        review = {"event_type": "SUBMITTED_FOR_RISK_REVIEW", "actor_id": "a", "expected_state": "DRAFT"}
        assert (await api.post(f"/{proposal_id}/transitions", review)).status_code == 200
    return proposal_id
