"""The Python client while the service's processes are killed and started again."""

import asyncio
import threading

import httpx2
import pytest
from builders import a_body
from processes.local.process_tree import wait_for
from proposals_client import AsyncProposals, Proposals, WaitTimeout
from running_service import Service, running
from waiting import PATIENCE_SECONDS


@pytest.fixture(scope="module")
def service(tmp_path_factory, migrated):
    """One for both tests: each leaves it whole."""
    with running(Service(tmp_path_factory.mktemp("restarts"), migrated)) as service:
        yield service


def test_a_wait_survives_the_restart_of_the_api(service):
    service.kill(service.worker)
    with Proposals(service.url) as desk:
        operation = desk.submit(a_body())
        with pytest.raises(WaitTimeout) as late:
            operation.wait(timeout=1)

        states = []

        def follow() -> None:
            for state in late.value.operation.follow(timeout=PATIENCE_SECONDS):
                states.append(state)  # noqa: PERF402 -- each is seen when it comes

        following = threading.Thread(target=follow)
        following.start()
        wait_for(lambda: b"\nproposals_waiters 1.0\n" in httpx2.get(f"{service.url}/metrics", timeout=100).content)
        service.kill(service.api)
        wait_for(lambda: states)
        service.start_api()
        service.start_worker()
        following.join()
        assert (states[0], states[-1].status) == (None, "SUCCEEDED")
        assert late.value.operation.wait().proposal_id == states[-1].proposal_id


async def test_a_submission_while_the_api_is_down_is_made_once_when_it_is_back(service):
    before = set(service.rows("SELECT proposal_id FROM proposals"))
    service.kill(service.api)
    async with AsyncProposals(service.url, repeat_seconds=300) as desk:
        submitting = asyncio.create_task(desk.submit(a_body(), key="k"))
        await asyncio.sleep(1)
        assert not submitting.done()
        service.start_api()
        created = await (await submitting).wait(timeout=300)
    assert set(service.rows("SELECT proposal_id FROM proposals")) - before == {(created.proposal_id,)}
