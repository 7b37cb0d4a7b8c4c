"""Requests at random: plausible ones, most of which go through, and wild ones that are merely accepted."""

from decimal import Decimal
from itertools import permutations
from random import Random
from typing import Any

from hypothesis import strategies as st

CURRENCIES = {"USD": 1.0, "SGD": 0.74, "EUR": 1.08, "JPY": 0.0067, "GBP": 1.27, "KRW": 0.0007, "TND": 0.32}  # in USD
INSTRUMENTS = tuple("ABCDEFGH")
CLASSES = ("EQUITY", "BOND", "FUND")
STATUSES = ("RESTRICTED", "SELL_ONLY", "BANNED", "SUSPENDED")


def plausible_bodies() -> st.SearchStrategy[dict[str, Any]]:
    """SimulateRequests as advisors send them: rates are consistent, most prices known, most trades affordable."""
    return st.randoms(use_true_random=True).map(_plausible_body)


def tiny_purchases() -> st.SearchStrategy[dict[str, Any]]:
    """Plausible ones that buy less of each instrument than the smallest coin pays, from cash in one currency."""
    return plausible_bodies().map(_with_tiny_purchases)


def _with_tiny_purchases(body: dict[str, Any]) -> dict[str, Any]:
    del body["portfolio_snapshot"]["cash_balances"][1:]
    buys = [{"side": "BUY", "instrument_id": name, "quantity": "0.00001"} for name in INSTRUMENTS]
    return body | {"proposed_cash_flows": [], "proposed_trades": buys}


def first_plausible_bodies(count: int) -> list[dict[str, Any]]:
    """The same ones every time."""
    return [_plausible_body(Random(seed)) for seed in range(count)]  # noqa: S311 -- examples, not secrets


def _plausible_body(random: Random) -> dict[str, Any]:
    base = random.choice(("USD", "SGD", "EUR"))
    currencies = [base, *random.sample(sorted(CURRENCIES), 2)]
    held = random.sample(INSTRUMENTS, random.randint(2, 6))
    quoted = {name: (f"{random.uniform(5, 300):.2f}", random.choice(currencies)) for name in INSTRUMENTS}
    unpriced = random.choice(INSTRUMENTS) if random.random() < 0.1 else None
    positions: list[dict[str, Any]] = [
        {"instrument_id": name, "quantity": str(random.randint(20, 400))} for name in held
    ]
    if random.random() < 0.15:
        positions.append({"instrument_id": held[0], "quantity": "5.50"})
    if random.random() < 0.15:
        positions[0]["quantity"] = "0"
    if random.random() < 0.3:
        for row in positions:
            price, currency = quoted[row["instrument_id"]]
            row["market_value"] = {"amount": f"{float(price) * float(row['quantity']):.2f}", "currency": currency}
    return {
        "portfolio_snapshot": {
            "portfolio_id": "pf_1",
            "base_currency": base,
            "positions": positions,
            "cash_balances": _cash(random, currencies),
        },
        "market_data_snapshot": {
            "snapshot_id": "md_1",
            "prices": [
                {"instrument_id": name, "price": price, "currency": currency}
                for name, (price, currency) in quoted.items()
                if name != unpriced
            ],
            "fx_rates": _rates(random, sorted(set(currencies))),
        },
        "shelf_entries": [_shelf_entry(random, name) for name in INSTRUMENTS if random.random() > 0.01],
        "options": _options(random),
        "proposed_cash_flows": _flows(random, currencies),
        "proposed_trades": _trades(random, held, quoted),
        "reference_model": _model(random, base),
    }


def _cash(random: Random, currencies: list[str]) -> list[dict[str, str]]:
    """Mostly much in the base currency, and little in the others."""
    most = 60000 if random.random() < 0.9 else 500
    rows = [{"currency": currencies[0], "amount": f"{random.uniform(most / 60, most):.2f}"}]
    rows += [
        {"currency": currency, "amount": f"{random.uniform(0, 2000):.2f}"}
        for currency in dict.fromkeys(currencies[1:])
        if currency != currencies[0] and random.random() < 0.6
    ]
    if rows and random.random() < 0.15:
        rows.append({"currency": rows[0]["currency"], "amount": "-10.005", "pending": "1"})
    return rows


