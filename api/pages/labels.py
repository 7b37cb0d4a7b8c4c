"""What codes of the engine mean, for readers who know none of them."""

from collections.abc import Mapping
from typing import Final

from domain.engine import codes

# A code whose words say it already, such as DATA_QUALITY, has no row.
LABELS: Final[Mapping[str, str]] = {
    codes.RULE_FAILED["HARD"]: "hard rule failed",
    codes.RULE_FAILED["SOFT"]: "soft rule failed",
    codes.NEW_ISSUE["HIGH"]: "new suitability issue of high severity",
    codes.NEW_ISSUE["MEDIUM"]: "new suitability issue of medium severity",
    codes.GAPS["price_missing"]: "prices are missing",
    codes.GAPS["fx_missing"]: "exchange rates are missing",
    codes.GAPS["shelf_missing"]: "instruments are missing on the shelf",
    # Rules
    codes.CASH_BAND: "cash outside its band",
    codes.SINGLE_POSITION_MAX: "position above its limit",
    codes.NO_SHORTING: "more sold than held",
    codes.INSUFFICIENT_CASH: "not enough cash",
    codes.INPUT_GUARDS: "request cannot be carried out",
    codes.FUNDING_DQ: "exchange rate for funding is missing",
    codes.DROPPED_TRADES: "trades dropped for want of a price",
    codes.RECONCILIATION: "values before and after do not match",
    # Their reasons
    codes.THRESHOLD_BREACH: "outside the allowed range",
    codes.LIMIT_BREACH: "above the limit",
    codes.SELL_EXCEEDS_HOLDINGS: "a sell exceeds what is held",
    codes.CASH_BALANCE_NEGATIVE: "a cash balance becomes negative",
    codes.MISSING_FX: "an exchange rate for funding is missing",
    codes.VALUE_MISMATCH: "the values differ by more than the tolerance",
    codes.WITHDRAWAL_NEGATIVE_CASH: "a withdrawal makes a cash balance negative",
    codes.TRADE_NOT_SUPPORTED_BY_SHELF: "the shelf does not allow a buy",
    codes.INVALID_TRADE_INPUT: "a trade does not fit its price",
    codes.INSUFFICIENT_FUNDING_CASH: "not enough cash to fund the buys",
    codes.MISSING_FX_FOR_FUNDING: "an exchange rate for funding is missing",
    codes.TOTAL_NOT_POSITIVE: "the portfolio is worth zero or less",
    # Why a trade was dropped
    codes.MISSING_PRICE: "no price",
    codes.MISSING_SHELF: "not on the shelf",
    codes.SHELF_STATUS: "the shelf does not allow the buy",
    codes.CURRENCY_MISMATCH: "amount in another currency than the price",
    codes.PRICE_ZERO: "price of zero",
    codes.UNFUNDED: "not enough cash in its currency, nor in another",
}
