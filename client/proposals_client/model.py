"""What every generated model is made of: answers of a later release stay readable, and no float becomes a decimal."""

import decimal
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, PlainSerializer


class Model(BaseModel):
    """A member that this release does not know is kept; validators are built at their first use."""

    model_config = ConfigDict(extra="allow", defer_build=True, frozen=True)


class OpenEnum(StrEnum):
    """Known values by name; a value of a later release is taken as it is."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        member = str.__new__(cls, value)
        member._name_ = member._value_ = value
        return member


def _exact(value: object) -> object:
    if isinstance(value, float):
        raise ValueError("a float is not exact: pass a Decimal, a str or an int")  # noqa: TRY004 -- pydantic's rule
    return value


ExactDecimal = Annotated[decimal.Decimal, BeforeValidator(_exact)]


def _wire_text(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds")


Timestamp = Annotated[AwareDatetime, PlainSerializer(_wire_text, when_used="json")]
