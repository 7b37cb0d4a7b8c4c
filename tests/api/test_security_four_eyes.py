"""An author cannot review the own proposal: by every path, for every author, and for no other person."""

import pytest
from answers import assert_problem
from builders import a_version_body
from issuer import EVERY_SCOPE, bearer

REVIEWS = [("RISK", "RISK_REVIEW"), ("COMPLIANCE", "COMPLIANCE_REVIEW")]
ANYBODY = f"{EVERY_SCOPE} actors:any"


def decision_of(path: str, review: str, state: str, actor: str, *, approved: bool) -> dict:
    common = {"actor_id": actor, "expected_state": state}
    if path == "approvals":
        return common | {"approval_type": review, "approved": approved}
    return common | {"event_type": f"{review}_APPROVED" if approved else "REJECTED"}


async def in_review(api, review: str, *, versions: int = 1) -> str:
    """A proposal of advisor_1, its second version of advisor_2, its third of advisor_3; submitted by its author."""
    proposal_id = (await api.created(**bearer("advisor_1")))["proposal"]["proposal_id"]
    for number in range(2, versions + 1):
        author = f"advisor_{number}"
        answer = await api.post(f"/{proposal_id}/versions", a_version_body(created_by=author), **bearer(author))
        assert answer.status_code == 200, answer.text
    event = {
        "event_type": f"SUBMITTED_FOR_{review}_REVIEW",
        "actor_id": "advisor_1",
        "expected_state": "DRAFT",
    }
    assert (await api.post(f"/{proposal_id}/transitions", event, **bearer("advisor_1"))).status_code == 200
    return proposal_id


@pytest.mark.parametrize(("review", "state"), REVIEWS)
async def test_no_author_reviews_by_any_path(secured, worker, review, state):
    proposal_id = await in_review(secured, review, versions=3)
    for path in ("approvals", "transitions"):
        for approved in (True, False):
            for author in ("advisor_1", "advisor_3"):
                body = decision_of(path, review, state, author, approved=approved)
                for token in (bearer(author), bearer("front-end", ANYBODY)):
                    answer = await secured.post(f"/{proposal_id}/{path}", body, **token, **{"Idempotency-Key": "k"})
                    assert_problem(answer, 403, "FOUR_EYES_VIOLATION")
                    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="proposals"'
    for path, word in (("approvals", "approvals"), ("workflow-events", "events")):
        listed = (await secured.http.get(f"/rebalance/proposals/{proposal_id}/{path}", headers=bearer())).json()[word]
        assert len(listed) == (0 if word == "approvals" else 4)
    # Of an older version nothing is left to be judged.
    body = decision_of("approvals", review, state, "advisor_2", approved=True)
    assert (await secured.post(f"/{proposal_id}/approvals", body, **bearer("advisor_2"))).status_code == 200


async def test_the_view_and_the_rule_are_told_before(secured, worker):
    proposal_id = await in_review(secured, "RISK")
    path = f"/{proposal_id}/approvals"
    stale = decision_of("approvals", "RISK", "DRAFT", "advisor_1", approved=True)
    assert_problem(await secured.post(path, stale, **bearer()), 409, "STATE_CONFLICT")
    other = decision_of("approvals", "COMPLIANCE", "RISK_REVIEW", "advisor_1", approved=True)
    assert_problem(await secured.post(path, other, **bearer()), 422, "INVALID_APPROVAL_STATE")


async def test_an_author_records_a_consent_and_what_follows(secured, worker):
    proposal_id = await in_review(secured, "RISK")
    review = decision_of("approvals", "RISK", "RISK_REVIEW", "reviewer_1", approved=True)
    assert (await secured.post(f"/{proposal_id}/approvals", review, **bearer("reviewer_1"))).status_code == 200
    consent = {
        "approval_type": "CLIENT_CONSENT",
        "approved": True,
        "actor_id": "advisor_1",
        "expected_state": "AWAITING_CLIENT_CONSENT",
    }
    assert (await secured.post(f"/{proposal_id}/approvals", consent, **bearer())).status_code == 200
    event = {"event_type": "EXECUTED", "actor_id": "advisor_1", "expected_state": "EXECUTION_READY"}
    assert (await secured.post(f"/{proposal_id}/transitions", event, **bearer())).status_code == 200


async def test_an_author_withdraws_what_is_in_review(secured, worker):
    proposal_id = await in_review(secured, "RISK")
    event = {"event_type": "CANCELLED", "actor_id": "advisor_1", "expected_state": "RISK_REVIEW"}
    assert (await secured.post(f"/{proposal_id}/transitions", event, **bearer())).status_code == 200


async def test_a_reviewer_who_writes_a_version_does_not_review_it(secured, worker):
    proposal_id = await in_review(secured, "RISK")
    version = a_version_body(created_by="reviewer_1")
    assert (await secured.post(f"/{proposal_id}/versions", version, **bearer("reviewer_1"))).status_code == 200
    body = decision_of("approvals", "RISK", "RISK_REVIEW", "reviewer_1", approved=True)
    answer = await secured.post(f"/{proposal_id}/approvals", body, **bearer("reviewer_1"))
    assert_problem(answer, 403, "FOUR_EYES_VIOLATION")


@pytest.mark.parametrize("four_eyes", [True, False])
async def test_it_holds_without_authentication_and_only_where_it_is_on(settings, serve, worker, four_eyes):
    async with serve(settings.model_copy(update={"four_eyes": four_eyes})) as api:
        proposal_id = await in_review(api, "RISK")
        body = decision_of("approvals", "RISK", "RISK_REVIEW", "advisor_1", approved=True)
        answer = await api.post(f"/{proposal_id}/approvals", body)
        assert answer.status_code == (403 if four_eyes else 200)
        assert "WWW-Authenticate" not in answer.headers
