"""The request of a run: `shared`, overridden by the item, overridden by the scenario, reduced to what it names."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from pydantic import BaseModel
from pydantic_core import to_json

from domain.batch.parts import FIELDS, BatchItem, BatchScenario, Malformed, Part, PartError, SizedTrade
from domain.batch.sizing import TradeUnsizable, is_sized, plain_trades, sized_trades
from domain.engine.validate import refusals
from domain.options import EngineOptions, require_band
from domain.places import Place
from domain.portfolio import MarketDataSnapshot
from domain.request import SimulateRequest
from domain.request_size import PRICES, SHELF_ENTRIES, excess_of, row_count

REQUIRED: Final = tuple(name for name, field in SimulateRequest.model_fields.items() if field.is_required())
BYTES_OF_ROW: Final = 200  # most have fewer; one of long texts costs as much as several


class RunRefused(Exception):
    """A run whose request is invalid; places begin with the part that a value came from."""

    def __init__(self, errors: Iterable[PartError]) -> None:
        self.errors = tuple(errors)
        super().__init__(self.errors)


class _Rows:
    """Rows by instrument; each batch asks for a few of thousands, for each of its runs."""

    def __init__(self, rows: Sequence[Any]) -> None:
        self._rows = rows
        self._places: dict[str, list[int]] = {}
        for place, row in enumerate(rows):
            self._places.setdefault(row.instrument_id, []).append(place)

    def named(self, instruments: Iterable[str]) -> tuple[list[int], tuple[Any, ...]]:
        """The places of these instruments' rows, and the rows, in their order."""
        places = sorted(place for name in instruments for place in self._places.get(name, ()))
        return places, tuple([self._rows[place] for place in places])


class _Effective:
    """The fields of one run, each with the part that it came from."""

    def __init__(self, parts: Sequence[tuple[Place, Part]]) -> None:
        self.fields: dict[str, Any] = {}
        self.origins: dict[str, Place] = {}
        options: dict[str, Any] = {}
        for origin, part in parts:
            given = part.given()
            options |= given.pop("options", {})
            if "options" in part.model_fields_set:
                self.origins["options"] = origin
            self.fields |= given
            self.origins |= dict.fromkeys(given, origin)
        self.options = options
        self.trades: Sequence[SizedTrade] = self.fields.get("proposed_trades", ())
        self.identity = (
            *(id(part.options) for _, part in parts),
            *(id(self.fields.get(name)) for name in FIELDS),
        )


