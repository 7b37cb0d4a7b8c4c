"""The OpenAPI document, with errors under the media type that they are sent with."""

from typing import Any

from fastapi import FastAPI

from api.problems import PROBLEM_TYPE
from api.schemas.problems import ExpiredOperationProblem, Problem

PROBLEM_REFERENCES = {f"#/components/schemas/{model.__name__}" for model in (Problem, ExpiredOperationProblem)}


def describe_problems(app: FastAPI) -> None:
    """FastAPI documents a response's model as application/json, whatever else is said; this says it right."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = generate()
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
