"""Examples for the OpenAPI document: given ones of bodies, and whole answers put together of their fields' examples."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from fastapi import Response
from pydantic import BaseModel

from api.http.http_errors import VALIDATION_FAILED
from api.http.problem_schemas import ExpiredOperationProblem, ValidationProblem
from api.http.problems import PROBLEM_TYPE, problem_response, validation_problem
from api.http.schemas import PREFIX, Schema, names_in

REMOVED: Final = object()  # in changes: the member is left out
REFERENCE: Final = "#/components/examples/{name}"
CODE: Final = re.compile(r"`([A-Z][A-Z_]+)(?:: ([^`]*))?`")
SCOPE: Final[Mapping[str, Any]] = {
    "raw_path": b"/rebalance/proposals",
    "state": {"correlation_id": "corr_5f1d0c9a7be2"},
}
NAMES_PROBLEMS: Final[Mapping[str, Any]] = {**SCOPE, "headers": [(b"accept", PROBLEM_TYPE.encode())]}
REVIEW: Final = {"current_state": "DRAFT", "allowed_events": ["SUBMITTED_FOR_RISK_REVIEW", "CANCELLED"]}
MEMBERS: Final[Mapping[str, Mapping[str, Any]]] = {
    **dict.fromkeys(("INVALID_TRANSITION", "INVALID_APPROVAL_STATE", "STATE_CONFLICT"), REVIEW),
    "INSUFFICIENT_SCOPE": {"required_scopes": ["proposals:read"]},
}
INVALID: Final = {"type": "missing", "loc": ("body", "created_by"), "msg": "Field required"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Examples:
    """`bodies` are by model and name, `documents` by schema; `changes`, by operationId and status, are laid over."""

    bodies: Mapping[type[BaseModel], Mapping[str, Any]]
    documents: Callable[[], Mapping[str, Any]]
    changes: Mapping[tuple[str, str], Mapping[str, Any]]


class ExampleMaker:
    """Makes the examples of one document; an example of several operations is in its components once."""

    def __init__(self, schemas: Mapping[str, Schema], examples: Examples) -> None:
        self._schemas = schemas
        self._examples = examples
        self._documents = examples.documents()
        self.components: dict[str, Any] = {}

    def add_to_body(self, body: dict[str, Any], model: type[BaseModel]) -> None:
        given = self._examples.bodies.get(model)
        if given is None:
            self.add_to_message(body)
            return
        named = {name: self._shared(f"{model.__name__}.{name}", value) for name, value in given.items()}
        body["content"]["application/json"]["examples"] = named

    def add_to_message(self, body: dict[str, Any]) -> None:
        for content in body["content"].values():
            (name,) = names_in(content["schema"])
            content["examples"] = {"whole": self._shared(name, self._whole(content["schema"]))}

    def add_to_response(self, operation_id: str, status: str, response: dict[str, Any]) -> None:
        for media_type, content in response.get("content", {}).items():
            if media_type.endswith("json") and "examples" not in content:
                names = names_in(content["schema"])
                if any(name.endswith("Problem") for name in names):
                    content["examples"] = dict(self._problems(int(status), response["description"], names))
                else:
                    content["examples"] = {"whole": self._answer(operation_id, status, content["schema"])}

    def _answer(self, operation_id: str, status: str, schema: Schema) -> dict[str, str]:
        changes = self._examples.changes.get((operation_id, status))
        whole = self._whole(schema)
        if changes is None:
            return self._shared(names_in(schema)[0], whole)
        return self._shared(f"{operation_id}.{status}", _changed(whole, changes))

    def _problems(self, status: int, description: str, names: list[str]) -> Iterator[tuple[str, dict[str, str]]]:
        """One of each code that the description names; of the status, where it names none."""
        if ValidationProblem.__name__ in names:
            yield VALIDATION_FAILED, self._shared(VALIDATION_FAILED, _body(validation_problem(SCOPE, [INVALID])))
            return
        codes = CODE.findall(description) or [(HTTPStatus(status).phrase.upper().replace(" ", "_"), "")]
        for code, text in codes:
            members = MEMBERS.get(code)
            if ExpiredOperationProblem.__name__ in names:
                members = {"operation": self._whole(self._schemas["ExpiredOperation"])}
            detail = f"{code}: {text}" if text else code
            made = problem_response(SCOPE, status=status, code=code, detail=detail, members=members)
            if code == VALIDATION_FAILED:
                made = validation_problem(NAMES_PROBLEMS, [INVALID])
            yield code, self._shared(f"{code}.{status}", _body(made))

    def _shared(self, name: str, value: Any) -> dict[str, str]:
        self.components[name] = {"value": value}
        return {"$ref": REFERENCE.format(name=name)}

    def _whole(self, schema: Schema) -> Any:
        """Of an object or a list, all of it; of anything else, its first example."""
        name = schema.get("$ref", "").removeprefix(PREFIX)
        target = self._schemas.get(name, {})
        examples = schema.get("examples") or target.get("examples") or target.get("enum") or [schema.get("const", {})]
        if name in self._documents:
            return self._documents[name]
        if "properties" in target:
            return self._whole(target)
        if "properties" in schema:
            return {member: self._whole(part) for member, part in schema["properties"].items()}
        if "anyOf" in schema and "examples" not in schema:
            return self._whole(schema["anyOf"][0])
        if schema.get("type") == "array" and not examples[0]:
            return [self._whole(schema["items"])]
        return examples[0]


def _body(response: Response) -> Any:
    return json.loads(bytes(response.body))


def _changed(value: Any, changes: Any) -> Any:
    """The value with the members that `changes` has, at every level."""
    if isinstance(value, dict) and isinstance(changes, Mapping):
        changed = {name: _changed(value.get(name), change) for name, change in changes.items()}
        return {name: member for name, member in (value | changed).items() if member is not REMOVED}
    if isinstance(value, list) and isinstance(changes, list):
        return [_changed(item, change) for item, change in zip(value, changes, strict=True)]
    return changes
