"""The bodies of what is simulated, with the receiver to notify that they may ask for.

Processes of the engine read large ones and import this module: no FastAPI, and none of Temporal.
"""

from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from domain.batch.request import AnalyzeRequest
from domain.callback import CallbackSubscription
from domain.callback_headers import MAX_HEADERS, RESERVED, RESERVED_BEGINNINGS, refused_headers
from domain.callback_url import MAX_URL_LENGTH
from domain.portfolio import RequestPart
from domain.request import CreateRequest, SimulateRequest, VersionRequest

CALLBACK_EXAMPLE: Final[dict[str, Any]] = {
    "url": "https://orchestrator.example/hooks/proposals",
    "headers": {"Authorization": "Bearer 5f1d0c9a7be2"},
}


def _refuse_headers(headers: dict[str, str]) -> dict[str, str]:
    refusal = refused_headers(headers)
    if refusal is not None:
        raise PydanticCustomError("callback_headers", "{refusal}", {"refusal": refusal})
    return headers


class CallbackRequest(RequestPart):
    """The receiver to notify when the operation has ended, whether it succeeds or fails."""

    url: Annotated[str, StringConstraints(min_length=1, max_length=MAX_URL_LENGTH)] = Field(
        description="https, of a public host, without user information or fragment; never shown again.",
        examples=[CALLBACK_EXAMPLE["url"]],
    )
    headers: Annotated[dict[str, str], Field(max_length=MAX_HEADERS), AfterValidator(_refuse_headers)] | None = Field(
        None,
        description=f"Sent with each attempt, at most {MAX_HEADERS}, for credentials of the receiver; never shown "
        "again. Names that HTTP, a proxy or this service uses are refused, in any case, with `_` or `-`: "
        f"{', '.join(f'`{name}`' for name in (*sorted(RESERVED), *(f'{one}...' for one in RESERVED_BEGINNINGS)))}.",
        examples=[CALLBACK_EXAMPLE["headers"]],
    )


class WithCallback(RequestPart):
    """A body that may ask for a callback."""

    callback: CallbackRequest | None = Field(
        None, description="The receiver to notify when the operation has ended; ignored in a replay."
    )

    def callback_subscription(self) -> CallbackSubscription | None:
        if self.callback is None:
            return None
        return CallbackSubscription(url=self.callback.url, headers=tuple((self.callback.headers or {}).items()))


class CreateProposalRequest(WithCallback, CreateRequest):
    """A new proposal for a portfolio, and the person who submits it."""


class CreateVersionRequest(WithCallback, VersionRequest):
    """A new version of a proposal, and the person who submits it."""


class SimulationInput(SimulateRequest):
    """The request of a simulation without a proposal."""


class SimulateProposalRequest(WithCallback, SimulateRequest):
    """The same, with the receiver to notify of its end."""


class AnalyzeScenariosRequest(WithCallback, AnalyzeRequest):
    """Portfolios and scenarios, and what they have in common: one run for each item in each scenario."""
