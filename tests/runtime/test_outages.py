import re

import psycopg
import pytest
from psycopg import errors
from psycopg_pool import PoolTimeout

from runtime.outages import is_contention, is_outage, lasting_refusal, sqlstate_of

OUTAGES = re.compile(r"(08|53|57|58|XX)...|25006|25P0.|42501|42P01")
CONTENTION = {"40001", "40P01", "55P03"}
NAMED = sorted(
    (
        error
        for error in vars(errors).values()
        if isinstance(error, type) and issubclass(error, psycopg.Error) and error.sqlstate is not None
    ),
    key=lambda error: f"{error.sqlstate}",
)


@pytest.mark.parametrize("error", NAMED, ids=lambda error: f"{error.sqlstate}-{error.__name__}")
def test_every_error_that_psycopg_names_is_an_outage_a_conflict_or_a_bug(error):
    is_of_the_contract = OUTAGES.fullmatch(error.sqlstate) is not None
    assert (is_outage(error()), is_contention(error())) == (is_of_the_contract, error.sqlstate in CONTENTION)


@pytest.mark.parametrize(
    ("error", "outage"),
    [
        (errors.ReadOnlySqlTransaction(), True),
        (errors.InsufficientPrivilege(), True),
        (errors.UndefinedTable(), True),
        (errors.DiskFull(), True),
        (errors.TooManyConnections(), True),
        (errors.IdleInTransactionSessionTimeout(), True),
        (errors.AdminShutdown(), True),
        (errors.CrashShutdown(), True),
        (errors.QueryCanceled(), True),
        (errors.DataCorrupted(), True),
        (psycopg.OperationalError("the connection is lost"), True),
        (psycopg.InterfaceError("the connection is closed"), True),
        (PoolTimeout(), True),
        (errors.UniqueViolation(), False),
        (errors.UndefinedColumn(), False),
        (errors.ProgramLimitExceeded(), False),
        (errors.LockNotAvailable(), False),
        (errors.DeadlockDetected(), False),
        (psycopg.ProgrammingError("of the client library"), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_errors_that_are_outages_and_errors_that_are_not(error, outage):
    assert is_outage(error) is outage


@pytest.mark.parametrize("aborted", [errors.PipelineAborted("aborted"), errors.InFailedSqlTransaction()], ids=str)
@pytest.mark.parametrize(("first", "outage"), [(errors.UniqueViolation(), False), (errors.DiskFull(), True)], ids=str)
def test_a_failure_that_follows_another_is_judged_by_the_first(aborted, first, outage):
    with pytest.raises(psycopg.Error) as raised:
        try:
            raise first
        except psycopg.Error:
            raise aborted  # noqa: B904 -- psycopg leaves the first failure in the context, too
    assert (sqlstate_of(raised.value), is_outage(raised.value)) == (first.sqlstate, outage)


def test_only_what_an_operator_must_put_right_is_remembered():
    assert "53100" in (lasting_refusal(errors.DiskFull()) or "")
    assert lasting_refusal(errors.QueryCanceled()) is None
    assert lasting_refusal(psycopg.OperationalError()) is None
