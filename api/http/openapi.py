"""The OpenAPI document, from which clients are generated, and the page that shows it.

FastAPI makes the paths. Added here: what its models cannot say, the bodies, which `api.http.body` reads, and who may
call what; and the schemas are made anew, because those of answers differ from those of requests.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, get_args

from fastapi import FastAPI, Response
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.routing import APIRoute
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel

from api.http.enum_words import describe_enums
from api.http.examples import ExampleMaker, Examples
from api.http.problem_schemas import ExpiredOperationProblem, Problem
from api.http.problems import PROBLEM_TYPE
from api.http.router import GuardedRoute
from api.http.schemas import REFERENCE, component_schemas, names_in, referred_names, simplify
from domain.access import Scope

PROBLEMS: Final = {model.__name__ for model in (Problem, ExpiredOperationProblem)}
OAUTH2: Final = "oauth2"
BEARER: Final = "bearer"
# A name that leads nowhere: no client sends its secret to a guessed address.
UNKNOWN_TOKEN_URL: Final = "https://issuer.example/oauth2/token"  # noqa: S105 -- an address, no secret
SCOPES: Final[Mapping[Scope, str]] = {
    Scope.PROPOSALS_READ: "Read and list proposals and their versions.",
    Scope.PROPOSALS_WRITE: "Simulate, create proposals and versions, and record events that are not decisions.",
    Scope.REVIEWS_RISK: "Record the decision of the risk review.",
    Scope.REVIEWS_COMPLIANCE: "Record the decision of the compliance review.",
    Scope.CONSENTS_RECORD: "Record the consent of the bank's customer.",
    Scope.OPERATIONS_READ: "Read, list and wait for operations.",
    Scope.OPERATIONS_CANCEL: "Cancel and retry operations.",
    Scope.CALLBACKS_MANAGE: "Read the deliveries of callbacks, and deliver one again.",
    Scope.AUDIT_READ: "Read approvals, the audit trail, the lineage, and what an idempotency key made.",
    Scope.ACTORS_ANY: "Submit and decide in the name of other people; for systems that act for their users.",
}
TAGS: Final[Mapping[str, str]] = {
    "Operations": "Find, wait for, cancel and retry the durable operations behind creates, and see their callbacks.",
    "Support": "Read approvals, audit trails, lineage and idempotency keys, and how the service is configured.",
    "Simulations": "Compute a result and an artifact without a proposal, at once or as an operation.",
    "Proposals": "Create proposals, read them and list them.",
    "Batches": "Analyze many portfolios in several scenarios as one operation, and read each run.",
    "Versions": "Add versions to a proposal, and read the result, artifact and evidence of each.",
    "Reviews": "Take a proposal through review, consent and execution.",
    "Health": "Tell load balancers and operators whether the process is alive and can serve.",
    "Callbacks": "What this service sends to receivers that asked for it.",
}
UNSAID: Final = "Successful Response"  # what FastAPI says of a response without a description
DOCS: Final = "/docs"
ASSETS: Final = f"{DOCS}/assets"

Document = dict[str, Any]


def about(version: str) -> dict[str, Any]:
    """What the document says of the whole service, as parameters of FastAPI."""
    return {
        "title": "Proposals",
        "version": version,
        "license_info": {"name": "Apache License 2.0", "identifier": "Apache-2.0"},
        "contact": {"name": "The team that operates this service"},
        "servers": [{"url": "/", "description": "The service that serves this document."}],
        "openapi_tags": [{"name": name, "description": described} for name, described in TAGS.items()],
    }


def describe(
    app: FastAPI, routes: Sequence[APIRoute], *, examples: Examples, token_url: str | None, takes_tokens: bool
) -> None:
    """Make the document of these routes and of the app's webhooks that `app.openapi()` returns.

    `takes_tokens` is of a service that verifies bearer tokens: readers of its page can enter one.
    """
    schemes = _security_schemes(token_url, takes_tokens=takes_tokens)
    generate = app.openapi
    shown = [route for route in routes if route.include_in_schema]

    def openapi() -> Document:
        if app.openapi_schema is None:
            document = generate()
            webhooks = [route for route in app.webhooks.routes if isinstance(route, APIRoute)]
            _complete_operations(document, shown, schemes=schemes)
            _replace_schemas(document, [*shown, *webhooks])
            _add_examples(document, shown, examples)
            document["components"]["securitySchemes"] = schemes
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to change the document


def _security_schemes(token_url: str | None, *, takes_tokens: bool) -> dict[str, dict[str, Any]]:
    """The flow that generators of clients read, always; and where tokens are verified, the entry of one by hand."""
    flow = {
        "tokenUrl": token_url or UNKNOWN_TOKEN_URL,
        "scopes": {scope.value: described for scope, described in SCOPES.items()},
    }
    oauth2 = {
        "type": "oauth2",
        "description": "An access token (RFC 9068) of the bank's issuer for this service, as `Authorization: Bearer`. "
        "A service with `PROPOSAL_AUTH_MODE=none` takes every request as it is.",
        "flows": {"clientCredentials": flow},
    }
    bearer = {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "An access token that you have, to try this service from this page.",
    }
    return {BEARER: bearer, OAUTH2: oauth2} if takes_tokens else {OAUTH2: oauth2}


def _complete_operations(document: Document, routes: Sequence[APIRoute], *, schemes: Iterable[str]) -> None:
    """Add to each operation its body, and the scopes of which a caller needs one; none means it is for everyone."""
    for route in routes:
        scopes = route.scopes if isinstance(route, GuardedRoute) else ()
        for method in route.methods or ():
            operation = document["paths"][route.path_format][method.lower()]
            if isinstance(route, GuardedRoute) and route.body is not None:
                _add_body(operation, REFERENCE.format(model=route.body.__name__))
            operation["security"] = [{scheme: [scope]} for scheme in schemes for scope in sorted(scopes)]
    schemas = document["components"]["schemas"]
    for operation in _operations(document):
        operation.setdefault("security", [])  # receivers know a message by its signature
        for response in operation["responses"].values():
            _move_problem(response)
            if response["description"] == UNSAID:
                (name,) = names_in(response["content"]["application/json"]["schema"])
                response["description"] = schemas[name]["description"]


def _add_body(operation: dict[str, Any], reference: str) -> None:
    """Where FastAPI would have it: behind the parameters."""
    behind: dict[str, Any] = {name: operation.pop(name) for name in ("callbacks", "responses") if name in operation}
    operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": {"$ref": reference}}}}
    operation |= behind


def _move_problem(response: dict[str, Any]) -> None:
    """FastAPI documents each response's model as application/json; of problems, only a validation list is that."""
    content = response.get("content", {})
    schema = content.get("application/json", {}).get("schema", {})
    if schema and PROBLEM_TYPE not in content and PROBLEMS.issuperset(names_in(schema)):
        response["content"] = {PROBLEM_TYPE: content["application/json"]}


