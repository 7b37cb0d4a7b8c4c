"""The OpenAPI document, with errors under the media type that they are sent with, and who may call what."""

from collections.abc import Sequence
from typing import Any, Final

from fastapi import FastAPI
from fastapi.routing import APIRoute

from api.access import ACCESS, GuardedRoute
from api.problems import PROBLEM_TYPE, problems
from api.schemas.problems import ExpiredOperationProblem, Problem

PROBLEM: Final = f"#/components/schemas/{Problem.__name__}"
PROBLEM_REFERENCES = {f"#/components/schemas/{model.__name__}" for model in (Problem, ExpiredOperationProblem)}

SECURITY_SCHEME: Final = "bearer"


def describe(app: FastAPI, routes: Sequence[APIRoute], *, is_authenticated: bool) -> None:
    """FastAPI documents a response's model as application/json, whatever else is said; this says it right.

    Guarded routes get their 401 and 403, and their scopes when callers have to say who they are.
    """
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = generate()
            _describe_access(document, routes, is_authenticated=is_authenticated)
            for methods in document["paths"].values():
                for operation in methods.values():
                    for response in operation["responses"].values():
                        _move_problem(response)
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to change the document


def _move_problem(response: dict[str, Any]) -> None:
    content = response.get("content", {})
    schema = content.get("application/json", {}).get("schema", {})
    if schema.get("$ref") in PROBLEM_REFERENCES:
        response["content"] = {PROBLEM_TYPE: content["application/json"]}


def _describe_access(document: dict[str, Any], routes: Sequence[APIRoute], *, is_authenticated: bool) -> None:
    if is_authenticated:
        document["components"]["securitySchemes"] = {
            SECURITY_SCHEME: {
                "type": "http",
                "scheme": "bearer",
                "bearerFormat": "JWT",
                "description": "An OAuth 2.0 access token (RFC 9068) of this service's issuer, for its audience.",
            }
        }
    for route in routes:
        scopes = sorted(ACCESS.get(route.endpoint.__name__, ())) if isinstance(route, GuardedRoute) else []
        for method in (route.methods or ()) if scopes and route.include_in_schema else ():
            operation = document["paths"][route.path_format][method.lower()]
            _describe_refusals(operation, scopes)
            if is_authenticated:
                # One of several is enough; which one, a review's event or decision tells.
                operation["security"] = [{SECURITY_SCHEME: [scope]} for scope in scopes]


def _describe_refusals(operation: dict[str, Any], scopes: Sequence[str]) -> None:
    needed = " or ".join(f"`{scope}`" for scope in scopes)
    described = {
        401: "`UNAUTHENTICATED` with the reason; only with `PROPOSAL_AUTH_MODE=jwt`",
        403: f"`INSUFFICIENT_SCOPE` for a token without {needed}; only with `PROPOSAL_AUTH_MODE=jwt`",
    }
    for status, response in problems(statuses=tuple(described)).items():
        documented = operation["responses"].get(str(status), {})
        own = documented.get("description", "").partition(": ")[2]
        operation["responses"][str(status)] = {
            "description": "; ".join(filter(None, (f"{response['description']}: {described[int(status)]}", own))),
            "headers": response["headers"],
            "content": {PROBLEM_TYPE: {"schema": {"$ref": PROBLEM}}},
        }
    operation["responses"] = dict(sorted(operation["responses"].items()))
