"""The OpenAPI document and the page that shows it: errors under their media type, bodies, and who may call what."""

from collections.abc import Sequence
from typing import Any, Final

from fastapi import FastAPI, Response
from fastapi.encoders import jsonable_encoder
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.openapi.models import Schema
from fastapi.routing import APIRoute
from fastapi.staticfiles import StaticFiles
from pydantic.json_schema import models_json_schema

from api.http.problem_schemas import ExpiredOperationProblem, Problem
from api.http.problems import PROBLEM_TYPE
from api.http.router import GuardedRoute

REFERENCE: Final = "#/components/schemas/{model}"
PROBLEM_REFERENCES: Final = {REFERENCE.format(model=model.__name__) for model in (Problem, ExpiredOperationProblem)}
SECURITY_SCHEME: Final = "bearer"
BEARER: Final = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "An OAuth 2.0 access token (RFC 9068) of this service's issuer, for its audience.",
}
DOCS: Final = "/docs"
ASSETS: Final = f"{DOCS}/assets"


def describe(app: FastAPI, routes: Sequence[APIRoute], *, is_authenticated: bool) -> None:
    """Add to FastAPI's document what FastAPI does not know.

    It documents each response's model as application/json, whatever else is said; it has not seen the bodies, which
    `api.http.body` reads; nor the scopes, which matter when callers have to say who they are.
    """
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = generate()
            for methods in document["paths"].values():
                for operation in methods.values():
                    for response in operation["responses"].values():
                        _move_problem(response)
            _describe_guarded(
                document,
                [route for route in routes if isinstance(route, GuardedRoute) and route.include_in_schema],
                is_authenticated=is_authenticated,
            )
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to change the document


def _move_problem(response: dict[str, Any]) -> None:
    content = response.get("content", {})
    schema = content.get("application/json", {}).get("schema", {})
    if schema.get("$ref") in PROBLEM_REFERENCES:
        response["content"] = {PROBLEM_TYPE: content["application/json"]}


def _describe_guarded(document: dict[str, Any], routes: Sequence[GuardedRoute], *, is_authenticated: bool) -> None:
    components = document["components"]
    bodies = {route.body for route in routes if route.body is not None}
    _, described = models_json_schema([(body, "validation") for body in bodies], ref_template=REFERENCE)
    schemas = components["schemas"] | {name: _schema(schema) for name, schema in described["$defs"].items()}
    components["schemas"] = dict(sorted(schemas.items()))
    if is_authenticated:
        components["securitySchemes"] = {SECURITY_SCHEME: BEARER}
    for route in routes:
        for method in route.methods or ():
            operation = document["paths"][route.path_format][method.lower()]
            if route.body is not None:
                _add_body(operation, REFERENCE.format(model=route.body.__name__))
            if is_authenticated and route.scopes:
                # One of several is enough; which one depends on a review's event or decision.
                operation["security"] = [{SECURITY_SCHEME: [scope]} for scope in sorted(route.scopes)]


def _schema(described: dict[str, Any]) -> Any:
    """As FastAPI writes the schemas that it finds by itself."""
    return jsonable_encoder(Schema(**described), by_alias=True, exclude_none=True)


def _add_body(operation: dict[str, Any], reference: str) -> None:
    """Where FastAPI would have it: behind the parameters."""
    behind: dict[str, Any] = {name: operation.pop(name) for name in ("callbacks", "responses") if name in operation}
    operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": {"$ref": reference}}}}
    operation |= behind


def add_docs_page(app: FastAPI) -> None:
    """Swagger UI under /docs, from the package `fastapi-swagger`: a bank's network asks no one outside for scripts."""
    app.mount(ASSETS, StaticFiles(packages=[("fastapi_swagger", "resources")]))

    @app.get(DOCS, include_in_schema=False)
    async def docs() -> Response:
        return get_swagger_ui_html(
            openapi_url=app.openapi_url or "",
            title=app.title,
            swagger_js_url=f"{ASSETS}/swagger-ui-bundle.js",
            swagger_css_url=f"{ASSETS}/swagger-ui.css",
            swagger_favicon_url=f"{ASSETS}/favicon-32x32.png",
        )
