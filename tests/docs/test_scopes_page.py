"""docs/reference/scopes.md has every scope and every endpoint, with the scopes that the code asks for."""

import re

from page_tables import first_codes, page_of, plain, rows, section

from api.app import create_app
from api.http.router import GuardedRoute
from domain.access import Scope
from runtime.settings import Settings

PAGE = page_of("reference/scopes.md")


def test_every_scope_is_explained():
    assert set(first_codes(section(PAGE, "What each scope allows"))) == set(Scope)


def test_every_endpoint_has_the_scopes_of_its_route():
    app = create_app(Settings())
    asked = {
        f"{method} {route.path.replace(':path', '')}": ", ".join(sorted(route.scopes)) or "none: open to everyone"
        for route in app.router.routes
        if isinstance(route, GuardedRoute) and route.include_in_schema and route.path.startswith("/rebalance/")
        for method in route.methods
    }
    shown = {plain(endpoint): plain(scopes) for endpoint, scopes in rows(section(PAGE, "What each endpoint needs"))}
    assert shown == asked


def test_every_endpoint_without_a_scope_is_said_to_be_open():
    opened = {
        route.path
        for route in create_app(Settings()).router.routes
        if not getattr(route, "scopes", None) and route.path.startswith(("/health", "/metrics", "/docs", "/openapi"))
    }
    last_words = PAGE.rsplit("|\n\n", 1)[1]
    assert [path for path in opened if f"`{path}`" not in last_words] == []


def test_a_caller_of_the_page_needs_scopes_that_exist():
    named = {scope for row in rows(section(PAGE, "What a caller needs")) for scope in re.findall(r"\w+:\w+", row[1])}
    assert named <= set(Scope)
