"""What tests of the API ask of every answer, and of the database behind it."""

import psycopg


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
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert list(problem) == ["type", "title", "status", "detail", "code", "instance", "correlation_id"]
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["correlation_id"] == answer.headers["X-Correlation-Id"]
    if isinstance(problem["detail"], list):
        assert all(item.keys() == {"type", "loc", "msg"} for item in problem["detail"])
    return problem
