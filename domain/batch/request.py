"""The request of a batch: a wrong envelope refuses the whole, a malformed item or scenario fails its runs."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from domain.batch.chunks import NamedItem
from domain.batch.parts import (
    BatchItem,
    BatchScenario,
    Description,
    ItemId,
    Malformed,
    Part,
    ScenarioName,
    SharedPart,
    read_part,
)
from domain.canonical import canonical_text, sha256_of
from domain.decimals import normal_text
from domain.portfolio import Name
from domain.request import EXAMPLE

MAX_SCENARIOS: Final = 20
ANALYZE_EXAMPLE: Final[dict[str, Any]] = {
    "created_by": "desk_1",
    "description": "House view 2026-11: US technology to underweight",
    "shared": {name: EXAMPLE[name] for name in ("market_data_snapshot", "shelf_entries", "options")},
    "items": [
        {
            "id": "pf_1",
            "portfolio_snapshot": EXAMPLE["portfolio_snapshot"],
            "proposed_trades": [{"side": "SELL", "instrument_id": "EQ_US_TECH", "fraction_of_position": "0.5"}],
        }
    ],
    "scenarios": {"hold": {"description": "as it is", "proposed_trades": []}, "trim": {}},
}


class _ItemWithId(BaseModel):
    id: ItemId


class _Described(BaseModel):
    description: Description | None = None


class _Judged:
    """`Annotated[X, _Judged(Model)]`: an item or a scenario; one that is malformed is kept as such, with its errors.

    The OpenAPI document has the model's schema. Validation takes the largest number of rows from its context.
    """

    def __init__(self, part: type[BatchItem | BatchScenario]) -> None:
        self.stands_for = part

    def __get_pydantic_core_schema__(self, _: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_wrap_validator_function(self._judged, handler.generate_schema(self.stands_for))

    def _judged(self, value: Any, _: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
        if not isinstance(value, dict):
            raise PydanticCustomError("dict_type", "Input should be a valid dictionary")
        max_rows = (info.context or {}).get("max_rows", float("inf"))
        if self.stands_for is BatchItem:
            named = _ItemWithId.model_validate(value)
            return NamedItem(id=named.id, part=read_part(value, BatchItem, max_rows=max_rows))
        _Described.model_validate(value)
        return read_part(value, BatchScenario, max_rows=max_rows)


def _baseline() -> dict[str, BatchScenario | Malformed]:
    return {"baseline": BatchScenario()}


class AnalyzeRequest(BaseModel):
    """Many portfolios, each in one or several scenarios."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    created_by: Name = Field(
        description="The person who submits the batch; the `sub` of the token, or anyone with `actors:any`.",
        examples=["desk_1"],
    )
    description: Description | None = Field(
        None, description="For people; never computed on.", examples=[ANALYZE_EXAMPLE["description"]]
    )
    shared: SharedPart = Field(
        default_factory=SharedPart,
        description="What all runs have in common.",
        examples=[ANALYZE_EXAMPLE["shared"]],
    )
    items: Annotated[tuple[Annotated[NamedItem, _Judged(BatchItem)], ...], Field(min_length=1)] = Field(
        description="What varies; each overrides `shared`, field by field and option by option.",
        examples=[ANALYZE_EXAMPLE["items"]],
    )
    scenarios: Annotated[
        dict[ScenarioName, Annotated[BatchScenario | Malformed, _Judged(BatchScenario)]],
        Field(min_length=1, max_length=MAX_SCENARIOS),
    ] = Field(
        default_factory=_baseline,
        description="What if: each overrides every item; ordered by name. One run for each item in each scenario.",
        examples=[ANALYZE_EXAMPLE["scenarios"]],
    )

    @property
    def repeated_item(self) -> int | None:
        """The place of the first item whose id an earlier one has."""
        seen: set[str] = set()
        for place, item in enumerate(self.items):
            if item.id in seen:
                return place
            seen.add(item.id)
        return None

    @property
    def portfolio_id(self) -> str | None:
        """The portfolio of a batch that has one; None for several."""
        parts = [self.shared, *(item.part for item in self.items), *self.scenarios.values()]
        given = [part.given().get("portfolio_snapshot") for part in parts if isinstance(part, Part)]
        ids = {portfolio.portfolio_id for portfolio in given if portfolio is not None}
        return ids.pop() if len(ids) == 1 else None


def batch_hash(request: AnalyzeRequest, sent: Mapping[str, Any]) -> str:
    """The hash of a batch (D17) without callback and descriptions; a malformed part enters as it was sent."""
    items, scenarios = sent["items"], sent.get("scenarios", {})
    hashed = {
        "created_by": request.created_by,
        "shared": _hashed(request.shared, None),
        "items": [{"id": item.id, **_hashed(item.part, raw)} for item, raw in zip(request.items, items, strict=True)],
        "scenarios": {name: _hashed(part, scenarios.get(name)) for name, part in request.scenarios.items()},
    }
    return sha256_of(canonical_text(hashed, default=normal_text))


def _hashed(part: Part | Malformed, sent: Any) -> dict[str, Any]:
    """What is given is given, also where it equals a default: it overrides."""
    if isinstance(part, Malformed):
        return {"malformed": {name: value for name, value in sent.items() if name not in ("id", "description")}}
    return {name: _without_defaults(value) for name, value in part.given().items()}


def _without_defaults(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(exclude_defaults=True)
    if isinstance(value, tuple):
        return [_without_defaults(row) for row in value]
    if isinstance(value, Mapping):
        return {name: _without_defaults(member) for name, member in value.items()}
    return value