def _rates(random: Random, currencies: list[str]) -> list[dict[str, str]]:
    rates = []
    for index, one in enumerate(currencies):
        for other in currencies[index + 1 :]:
            pair = (one, other) if random.random() < 0.5 else (other, one)
            if random.random() > 0.04:
                rate = CURRENCIES[pair[0]] / CURRENCIES[pair[1]]
                rates.append({"pair": "/".join(pair), "rate": f"{rate:.6f}"})
    return rates


def _shelf_entry(random: Random, name: str) -> dict[str, Any]:
    return {
        "instrument_id": name,
        "status": random.choice(STATUSES) if random.random() < 0.06 else "APPROVED",
        "asset_class": random.choice(CLASSES),
        "issuer_id": random.choice((None, "ISS_1", "ISS_2", f"ISS_{name}")),
        "liquidity_tier": random.choice((None, "L1", "L4", "L5")),
        "attributes": {"region": random.choice(("US", "EU"))} if random.random() < 0.5 else {},
    }


def _options(random: Random) -> dict[str, Any]:
    options: dict[str, Any] = {"enable_proposal_simulation": True}
    choices = {
        "valuation_mode": "TRUST_SNAPSHOT",
        "auto_funding": False,
        "proposal_apply_cash_flows_first": False,
        "proposal_block_negative_cash": False,
        "block_on_missing_prices": False,
        "block_on_missing_fx": False,
        "allow_restricted": True,
        "fx_funding_source_currency": "BASE_ONLY",
        "link_buy_to_same_currency_sell_dependency": True,
        "client_consent_already_obtained": True,
        "enable_workflow_gates": False,
        "enable_suitability_scanner": False,
        "enable_instrument_drift": False,
        "single_position_max_weight": "0.6",
        "cash_band_max_weight": "0.20",
        "drift_top_contributors_limit": 2,
        "suitability_thresholds": {"single_position_max_weight": "0.25", "cash_band_max_weight": "0.5"},
    }
    return options | {name: value for name, value in choices.items() if random.random() < 0.1}


def _flows(random: Random, currencies: list[str]) -> list[dict[str, str]]:
    return [
        {"currency": random.choice(currencies), "amount": f"{random.uniform(-500, 3000):.2f}"}
        for _ in range(random.choice((0, 0, 1, 2)))
    ]


def _trades(random: Random, held: list[str], quoted: dict[str, tuple[str, str]]) -> list[dict[str, Any]]:
    trades = []
    for _ in range(random.randint(1, 4)):
        if random.random() < 0.3:
            name = random.choice(held)
            is_too_much = random.random() < 0.1
            quantity = str(random.randint(300, 500) if is_too_much else random.randint(1, 10))
            trades.append({"side": "SELL", "instrument_id": name, "quantity": quantity})
            if is_too_much:  # bought back in the same proposal
                trades.append({"side": "BUY", "instrument_id": name, "quantity": quantity})
            continue
        name = random.choice(INSTRUMENTS)
        if random.random() < 0.4:
            size: dict[str, Any] = {
                "notional": {"amount": f"{random.uniform(1, 4000):.3f}", "currency": quoted[name][1]}
            }
        else:
            size = {"quantity": f"{random.uniform(0.1, 20):.1f}"}
        trades.append({"side": "BUY", "instrument_id": name, **size})
    return trades


def _model(random: Random, base: str) -> dict[str, Any] | None:
    if random.random() < 0.3:
        return None
    return {
        "model_id": "model_1",
        "as_of": "2026-01-01",
        "base_currency": "GBP" if random.random() < 0.05 else base,
        "asset_class_targets": [{"asset_class": name, "weight": "0.30"} for name in CLASSES],
        "instrument_targets": [
            {"instrument_id": name, "weight": f"{random.uniform(0, 0.3):.3f}"} for name in INSTRUMENTS[:5]
        ]
        if random.random() < 0.6
        else [],
    }


def decimal_texts(*, is_positive: bool = False) -> st.SearchStrategy[str]:
    """Every kind of decimal that is accepted: huge, tiny, with many digits, zeros of any exponent."""
    whole = st.integers(0, 10**18 - 1).map(str)
    places = st.integers(0, 10**24 - 1).map(lambda number: f"{number:024}".rstrip("0") + "0")
    long = st.builds("{}.{}".format, whole, places).filter(lambda text: text.strip("0.") != "")
    extreme = st.sampled_from(("1E-24", "0.000000000000000000000007", "1E+17", "999999999999999999.5", "9.99E+5", "1"))
    positive = long | extreme | st.integers(1, 10**6).map(str)
    if is_positive:
        return positive
    zeros = st.sampled_from(("0", "-0", "0.0000", "0E+99999999", "0E-999999999999999999", "0E+999999999999999999"))
    return positive | positive.map("-{}".format) | zeros


