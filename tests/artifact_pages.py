"""Requests whose artifacts fill every section of the page, and the page itself."""

from typing import Any, Final

from builders import a_body

from api.pages.artifact_page import PageContext, artifact_page
from api.pages.review import Review, Step
from domain.evidence import ArtifactDocuments, artifact_documents, simulate_document
from domain.request import SimulateRequest, request_document

AT = "2026-02-22 12:00 UTC"
REVIEW: Final = Review(
    state="rejected",
    since=AT,
    current_version_no=2,
    steps=(
        Step(what="created", actor_id="advisor_1", at=AT, version_no=1, state="draft"),
        Step(
            what="submitted for compliance review", actor_id="r" * 255, at=AT, version_no=1, state="compliance review"
        ),
        Step(what="rejected in compliance review", actor_id="عنوان", at=AT, version_no=2, state="rejected"),
    ),
)
CONTEXT: Final = PageContext(
    title="T" * 500,
    path="/p",
    proposal_id="pp_0",
    proposal_version_id="ppv_0",
    version_no=1,
    created_by="advisor_1",
    engine_version="1",
    simulation_hash=f"sha256:{'0' * 64}",
    review=REVIEW,
)
WORST_NAMES: Final = (
    *("LONG_NAME_OF_AN_INSTRUMENT_OF_40_CHARAC1", "W" * 40, "n" * 255, "漢" * 40, "#010203", "rgb(1,2,3)", "red"),
    *(
        "<b>&amp;100%</b>",
        "عنوان الأداة المالية",
        "\N{ROCKET}\N{MAN}\N{ZERO WIDTH JOINER}\N{WOMAN}",
        "x\N{RIGHT-TO-LEFT OVERRIDE}gpj",
    ),
    *("\N{BRAILLE PATTERN BLANK}", "   A   B  ", "-", "0", "A\N{ZERO WIDTH SPACE}B"),
)


def page_of(request: dict[str, Any], context: PageContext = CONTEXT) -> str:
    built = documents_of(request)
    return rendered(built.artifact, built.inputs, context)


def rendered(artifact: str, inputs: str, context: PageContext = CONTEXT) -> str:
    return artifact_page(artifact.encode(), inputs.encode(), context).decode()


def documents_of(request: dict[str, Any]) -> ArtifactDocuments:
    text = request_document(SimulateRequest.model_validate(request))
    simulated = simulate_document(
        text, kind="simulate", request_hash=f"sha256:{'0' * 64}", correlation_id="c", idempotency_key=None
    )
    return artifact_documents(text, simulated.text, kind="simulate", created_at="2026-02-22T12:00:00.000000+00:00")


def a_worst_request(*, debt: str = "0") -> dict[str, Any]:
    """Names and figures as wide as they may be, in currencies of no, two and three decimals.

    A debt that is nearly the rest of the portfolio makes weights of a great many digits.
    """
    request: dict[str, Any] = a_portfolio_body(3)["simulate_request"]
    currencies = ("JPY", "SGD", "TND")
    request["portfolio_snapshot"] |= {
        "positions": [{"instrument_id": name, "quantity": "2234567890.123456789012345678"} for name in WORST_NAMES],
        "cash_balances": [
            {"currency": "SGD", "amount": "98765432109876.54"},
            {"currency": "SGD", "amount": f"-{debt}"},
        ],
    }
    request["market_data_snapshot"] = {
        "prices": [
            {"instrument_id": name, "price": "12345.678901234567890123", "currency": currencies[number % 3]}
            for number, name in enumerate(WORST_NAMES)
        ],
        "fx_rates": [{"pair": "JPY/SGD", "rate": "0.008712345678901234567"}, {"pair": "SGD/TND", "rate": "2.31"}],
    }
    request["shelf_entries"] = [
        {
            "instrument_id": name,
            "status": "APPROVED",
            "asset_class": "EQUITY",
            "issuer_id": name,
            "liquidity_tier": "L5",
        }
        for name in WORST_NAMES
    ]
    request["proposed_cash_flows"] = [
        {"currency": "SGD", "amount": "-123456789.123456", "description": "D" * 200},
        {"currency": "EUR", "amount": "5"},
    ]
    request["proposed_trades"] = [
        {"side": ("SELL", "BUY")[number % 2], "instrument_id": name, "quantity": "1234567890.123456789012345678"}
        for number, name in enumerate(WORST_NAMES)
    ] + [
        {"side": "BUY", "instrument_id": f"NOWHERE_{'X' * 32}", "quantity": "123456789012345678.123456789"},
        {
            "side": "BUY",
            "instrument_id": WORST_NAMES[0],
            "notional": {"amount": "98765432109876.543", "currency": "KWD"},
        },
    ]
    return request


def a_portfolio_body(positions: int, *, name: str = "INSTRUMENT") -> dict[str, Any]:
    """A create request with so many positions in three currencies, trades, FX and suitability issues."""
    names = [f"{name}_{number:03d}" for number in range(positions)]
    currencies = ("SGD", "USD", "EUR")
    request = {
        "portfolio_snapshot": {
            "portfolio_id": "pf_1",
            "base_currency": "SGD",
            "positions": [{"instrument_id": each, "quantity": str(number + 10)} for number, each in enumerate(names)],
            "cash_balances": [{"currency": "SGD", "amount": "90000.00"}],
        },
        "market_data_snapshot": {
            "prices": [
                {"instrument_id": each, "price": f"{number % 50 + 10}.50", "currency": currencies[number % 3]}
                for number, each in enumerate(names)
            ],
            "fx_rates": [{"pair": "USD/SGD", "rate": "1.35"}, {"pair": "EUR/SGD", "rate": "1.46"}],
        },
        "shelf_entries": [
            {
                "instrument_id": each,
                "status": "APPROVED",
                "asset_class": ("EQUITY", "FIXED_INCOME", "FUND")[number % 3],
                "issuer_id": f"ISSUER_{number % 40}",
                "liquidity_tier": "L1",
            }
            for number, each in enumerate(names)
        ],
        "options": {"enable_proposal_simulation": True},
        "proposed_cash_flows": [{"currency": "SGD", "amount": "-1000.00", "description": "Tuition"}],
        "proposed_trades": [
            {"side": "SELL", "instrument_id": names[0], "quantity": "3"},
            {"side": "BUY", "instrument_id": names[1], "quantity": "40"},
        ],
    }
    return a_body(simulate_request=request)
