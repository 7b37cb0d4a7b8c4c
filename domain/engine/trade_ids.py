"""The ids of trade intents: each trade of the request has one, made or dropped."""

from typing import Final

_PREFIX: Final = "oi_"


def trade_id(number: int) -> str:
    """Of the request's trade of this number; the first is 1."""
    return f"{_PREFIX}{number}"


def trade_number(intent_id: str) -> int:
    return int(intent_id.removeprefix(_PREFIX))