BAND = ("cash_band_min_weight", "cash_band_max_weight")
WILD_NAMES = ("A", "B", '"', "\u03a9\u2028")
WILD_CURRENCIES = ("USD", "JPY", "KWD")
WILD_PAIRS = tuple("/".join(pair) for pair in permutations(WILD_CURRENCIES, 2))
wild_name = st.sampled_from(WILD_NAMES)
wild_currency = st.sampled_from(WILD_CURRENCIES)
fraction = st.sampled_from(("0", "1", "0.5", "1E-24"))
signed, positive = decimal_texts(), decimal_texts(is_positive=True)


def _row(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(fields)


def _some(row: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[list[dict[str, Any]]]:
    return st.lists(row, max_size=4)


def _each(key: str, row: st.SearchStrategy[dict[str, Any]], least: int = 0) -> st.SearchStrategy[list[dict[str, Any]]]:
    return st.lists(row, min_size=least, max_size=5, unique_by=lambda made: made[key])


def _valued(name: str, quantity: str, value: str, currency: str, mode: str) -> dict[str, Any]:
    """A position and perhaps its market value, of the quantity's sign or zero."""
    position: dict[str, Any] = {"instrument_id": name, "quantity": quantity}
    if mode != "unvalued":
        is_nothing = not Decimal(quantity) or mode == "worthless"
        amount = "0.00" if is_nothing else ("-" if quantity.startswith("-") else "") + value
        position["market_value"] = {"amount": amount, "currency": currency}
    return position


def wild_bodies() -> st.SearchStrategy[dict[str, Any]]:
    """SimulateRequests whose numbers are anything that is accepted."""
    modes = st.sampled_from(("unvalued", "valued", "worthless"))
    position = st.builds(_valued, wild_name, signed, positive, wild_currency, modes)
    notional = _row(amount=positive, currency=wild_currency)
    size = _row(quantity=positive) | _row(notional=notional)
    trade = st.builds(
        lambda head, size: head | size,
        _row(side=st.sampled_from(("BUY", "BUY", "SELL")), instrument_id=wild_name),
        size,
    )
    band = st.tuples(fraction, fraction).map(lambda edges: sorted(edges, key=Decimal))
    thresholds = _row(single_position_max_weight=fraction, issuer_max_weight=fraction)
    model = _row(
        model_id=wild_name,
        as_of=wild_name,
        base_currency=wild_currency,
        asset_class_targets=_each("asset_class", _row(asset_class=wild_name, weight=fraction)),
        instrument_targets=_each("instrument_id", _row(instrument_id=wild_name, weight=fraction)),
    )
    price = _row(instrument_id=wild_name, price=positive, currency=wild_currency)
    rate = _row(pair=st.sampled_from(WILD_PAIRS), rate=positive)
    entry = _row(
        instrument_id=wild_name,
        status=st.sampled_from(("APPROVED", "APPROVED", "APPROVED", *STATUSES)),
        issuer_id=st.none() | wild_name,
        liquidity_tier=st.sampled_from((None, "L1", "L5")),
    )
    cash = _row(currency=wild_currency, amount=signed, settled=st.none() | signed)
    return _row(
        portfolio_snapshot=_row(
            portfolio_id=wild_name,
            base_currency=wild_currency,
            positions=_each("instrument_id", position) | _some(position),
            cash_balances=_some(cash),
        ),
        market_data_snapshot=_row(prices=_each("instrument_id", price, least=2), fx_rates=_each("pair", rate, least=2)),
        shelf_entries=_each("instrument_id", entry, least=3),
        options=_row(
            valuation_mode=st.sampled_from(("CALCULATED", "TRUST_SNAPSHOT")),
            single_position_max_weight=st.none() | fraction,
            drift_unmodeled_exposure_threshold=fraction,
            proposal_apply_cash_flows_first=st.booleans(),
            auto_funding=st.booleans(),
            allow_restricted=st.booleans(),
            block_on_missing_fx=st.booleans(),
            suitability_thresholds=thresholds,
        ).flatmap(lambda options: band.map(lambda edges: options | dict(zip(BAND, edges, strict=True)))),
        proposed_cash_flows=_some(_row(currency=wild_currency, amount=signed)),
        proposed_trades=_some(trade),
        reference_model=st.none() | model,
    )
