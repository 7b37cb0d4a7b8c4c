"""What FastAPI calls for each request besides the endpoint."""

from collections.abc import Callable, Iterator
from inspect import iscoroutinefunction
from typing import Any

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from api.app import ROUTERS


def calls(dependant: Dependant) -> Iterator[Callable[..., Any] | None]:
    yield dependant.call
    for further in dependant.dependencies:
        yield from calls(further)


def test_no_dependency_runs_in_a_thread():
    routes = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
    found = {call for route in routes for call in calls(route.dependant)}
    assert len(found) > len(routes)
    assert [call for call in found if not iscoroutinefunction(call)] == []
