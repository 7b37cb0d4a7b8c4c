"""The tour of `demo --people`: a proposal through the hands of four people, and evidence that shows what was altered.

Each step prints the lines that do it in a shell, and does it: a request is sent as it is shown.
"""

import asyncio
import json
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx2
import typer
from proposals_client import OperationState

from cli.local.altered_byte import StoredByte
from cli.local.children import LocalServerError, output_of
from cli.local.environment import env_line
from cli.local.issuer import Issuer
from cli.local.people import ADVISOR, COMPLIANCE, DESK, PEOPLE, RISK, Person
from cli.local.stack import CODE, LocalStack

PROPOSALS: Final = "/rebalance/proposals"
PROPOSAL: Final = "$PROPOSAL"  # a variable of the reader's shell: the lines work for another proposal, too
ANSWER_SECONDS: Final = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """A request, and the answer that it must get: a status with the code of a problem or the proposal's new state."""

    title: str
    person: Person
    path: str
    body: Mapping[str, Any] | None = None
    key: str | None = None
    answer: str


def _review(title: str, person: Person, kind: str, state: str, *, key: str, answer: str) -> Call:
    is_approval = kind in ("RISK", "CLIENT_CONSENT")
    decided = {"approval_type": kind, "approved": True} if is_approval else {"event_type": kind}
    return Call(
        title=title,
        person=person,
        path=f"{PROPOSALS}/{PROPOSAL}/{'approvals' if is_approval else 'transitions'}",
        body=decided | {"actor_id": person.name, "expected_state": state, "related_version_no": 1},
        key=f"{PROPOSAL}-{key}",
        answer=answer,
    )


REVIEW: Final = (
    _review(
        "advisor_1 submits the proposal for risk review",
        *(ADVISOR, "SUBMITTED_FOR_RISK_REVIEW", "DRAFT"),
        key="submitted",
        answer="200 RISK_REVIEW",
    ),
    _review(
        "advisor_1 may review risk, but not the proposal that she wrote: four eyes",
        *(ADVISOR, "RISK", "RISK_REVIEW"),
        key="own",
        answer="403 FOUR_EYES_VIOLATION",
    ),
    _review(
        "compliance_1 does not review risk",
        *(COMPLIANCE, "RISK", "RISK_REVIEW"),
        key="compliance",
        answer="403 INSUFFICIENT_SCOPE",
    ),
    _review(
        "risk_1 approves",
        *(RISK, "RISK", "RISK_REVIEW"),
        key="risk",
        answer="200 AWAITING_CLIENT_CONSENT",
    ),
    _review(
        "advisor_1 records the customer's consent",
        *(ADVISOR, "CLIENT_CONSENT", "AWAITING_CLIENT_CONSENT"),
        key="consent",
        answer="200 EXECUTION_READY",
    ),
    _review(
        "desk_1 executes it",
        *(DESK, "EXECUTED", "EXECUTION_READY"),
        key="executed",
        answer="200 EXECUTED",
    ),
    Call(
        title="compliance_1 reads who did what",
        person=COMPLIANCE,
        path=f"{PROPOSALS}/{PROPOSAL}/workflow-events",
        answer="200 EXECUTED",
    ),
)


