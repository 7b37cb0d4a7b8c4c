"""What tests of the API ask of every answer, and of the database behind it."""

import psycopg

from api.http.error_catalogue import CATALOGUE

MEMBERS = ["type", "title", "status", "detail", "code", "retryable", "instance", "correlation_id"]


def stored(dsn: str) -> int:
    with psycopg.connect(dsn) as connection:
        row = connection.execute(
            "SELECT (SELECT count(*) FROM operations) + (SELECT count(*) FROM documents)"
            " + (SELECT count(*) FROM idempotency_keys) + (SELECT count(*) FROM simulations)"
        ).fetchone()
    assert row is not None
    return row[0]


async def every_page(api, path: str = "", *, cursor_is: str | None = None, **query) -> list[dict]:
    """The items of all pages; `cursor_is` names the member of a page's last item that is the next page's cursor."""
    items, cursor = [], {}
    while True:
        answer = await api.get(path, **query, **cursor)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        assert list(page) == ["items", "next_cursor"]
        items += page["items"]
        if page["next_cursor"] is None:
            return items
        assert cursor_is is None or page["next_cursor"] == page["items"][-1][cursor_is]
        cursor = {"cursor": page["next_cursor"]}


def assert_problem(answer, status: int, code: str):
    assert answer.status_code == status
    problem = answer.json()
    is_list = isinstance(problem["detail"], list)
    assert answer.headers["Content-Type"] == ("application/json" if is_list else "application/problem+json")
    assert list(problem)[:8] == MEMBERS
    assert (problem["title"], problem["retryable"]) == (
        CATALOGUE[code].help.title,
        CATALOGUE[code].help.repeat.is_automatic,
    )
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["correlation_id"] == answer.headers["X-Correlation-Id"]
    if is_list:
        assert len(problem["errors"]) == len(problem["detail"])
        assert all(item.keys() == {"type", "loc", "msg"} for item in problem["detail"])
    return problem
