"""The production profile as processes: a proposal through the hands of four people, each with a token of their own."""

import subprocess
import sys
import time

import forked_commands
import httpx2
import pytest
from answers import assert_problem
from builders import a_body
from issuer import Issuer, a_token, bearer
from running_service import ROOT, Service, running

P = "/rebalance/proposals"
ADVISOR = ("ann", "proposals:write proposals:read operations:read")
RISK = ("ben", "reviews:risk")
CONSENTS = ("cleo", "consents:record")
AUDITOR = ("dora", "audit:read")


SECRETS = ("PROPOSAL_DATABASE_URL", "PROPOSAL_OWNER_DATABASE_URL", "PROPOSAL_CALLBACK_SECRETS", "TEMPORAL_API_KEY")


class ProductionService(Service):
    """Embedded servers stand in for the external ones; secrets are files, as deploy/ mounts them."""

    def __init__(self, folder, migrated, issuer: Issuer) -> None:
        super().__init__(folder, migrated)
        self._issuer = issuer
        self._secrets = folder / "secrets"
        self._secrets.mkdir()

    def environment(self) -> dict[str, str]:
        environ = super().environment() | {"TEMPORAL_API_KEY": "this-server-reads-none", "TEMPORAL_TLS": "false"}
        for name in [name for name in SECRETS if name in environ]:
            file = self._secrets / name
            file.write_text(f"{environ.pop(name)}\n")
            environ[f"{name}_FILE"] = str(file)
        return environ | {
            "PROPOSAL_PROFILE": "PRODUCTION",
            "PROPOSAL_FOUR_EYES": "true",
            "PROPOSAL_STRICT_VERSION_BINDING": "true",
            "PROPOSAL_TEMPORAL_INSECURE": "true",
            **{f"PROPOSAL_{name.upper()}": str(value) for name, value in self._issuer.settings().items()},
        }


@pytest.fixture(scope="module")
def production(tmp_path_factory, migrated):
    folder = tmp_path_factory.mktemp("production")
    with Issuer().serving() as issuer, running(ProductionService(folder, migrated, issuer)) as service:
        yield service


def test_a_proposal_passes_four_people_and_each_forbidden_step_is_refused(production):
    with httpx2.Client(base_url=production.url, timeout=100, trust_env=False) as http:

        def post(path, body, who, **headers):
            return http.post(f"{P}{path}", json=body, headers=bearer(*who) | headers)

        def decide(kind, who, state):
            body = {"approval_type": kind, "approved": True, "actor_id": who[0], "expected_state": state}
            return post(f"/{proposal_id}/approvals", body | {"related_version_no": 1}, who)

        def event(kind, who, state):
            body = {"event_type": kind, "actor_id": who[0], "expected_state": state, "related_version_no": 1}
            return post(f"/{proposal_id}/transitions", body, who)

        body, key = a_body(created_by="ann"), {"Idempotency-Key": "k"}
        assert_problem(http.post(P, json=body, headers=key), 401, "UNAUTHENTICATED")
        assert_problem(post("", body, RISK, **key), 403, "INSUFFICIENT_SCOPE")
        assert_problem(post("", a_body(), ADVISOR, **key), 403, "ACTOR_MISMATCH")
        while (created := post("", body, ADVISOR, **key)).status_code == 202:
            time.sleep(0.2)  # Temporal had no time yet to start it
        assert created.status_code == 200, created.text
        proposal_id = created.json()["proposal"]["proposal_id"]

        assert_problem(event("SUBMITTED_FOR_RISK_REVIEW", RISK, "DRAFT"), 403, "INSUFFICIENT_SCOPE")
        assert event("SUBMITTED_FOR_RISK_REVIEW", ADVISOR, "DRAFT").status_code == 200
        assert_problem(decide("RISK", CONSENTS, "RISK_REVIEW"), 403, "INSUFFICIENT_SCOPE")
        own = ("ann", "reviews:risk")
        assert_problem(decide("RISK", own, "RISK_REVIEW"), 403, "FOUR_EYES_VIOLATION")
        assert_problem(event("RISK_APPROVED", own, "RISK_REVIEW"), 403, "FOUR_EYES_VIOLATION")
        assert decide("RISK", RISK, "RISK_REVIEW").status_code == 200
        assert_problem(decide("CLIENT_CONSENT", RISK, "AWAITING_CLIENT_CONSENT"), 403, "INSUFFICIENT_SCOPE")
        assert decide("CLIENT_CONSENT", CONSENTS, "AWAITING_CLIENT_CONSENT").status_code == 200
        assert_problem(event("EXECUTED", CONSENTS, "EXECUTION_READY"), 403, "INSUFFICIENT_SCOPE")
        assert event("EXECUTED", ADVISOR, "EXECUTION_READY").status_code == 200

        trail = f"{P}/{proposal_id}/workflow-events"
        assert_problem(http.get(trail, headers=bearer(*ADVISOR)), 403, "INSUFFICIENT_SCOPE")
        events = http.get(trail, headers=bearer(*AUDITOR)).json()["events"]
        assert [one["actor_id"] for one in events] == ["ann", "ann", "ben", "cleo", "ann"]
    assert "eyJ" not in production.logs  # how every token begins


def test_the_command_and_the_example_send_the_token_of_their_environment(production):
    def environ(token):
        return production.environment() | ({} if token is None else {"PROPOSALS_TOKEN": token})

    def ran(*command, token=None):
        return forked_commands.run(*command, env=environ(token))

    def example(*arguments, token=None):
        command = [sys.executable, "examples/orchestrator.py", *arguments]
        return subprocess.run(command, env=environ(token), cwd=ROOT, capture_output=True, text=True, check=False)

    submit = ("submit", "examples/create_proposal.json", "--wait", "--url", production.url)
    token = a_token("advisor_1", "proposals:write operations:read")
    assert ran(*submit, token=token).returncode == 0
    refused, broken = ran(*submit), ran(*submit, token=f"{token}\n")
    assert (refused.returncode, broken.returncode) == (1, 1)
    assert "UNAUTHENTICATED" in refused.stderr
    assert "the token has characters that no bearer token has" in broken.stderr

    secret = ran("callback-secret", "127.0.0.1").stdout.strip()
    orchestrate = ("--url", production.url, "--secret", secret)
    called_back = example(*orchestrate, token=token)
    assert (called_back.returncode, called_back.stderr) == (0, "")
    assert "UNAUTHENTICATED" in example(*orchestrate).stderr


@pytest.mark.parametrize("command", ["api", "worker", "migrate"])
def test_production_does_not_start_without_what_it_needs(tmp_path, command):
    ran = forked_commands.run(command, env={"PATH": "", "PROPOSAL_PROFILE": "PRODUCTION"})
    assert (ran.returncode, ran.stdout) == (2, "")
    assert len(ran.stderr.splitlines()) == {"api": 6, "worker": 3, "migrate": 1}[command]
