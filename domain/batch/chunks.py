"""A batch as it is stored: the common document, and consecutive items in chunks, each computed and kept together."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic_core import from_json

from domain.batch.composing import Composition
from domain.batch.parts import BatchItem, BatchScenario, Malformed, PartClass, PartError, SharedPart, parsed_part
from domain.canonical import wire_text
from domain.errors import InvariantBroken

MAX_RUNS: Final = 25
MAX_ROWS: Final = 5_000


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedItem:
    """An item with its id, which it has however malformed it is."""

    id: str
    part: BatchItem | Malformed


@dataclass(frozen=True, kw_only=True, slots=True)
class Chunk:
    """Consecutive items of a batch, in all its scenarios; numbers count from 0."""

    first_item: int
    first_run: int
    items: tuple[NamedItem, ...]


def chunks_of(items: Sequence[NamedItem], composition: Composition) -> Iterator[tuple[Chunk, int]]:
    """The batch in chunks, each with the rows of its runs: at most MAX_RUNS or MAX_ROWS, one item at least."""
    scenarios = len(composition.scenarios)
    taken: list[NamedItem] = []
    rows = first = 0
    for number, item in enumerate(items):
        rows_of_item = sum(composition.row_count(item.part, name) for name in composition.scenarios)
        if taken and ((len(taken) + 1) * scenarios > MAX_RUNS or rows + rows_of_item > MAX_ROWS):
            yield Chunk(first_item=first, first_run=first * scenarios, items=tuple(taken)), rows
            taken, rows, first = [], 0, number
        taken.append(item)
        rows += rows_of_item
    if taken:
        yield Chunk(first_item=first, first_run=first * scenarios, items=tuple(taken)), rows


def common_text(shared: SharedPart, scenarios: Mapping[str, BatchScenario | Malformed], *, max_rows: int) -> str:
    """The document of what all runs have in common; a run has at most `max_rows` rows, as when it was accepted."""
    named = ",".join(f"{wire_text(name)}:{_part_text(part)}" for name, part in sorted(scenarios.items()))
    return f'{{"max_rows":{max_rows},"shared":{shared.text()},"scenarios":{{{named}}}}}'


def read_common(text: str) -> Composition:
    value = from_json(text)
    shared = parsed_part(value["shared"], SharedPart)
    if isinstance(shared, Malformed):
        raise InvariantBroken("the shared part of an accepted batch is refused by this engine version")
    scenarios = {name: _read(part, BatchScenario) for name, part in value["scenarios"].items()}
    return Composition(shared, scenarios, max_rows=value["max_rows"])


def chunk_text(chunk: Chunk) -> str:
    items = ",".join(f'{{"id":{wire_text(item.id)},"part":{_part_text(item.part)}}}' for item in chunk.items)
    return f'{{"first_item":{chunk.first_item},"first_run":{chunk.first_run},"items":[{items}]}}'


def read_chunk(text: str) -> Chunk:
    value = from_json(text)
    items = tuple(
        [NamedItem(id=item["id"], part=_read(item["part"], BatchItem, id=item["id"])) for item in value["items"]]
    )
    return Chunk(first_item=value["first_item"], first_run=value["first_run"], items=items)


def _part_text(part: BatchItem | BatchScenario | Malformed) -> str:
    if isinstance(part, Malformed):
        return wire_text({"errors": [error._asdict() for error in part.errors]})
    return part.text()


def _read(value: Mapping[str, Any], part: type[PartClass], **named: str) -> PartClass | Malformed:
    """A part that an older release has accepted may be refused now: its runs fail, the others run."""
    if "errors" in value:
        errors = value["errors"]
        return Malformed(errors=tuple(PartError(row["type"], tuple(row["loc"]), row["msg"]) for row in errors))
    return parsed_part({**value, **named}, part)