class Tour:
    """Numbered steps against the servers of a stack."""

    def __init__(self, stack: LocalStack, issuer: Issuer) -> None:
        self._stack = stack
        self._issuer = issuer
        self._steps = 0

    def introduce(self) -> None:
        """Print the people, and what a reader's shell needs."""
        typer.echo("\nFour people work here. `proposals token NAME` makes a token of one, good for 8 hours.")
        for person in PEOPLE.values():
            typer.echo(f"  {person.name}: {person.role}\n    {' '.join(person.scopes)}")
        typer.echo("\nThe lines below work in another shell after")
        _print_lines(env_line(self._stack.data_dir))

    def submission(self, sample: Path, *, key: str) -> None:
        """Print how the advisor submits the sample."""
        self._begin(f"{ADVISOR.name} submits {sample.name}")
        url = f"{PROPOSALS}/async"
        _print_lines(*_curl(ADVISOR, url, key=key, data=f"@{shlex.quote(str(sample))}"))

    async def review(self, state: OperationState) -> None:
        """Take the created proposal through its review. Raises LocalServerError for an answer that was not promised."""
        self._begin(f"{ADVISOR.name} waited for the end of the operation, and has a proposal")
        _print_lines(*_curl(ADVISOR, f"{PROPOSALS}/operations/{state.operation_id}?wait=20&include_result=false"))
        proposal_id = state.document["result"]["proposal"]["proposal_id"]
        _print_lines(f"PROPOSAL={proposal_id}")
        async with httpx2.AsyncClient(base_url=self._stack.api_url, trust_env=False, timeout=ANSWER_SECONDS) as http:
            for call in REVIEW:
                self._begin(call.title)
                data = None if call.body is None else shlex.quote(json.dumps(call.body))
                _print_lines(*_curl(call.person, call.path, key=call.key, data=data))
                await self._call(http, call, proposal_id)

    async def alteration(self, proposal_id: str) -> None:
        """Alter a byte, have it found, put it back. Raises LocalServerError when it is not found, or more is."""
        stack, dsn = self._stack, self._stack.superuser_dsn
        byte = await asyncio.to_thread(StoredByte.of_artifact, dsn, proposal_id)
        await self._verify("proposals audit verify computes every hash again", "nothing was altered: ", exit_code=0)
        self._begin("A superuser of PostgreSQL switches the triggers off and alters one byte of the stored artifact")
        _print_lines(*_psql(byte.alteration))
        try:
            byte.alter(dsn, stack.data_dir)  # in no thread, which could go on after a Ctrl-C and alter it last
            await self._verify("It names the document", f"ALTERED: documents {byte.document} ", exit_code=1)
        finally:
            byte.put_back(dsn, stack.data_dir)
        self._begin("The byte is put back, so that this data directory is whole again")
        _print_lines(*_psql(byte.restoration))
        await self._verify("Nothing else was touched", "nothing was altered: ", exit_code=0)

    def _begin(self, title: str) -> None:
        self._steps += 1
        typer.echo(f"\n{self._steps}. {title}")

    async def _call(self, http: httpx2.AsyncClient, call: Call, proposal_id: str) -> None:
        headers = {"Authorization": f"Bearer {self._issuer.token(call.person)}"}
        if call.key is not None:
            headers["Idempotency-Key"] = call.key.replace(PROPOSAL, proposal_id)
        path = call.path.replace(PROPOSAL, proposal_id)
        try:
            answered = await http.request("GET" if call.body is None else "POST", path, json=call.body, headers=headers)
        except httpx2.HTTPError as failure:
            raise LocalServerError(f"step {self._steps} had no answer: {type(failure).__name__}") from None
        document = answered.json()
        answer = f"{answered.status_code} {document.get('code') or document.get('current_state', '')}".rstrip()
        typer.echo(f"  -> {answer}" + (f": {document['title']}" if "title" in document else ""))
        for event in document.get("events", ()):
            typer.echo(f"     {event['event_type']} by {event['actor_id']}")
        if answer != call.answer:
            raise LocalServerError(f"step {self._steps} should have been answered with {call.answer}")

    async def _verify(self, title: str, line: str, *, exit_code: int) -> None:
        self._begin(title)
        command = ("audit", "verify")
        _print_lines(shlex.join(["proposals", *command]))
        whole = (sys.executable, "-m", "cli.main", *command)
        code, lines = await output_of(whole, env=self._stack.environment(), cwd=CODE)
        for one in filter(None, lines):
            typer.echo(f"  -> {one}")
        if code != exit_code or not any(one.startswith(line) for one in lines):
            raise LocalServerError(f"step {self._steps} should have ended with exit code {exit_code} and `{line}...`")


def _curl(person: Person, path: str, *, key: str | None = None, data: str | None = None) -> list[str]:
    """Lines for a shell; `data` is quoted for it. `-w` ends an answer's line, which the service does not."""
    given = f'curl -sS -w "\\n" "$PROPOSALS_URL{path}" -H "Authorization: Bearer $TOKEN"'
    lines = [f"TOKEN=$(proposals token {person.name})"]
    if data is None:
        return [*lines, given]
    return [
        *lines,
        f"{given} \\",
        f"""  -H 'Content-Type: application/json' -H "Idempotency-Key: {key}" \\""",
        f"  --data {data}",
    ]


def _psql(statements: str) -> list[str]:
    return ['psql "$PROPOSAL_OWNER_DATABASE_URL" \\', f'  -c "{statements}"']


def _print_lines(*lines: str) -> None:
    for line in lines:
        typer.echo(f"  {line}")