def _replace_schemas(document: Document, routes: Sequence[APIRoute]) -> None:
    bodies = {route.body for route in routes if isinstance(route, GuardedRoute) and route.body is not None}
    made = component_schemas(bodies, {model for route in routes for model in _answers(route)})
    schemas = document["components"]["schemas"]
    for schema in schemas.values():
        simplify(schema)  # of parameters alone; all others are made anew
    schemas |= made
    used: list[str] = []
    for operation in _operations(document):
        for schema in _inline_schemas(operation):
            simplify(schema)
            used += names_in(schema)
    document["components"]["schemas"] = {name: schemas[name] for name in sorted(referred_names(schemas, used))}
    describe_enums(document["components"]["schemas"])


def _add_examples(document: Document, routes: Sequence[APIRoute], examples: Examples) -> None:
    maker = ExampleMaker(document["components"]["schemas"], examples)
    models = {route.operation_id: route.body for route in routes if isinstance(route, GuardedRoute) and route.body}
    for operation in _operations(document):
        if model := models.get(operation["operationId"]):
            maker.add_to_body(operation["requestBody"], model)
        elif "requestBody" in operation:
            maker.add_to_message(operation["requestBody"])
        for status, response in operation["responses"].items():
            maker.add_to_response(operation["operationId"], status, response)
    document["components"]["examples"] = dict(sorted(maker.components.items()))


def _answers(route: APIRoute) -> Iterator[type[BaseModel]]:
    """The models that this service sends: answers, and the messages to receivers of callbacks."""
    described = [route.response_model, *(response.get("model") for response in route.responses.values())]
    if route.body_field is not None:
        described.append(route.body_field.field_info.annotation)
    choices = [choice for model in described for choice in (model, *get_args(model))]
    yield from (model for model in choices if isinstance(model, type) and issubclass(model, BaseModel))


def _operations(document: Document) -> Iterator[dict[str, Any]]:
    """Every operation, those of callbacks and webhooks included."""
    for item in (*document["paths"].values(), *document["webhooks"].values()):
        for operation in item.values():
            yield operation
            for callback in operation.get("callbacks", {}).values():
                yield from (called for urls in callback.values() for called in urls.values())


def _inline_schemas(operation: dict[str, Any]) -> Iterator[dict[str, Any]]:
    responses = operation["responses"].values()
    yield from (parameter["schema"] for parameter in operation.get("parameters", ()))
    yield from (header["schema"] for response in responses for header in response.get("headers", {}).values())
    for described in (operation.get("requestBody", {}), *responses):
        yield from (content["schema"] for content in described.get("content", {}).values() if "schema" in content)


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
