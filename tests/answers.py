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
