"""JSON on the wire: models that render themselves, stored documents that go out as they are, and formats that recur."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from json.encoder import encode_basestring
from typing import Annotated, Any, Final, Literal, Self

from fastapi import Response
from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, WithJsonSchema
from pydantic_core import CoreSchema, core_schema
from typing_extensions import TypeAliasType

from api.http.answers import Piece, response_of
from api.http.headers import JSON
from domain.decimals import DECIMAL_TEXT
from domain.timestamps import wire_timestamp

HEX: Final = "01a209a6fe3673b5b26fcad9e08b0cdb"
PROPOSAL_ID_EXAMPLE: Final = f"pp_{HEX}"
OPERATION_ID_EXAMPLE: Final = f"pop_{HEX}"
HASH_EXAMPLE: Final = "sha256:86642962be38601b3c1eef972d0af3acf21cbeecdb559fde664f9cdfb25ae1c4"
TIMESTAMP_EXAMPLE: Final = "2026-02-22T12:00:00.000000+00:00"


def _text(pattern: str) -> WithJsonSchema:
    """The OpenAPI schema of a text that this service made; the text is not validated again in responses."""
    return WithJsonSchema({"type": "string", "pattern": pattern})


ProposalId = Annotated[str, _text(r"^pp_[0-9a-f]{32}$")]
VersionId = Annotated[str, _text(r"^ppv_[0-9a-f]{32}$")]
EventId = Annotated[str, _text(r"^pwe_[0-9a-f]{32}$")]
OperationId = Annotated[str, _text(r"^pop_[0-9a-f]{32}$")]
ApprovalId = Annotated[str, _text(r"^pap_[0-9a-f]{32}$")]
RunId = Annotated[str, _text(r"^pr_[0-9a-f]{32}$")]
ArtifactId = Annotated[str, _text(r"^pa_[0-9a-f]{32}$")]
Hash = Annotated[str, _text(r"^sha256:[0-9a-f]{64}$")]
# A decimal as text: up to 28 digits, scale kept, exponent possible.
DecimalText = Annotated[str, WithJsonSchema(dict(DECIMAL_TEXT))]
Weight = Annotated[str, _text(r"^-?[0-9]+\.[0-9]{4}$")]
_DATE_TIME: Final = WithJsonSchema({"type": "string", "format": "date-time"})
Timestamp = Annotated[datetime, _DATE_TIME]
TimestampText = Annotated[str, _DATE_TIME]
TerminalStatus = TypeAliasType("TerminalStatus", Literal["SUCCEEDED", "FAILED"])


class Wire(BaseModel):
    """A model of an answer, rendered by `json_response`.

    Fields come out in the order of the class. One with a default that was not given is left out.
    """

    model_config = ConfigDict(from_attributes=True, frozen=True)

    @classmethod
    def from_value(cls, value: object, **further: Any) -> Self:
        """From the attributes of a value that have the names of fields, and further fields."""
        names = [name for name in cls.model_fields if name not in further and hasattr(value, name)]
        return cls(**{name: getattr(value, name) for name in names}, **further)


class StoredJson:
    """JSON text that goes into an answer as it is, in one piece or several: the bytes that were hashed."""

    __slots__ = ("parts",)

    def __init__(self, *parts: Piece | str) -> None:
        self.parts = tuple(part.encode() if isinstance(part, str) else part for part in parts)


class Stored:
    """`Annotated[StoredJson, Stored(Model)]`: a field of stored JSON text, with the model as its OpenAPI schema."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def __get_pydantic_core_schema__(self, _: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_wrap_validator_function(
            lambda value, _: value if isinstance(value, StoredJson) else StoredJson(value),
            handler.generate_schema(self._model),
        )


def json_parts(value: object) -> list[Piece]:
    """Compact JSON of a value in key order, in pieces; those of StoredJson anywhere inside are taken over unchanged."""
    parts: list[Piece] = []
    _add(value, parts)
    return parts


def _add(value: object, parts: list[Piece]) -> None:
    # Scalars come first: most members are, and whether a value is a Mapping is ten times as costly to ask.
    if (scalar := _scalar(value)) is not None:
        parts.append(scalar)
    elif isinstance(value, StoredJson):
        parts += value.parts
    elif isinstance(value, Wire):
        _add({name: member for name, member in value if name in value.model_fields_set}, parts)
    elif isinstance(value, Mapping):
        before = "{"
        for name, member in value.items():
            parts.append(f"{before}{encode_basestring(name)}:".encode())
            _add(member, parts)
            before = ","
        parts.append(b"}" if value else b"{}")
    elif isinstance(value, Sequence):
        parts.append(b"[")
        for place, member in enumerate(value):
            if place:
                parts.append(b",")
            _add(member, parts)
        parts.append(b"]")
    else:
        raise TypeError(f"{type(value).__name__} has no JSON")


def _scalar(value: object) -> bytes | None:
    if isinstance(value, str):
        return encode_basestring(value).encode()
    if value is None or isinstance(value, int | float):
        return json.dumps(value).encode()
    return f'"{wire_timestamp(value)}"'.encode() if isinstance(value, datetime) else None


def json_bytes(value: object) -> bytes:
    return b"".join(json_parts(value))


def json_response(value: object, *, status_code: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return response_of(json_parts(value), JSON, status_code=status_code, headers=headers)
