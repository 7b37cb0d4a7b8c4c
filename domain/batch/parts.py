"""What `shared`, an item or a scenario says of a run's request: any fields of a SimulateRequest, each parsed alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Final, NamedTuple, TypeVar, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, StringConstraints, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema
from typing_extensions import TypedDict

from domain.decimals import NO_FLOAT, PositiveDecimal
from domain.options import EngineOptions
from domain.places import Place, shown_place
from domain.portfolio import MarketDataSnapshot, PortfolioSnapshot, ReferenceModel, Rows, ShelfEntry
from domain.request import ProposedCashFlow, ProposedTrade, SimulateRequest
from domain.request_size import excess_of
from domain.unknown_names import UNKNOWN_MEMBER, unknown_member

MAX_LISTED: Final = 20  # errors of one part
FIELDS: Final = tuple(SimulateRequest.model_fields)

ItemId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:/+=-]{1,128}$")]
Description = Annotated[str, StringConstraints(max_length=500)]
ScenarioName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,64}$")]
FractionOfOne = Annotated[PositiveDecimal, Field(le=1), NO_FLOAT]


class PartError(NamedTuple):
    """One thing that is wrong; `loc` begins in the part, or in the request when the part has been told apart."""

    type: str
    loc: Place
    msg: str


class SizedTrade(ProposedTrade):
    """A trade sized by quantity or notional, or by what the portfolio holds or is worth: one list for many."""

    SIZES: ClassVar[tuple[str, ...]] = (*ProposedTrade.SIZES, "fraction_of_position", "fraction_of_portfolio")

    fraction_of_position: FractionOfOne | None = Field(
        None, description="Of what the portfolio holds of the instrument, 1 is all.", examples=["0.5"]
    )
    fraction_of_portfolio: FractionOfOne | None = Field(
        None, description="Of the portfolio's total value, 1 is all.", examples=["0.05"]
    )


def _described(field: FieldInfo) -> Any:
    return Field(description=field.description, examples=field.examples, json_schema_extra=field.json_schema_extra)


class _SomeOptions:
    """`Annotated[Mapping[str, Any], _SomeOptions(...)]`: the given ones of EngineOptions, and no default."""

    def __init__(self, name: str, *, extra: str) -> None:
        hints = get_type_hints(EngineOptions, include_extras=True)
        fields = {name: Annotated[hints[name], _described(field)] for name, field in EngineOptions.model_fields.items()}
        self.stands_for = EngineOptions
        self._typed = TypedDict(name, fields, total=False)  # type: ignore[misc]  # its fields are EngineOptions'
        self._typed.__pydantic_config__ = ConfigDict(extra=extra)  # type: ignore[typeddict-item]  # pydantic's protocol

    def __get_pydantic_core_schema__(self, _: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return handler.generate_schema(self._typed)


def _given(name: str) -> Any:
    """A field that may be absent; a factory, since a default would show in the OpenAPI document."""
    field = SimulateRequest.model_fields[name]
    return Field(default_factory=lambda: None, description=field.description, examples=field.examples)


class Part(BaseModel):
    """Any of the fields of a SimulateRequest; a field that is given stands for the whole field."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    portfolio_snapshot: PortfolioSnapshot = _given("portfolio_snapshot")
    market_data_snapshot: MarketDataSnapshot = _given("market_data_snapshot")
    shelf_entries: Rows[ShelfEntry] = _given("shelf_entries")
    options: Annotated[Mapping[str, Any], _SomeOptions("ItemOptions", extra="ignore")] = _given("options")
    proposed_cash_flows: Rows[ProposedCashFlow] = _given("proposed_cash_flows")
    proposed_trades: Rows[SizedTrade] = _given("proposed_trades")
    reference_model: ReferenceModel | None = _given("reference_model")

    def given(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in FIELDS if name in self.model_fields_set}

    def text(self) -> str:
        """The part as it is stored: the given members, each decimal as it was written."""
        return self.model_dump_json(include=set(FIELDS), exclude_unset=True)


class SharedPart(Part):
    """The members of all runs, unless their item or scenario overrides them.

    An unknown option is refused here, where one misspelt word would leave every run as it was.
    """

    options: Annotated[Mapping[str, Any], _SomeOptions("SharedOptions", extra="forbid")] = _given("options")


class BatchScenario(SharedPart):
    """A change for all items; it overrides item and `shared`."""

    description: Description | None = Field(None, description="For people; never computed on.", examples=["as it is"])


class BatchItem(Part):
    """One portfolio, or whatever varies."""

    id: ItemId = Field(description="Names the item; unique in the batch.", examples=["pf_1"])


@dataclass(frozen=True, kw_only=True, slots=True)
class Malformed:
    """A part that no run can be computed with, and why."""

    errors: tuple[PartError, ...]


PartClass = TypeVar("PartClass", bound=Part)


def read_part(value: Any, part: type[PartClass], *, max_rows: float) -> PartClass | Malformed:
    """The part, or what is wrong with it: what it has too much of (R44), else what does not validate."""
    if excess := list(excess_of(value, max_rows=max_rows)):
        return Malformed(errors=tuple(PartError("too_long", place, message) for place, message in excess[:MAX_LISTED]))
    return parsed_part(value, part)


def parsed_part(value: Any, part: type[PartClass]) -> PartClass | Malformed:
    """As `read_part`, of a part known to be small enough; errors hold neither a value nor a client's own key."""
    try:
        return part.model_validate(value)
    except ValidationError as refused:
        listed = refused.errors(include_url=False, include_context=False, include_input=False)
        errors = dict.fromkeys(_shown(error["type"], error["loc"], error["msg"], part) for error in listed)
        return Malformed(errors=tuple(errors)[:MAX_LISTED])


def _shown(kind: str, place: Place, message: str, part: type[BaseModel]) -> PartError:
    if kind == UNKNOWN_MEMBER:
        unknown = unknown_member(place, part)
        return PartError(kind, unknown["loc"], unknown["msg"])
    return PartError(kind, shown_place(place, part), message)