class Composition:
    """The shared part and the scenarios of a batch, from which the request of each run is composed.

    Parts are parsed, and what is put together from them is not parsed again. A part that many runs share is indexed
    once.
    """

    def __init__(self, shared: Part, scenarios: Mapping[str, BatchScenario | Malformed], *, max_rows: int) -> None:
        self._shared = shared
        self.scenarios = dict(sorted(scenarios.items()))
        self.max_rows = max_rows
        common = [shared, *(scenario for scenario in self.scenarios.values() if isinstance(scenario, BatchScenario))]
        lasting = [value for part in common for value in (part.market_data_snapshot, part.shelf_entries) if value]
        self._lasting: dict[int, _Rows] = {}
        for value in lasting:
            self._lasting[id(value)] = _Rows(value.prices if isinstance(value, MarketDataSnapshot) else value)
        self._row_counts: dict[tuple[int, ...], int] = {}
        self._sizes: dict[int, int] = {}

    def request(self, item: BatchItem | Malformed, scenario: str, *, number: int) -> SimulateRequest:
        """The request of the run of an item, the batch's `number`-th, in a scenario. Raises RunRefused."""
        effective = self._effective(item, scenario, number)
        request, places = self._reduced(effective)
        origin_of = _Places(effective.origins, places, fallback=("items", number))
        if excess := list(excess_of(_with_all_trades(request, effective), max_rows=self.max_rows)):
            raise RunRefused(PartError("too_long", origin_of.shown(place), message) for place, message in excess)
        if contradictions := refusals(request):
            raise RunRefused(
                PartError("value_error", origin_of.shown(refusal.loc), refusal.message) for refusal in contradictions
            )
        if not any(map(is_sized, effective.trades)):
            return request
        try:
            sized = sized_trades(effective.trades, request)
        except TradeUnsizable as failed:
            place = origin_of.shown(("proposed_trades", failed.number))
            raise RunRefused([PartError("value_error", place, str(failed))]) from None
        return request.model_copy(update={"proposed_trades": sized})

    def row_count(self, item: BatchItem | Malformed, scenario: str) -> int:
        """Rows of a run's request, or how many its bytes come to; 1 for a run that has none because it is refused.

        A part is recognised by its identity, so keep all items until the last is counted.
        """
        try:
            effective = self._effective(item, scenario, 0)
            if effective.identity not in self._row_counts:
                request = _with_all_trades(self._reduced(effective)[0], effective)
                self._row_counts[effective.identity] = max(
                    row_count(request), self._size(request, effective) // BYTES_OF_ROW
                )
        except RunRefused:
            return 1
        return self._row_counts[effective.identity]

    def _effective(self, item: BatchItem | Malformed, name: str, number: int) -> _Effective:
        scenario = self.scenarios[name]
        malformed = [
            PartError(error.type, (*origin, *error.loc), error.msg)
            for origin, part in ((("items", number), item), (("scenarios", name), scenario))
            if isinstance(part, Malformed)
            for error in part.errors
        ]
        if isinstance(item, Malformed) or isinstance(scenario, Malformed):
            raise RunRefused(malformed)
        effective = _Effective(
            [(("shared",), self._shared), (("items", number), item), (("scenarios", name), scenario)]
        )
        if missing := [field for field in REQUIRED if field not in effective.fields]:
            raise RunRefused(PartError("missing", ("items", number, field), "Field required") for field in missing)
        return effective

    def _reduced(self, effective: _Effective) -> tuple[SimulateRequest, Mapping[Place, Sequence[int]]]:
        """The request without prices and shelf rows of what it does not name, and where the others stood.

        Trades that are still to be sized are not in it. Raises RunRefused.
        """
        fields = effective.fields
        market, model = fields["market_data_snapshot"], fields.get("reference_model")
        instruments = {row.instrument_id for row in fields["portfolio_snapshot"].positions}
        instruments.update(trade.instrument_id for trade in effective.trades)
        instruments.update(target.instrument_id for target in (model.instrument_targets if model else ()))
        price_places, prices = self._rows(market, market.prices).named(instruments)
        shelf_places, shelf = self._rows(fields["shelf_entries"], fields["shelf_entries"]).named(instruments)
        reduced = {
            **fields,
            "market_data_snapshot": MarketDataSnapshot.model_construct(
                snapshot_id=market.snapshot_id, prices=prices, fx_rates=market.fx_rates
            ),
            "shelf_entries": shelf,
            "options": _options(effective),
            "proposed_trades": plain_trades(effective.trades),
        }
        return SimulateRequest.model_construct(**reduced), {PRICES: price_places, SHELF_ENTRIES: shelf_places}

    def _size(self, request: SimulateRequest, effective: _Effective) -> int:
        """About how many bytes the request is written in."""
        market = request.market_data_snapshot
        whole = [effective.fields.get(name) for name in ("portfolio_snapshot", "reference_model")]
        rows = [*market.prices, *market.fx_rates, *request.shelf_entries]
        rows += [*effective.trades, *effective.fields.get("proposed_cash_flows", ())]
        sizes = [self._size_of(part) for part in (*whole, *rows) if part is not None]
        return sum(sizes) + len(to_json(effective.options))

    def _size_of(self, part: BaseModel) -> int:
        size = self._sizes.get(id(part))
        if size is None:
            size = self._sizes[id(part)] = len(part.model_dump_json())
        return size

    def _rows(self, holder: Any, rows: Sequence[Any]) -> _Rows:
        return self._lasting.get(id(holder)) or _Rows(rows)


def _with_all_trades(request: SimulateRequest, effective: _Effective) -> SimulateRequest:
    """The request as it is counted, with the trades that are still to be sized."""
    return request.model_copy(update={"proposed_trades": effective.trades})


class _Places:
    """From a place in a run's request to the place in what was sent."""

    def __init__(self, origins: Mapping[str, Place], moved: Mapping[Place, Sequence[int]], *, fallback: Place) -> None:
        self._origins = origins
        self._moved = moved
        self._fallback = fallback

    def shown(self, place: Place) -> Place:
        for rows, places in self._moved.items():
            if place[: len(rows)] == rows and len(place) > len(rows):
                index = place[len(rows)]
                if isinstance(index, int):
                    place = (*rows, places[index], *place[len(rows) + 1 :])
        return (*self._origins.get(str(place[0]), self._fallback), *place)


def _options(effective: _Effective) -> EngineOptions:
    options = EngineOptions.model_construct(**effective.options)
    try:
        require_band(options.cash_band_min_weight, options.cash_band_max_weight)
    except ValueError as failed:
        place = (*effective.origins["options"], "options")
        raise RunRefused([PartError("value_error", place, f"Value error, {failed}")]) from None
    return options
