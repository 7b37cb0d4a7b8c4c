from dataclasses import replace

import pytest
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory
from temporalio.testing import ActivityEnvironment

from activities.boundary import boundary
from domain.errors import ProposalNotFound, StorageUnavailable

CLIENT_TEXT = "client secret 4711"


class Step:
    def __init__(self, failure: Exception) -> None:
        self._failure = failure

    @boundary
    async def run(self, argument: str) -> str:
        raise self._failure from ValueError(argument)


async def raised(failure: Exception, **info) -> ApplicationError:
    environment = ActivityEnvironment()
    environment.info = replace(environment.info, **info)
    with pytest.raises(ApplicationError) as caught:
        await environment.run(Step(failure).run, CLIENT_TEXT)
    return caught.value


async def test_a_business_error_is_final_and_expected():
    error = await raised(ProposalNotFound())
    assert (error.type, error.message, error.non_retryable) == ("ProposalNotFoundError", "PROPOSAL_NOT_FOUND", True)
    assert error.category is ApplicationErrorCategory.BENIGN


async def test_an_outage_is_retried_for_as_long_as_it_lasts():
    error = await raised(StorageUnavailable(), attempt=500, is_local=False)
    assert not error.non_retryable


@pytest.mark.parametrize(("earlier", "is_final"), [(0, False), (3, False), (4, True)])
async def test_a_bug_is_final_at_its_fifth_failure_however_many_outages_there_were(earlier, is_final):
    details = (earlier,) if earlier else ()
    error = await raised(KeyError(CLIENT_TEXT), attempt=200, is_local=False, heartbeat_details=details)
    assert error.non_retryable is is_final
    assert (error.message == "OPERATION_INTERNAL_ERROR") is is_final


@pytest.mark.parametrize("failure", [KeyError(CLIENT_TEXT), ProposalNotFound(), StorageUnavailable()])
async def test_nothing_of_an_exception_reaches_temporal_or_the_log(failure, capfd, caplog):
    error = await raised(failure, is_local=False)
    assert error.__cause__ is None
    assert error.__suppress_context__
    assert CLIENT_TEXT not in f"{error.message}{error.type}{error.details}"
    assert CLIENT_TEXT not in caplog.text + "".join(capfd.readouterr())
