"""examples/callbacks: callbacks with their headers and secrets, on which receivers in any language try their verifier.

`make answers` writes today's deliveries into the files when they differ from those.
"""

import json
import os
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from batches import a_portfolio, an_analysis
from callback_requests import log_of
from pydantic import SecretStr
from receiver import OLD_SECRET, SECRET, SETTINGS, Received, Receiver
from shown_answers import difference
from simulations import a_simulation
from standardwebhooks.webhooks import Webhook
from waiting import until

from domain.callback import host_key, shown_key
from domain.operation import OperationType
from runtime.settings import Settings

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "examples" / "callbacks"
REWRITE = "WRITE_ANSWERS" in os.environ
SIGNATURE = re.compile(r"v1,[A-Za-z0-9+/]{43}=")
CREDENTIAL = {"Authorization": "Bearer 5f1d0c9a7be2"}
KEY, OLD_KEY = (shown_key(host_key(secret, "127.0.0.1")) for secret in (SECRET, OLD_SECRET))
CREATED = "create_proposal.succeeded"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update=SETTINGS)


def bodies() -> dict[str, tuple[str, dict]]:
    """By the name of its sample: the path and the body of each request but those for versions."""
    create = json.loads((ROOT / "examples" / "create_proposal.json").read_text())
    simulation = create["simulate_request"]
    disabled = {"simulate_request": simulation | {"options": {}}}
    return {
        CREATED: ("/async", create),
        "create_proposal.failed": ("/async", create | disabled),
        "simulate_proposal.succeeded": ("/simulate/async", simulation),
        "analyze_scenarios.succeeded": ("/analyze/async", an_analysis(a_portfolio(0), a_portfolio(1, shelf_entries=7))),
        "analyze_scenarios.failed": ("/analyze/async", an_analysis({"id": "a"}, {"id": "b"})),
    }


def versions(proposal_id: str) -> dict[str, tuple[str, dict]]:
    version = json.loads((ROOT / "examples" / "create_version.json").read_text())
    disabled = {"simulate_request": version["simulate_request"] | {"options": {}}}
    path = f"/{proposal_id}/versions/async"
    return {
        "create_proposal_version.succeeded": (path, version),
        "create_proposal_version.failed": (path, version | disabled | {"expected_current_version_no": None}),
    }


def sample(received: Received, *secrets: str, **changes: object) -> dict:
    return {
        "verifies": True,
        "secrets": secrets,
        "headers": dict(received.headers),
        "body": received.body.decode(),
    } | changes


def text_of(sample: dict) -> str:
    return json.dumps(sample, indent=2, ensure_ascii=False) + "\n"


async def delivered(api, worker_later, settings) -> dict[str, dict]:
    """Each sample as the service makes it today, by its name."""

    async def submit(name: str, path: str, body: dict) -> str:
        body = body | {"callback": {"url": f"http://127.0.0.1:{receiver.port}/{name}", "headers": CREDENTIAL}}
        headers = {"Idempotency-Key": name, "X-Correlation-Id": "crm/case/4711"}
        answer = await api.post(path, body, **headers)
        assert answer.status_code == 202, answer.text
        return answer.json()["operation_id"]

    with Receiver().serving() as receiver:
        cancelled = await submit("simulate_proposal.failed", "/simulate/async", a_simulation())
        assert (await api.post(f"/operations/{cancelled}/cancel", None)).status_code == 202
        async with worker_later():
            operations = {name: await submit(name, *request) for name, request in bodies().items()}
            proposal_id = (await api.finished(operations[CREATED]))["proposal_id"]
            for name, request in versions(proposal_id).items():
                operations[name] = await submit(name, *request)
            for operation_id in (cancelled, *operations.values()):
                await log_of(api, operation_id)  # one that came and was not recorded would come again
        rotating = settings.model_copy(update={"callback_secrets": SecretStr(f"{SECRET},{OLD_SECRET}")})
        async with worker_later(rotating):
            again = f"/operations/{operations[CREATED]}/callbacks/redeliver"
            assert (await api.post(again, None)).status_code == 202
            await until(lambda: len(receiver.received) == 9)

    *once, redelivered = receiver.received
    made = {received.path.removeprefix("/"): sample(received, KEY) for received in once}
    created = made[CREATED]
    forged = created["body"].replace('"version_no":1', '"version_no":2')
    other = shown_key(host_key(SECRET, "localhost"))
    return made | {
        f"{CREATED}.while-keys-rotate": sample(redelivered, KEY, OLD_KEY),
        "refuse.body-was-altered": created | {"verifies": False, "body": forged},
        "refuse.key-of-another-host": created | {"verifies": False, "secrets": [other]},
    }


async def test_the_samples_are_what_the_service_sends(api, worker_later, settings):
    came = {name: text_of(made) for name, made in (await delivered(api, worker_later, settings)).items()}
    shown = {path.stem: path.read_text() for path in SAMPLES.glob("*.json")}

    differs = []
    for name in sorted(came.keys() | shown.keys()):
        texts = (SIGNATURE.sub("v1,<signature>", texts.get(name, "")) for texts in (shown, came))
        if found := difference(*([text] for text in texts)):
            differs.append(f"{name}.json\n{found}")
    if differs and REWRITE:
        for name in shown.keys() - came.keys():
            (SAMPLES / f"{name}.json").unlink()
        SAMPLES.mkdir(exist_ok=True)
        for name, text in came.items():
            (SAMPLES / f"{name}.json").write_text(text)
    assert not differs or REWRITE, "\n".join([*differs, "`make answers` writes what came"])


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.json")), ids=lambda path: path.stem)
def test_a_sample_verifies_when_it_says_so(path):
    """By the library of the standard; all of the samples that are genuine, and none of the others."""
    made = json.loads(path.read_text())
    headers = made["headers"]
    at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
    expected = [Webhook(secret).sign(headers["webhook-id"], at, made["body"]) for secret in made["secrets"]]
    assert (headers["webhook-signature"] == " ".join(expected)) is made["verifies"]


def test_every_type_of_operation_has_a_sample_of_each_end_and_repeats_are_recognised():
    made = {path.stem: json.loads(path.read_text()) for path in SAMPLES.glob("*.json")}
    ends = {
        (message["data"]["operation_type"], message["type"])
        for message in (json.loads(sample["body"]) for sample in made.values() if sample["verifies"])
    }
    assert ends == {(kind, f"proposal.operation.{end}") for kind in OperationType for end in ("succeeded", "failed")}
    first, again = made[CREATED], made[f"{CREATED}.while-keys-rotate"]
    assert first["body"] == again["body"]
    assert first["headers"]["webhook-id"] == again["headers"]["webhook-id"]
