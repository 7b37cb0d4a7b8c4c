"""The schemas of the OpenAPI document as generators of clients read them: each has one name, and none a title."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from domain.decimals import DECIMAL_INPUT

REFERENCE: Final = "#/components/schemas/{model}"
PREFIX: Final = REFERENCE.format(model="")
DECIMAL: Final = "DecimalInput"
# Evidence repeats what was sent, with decimals as text. pydantic marks such pairs of schemas with these endings.
OF_REQUEST: Final = "-Input"
OF_ANSWER: Final = "-Output"
NAMED_SCHEMAS: Final = ("properties", "patternProperties")
ONE_SCHEMA: Final = ("items", "additionalProperties", "propertyNames", "not")
LISTED_SCHEMAS: Final = ("anyOf", "oneOf", "allOf", "prefixItems")
Schema = dict[str, Any]


def component_schemas(bodies: Collection[type[BaseModel]], answers: Collection[type[BaseModel]]) -> dict[str, Schema]:
    """The schemas of all models and of what they are made of, by name."""
    models = [(body, "validation") for body in bodies] + [(answer, "serialization") for answer in answers]
    _, described = models_json_schema(models, ref_template=REFERENCE)  # type: ignore[arg-type]  # pairs with literals
    schemas = {_plain(name): schema for name, schema in described["$defs"].items()}
    for schema in schemas.values():
        simplify(schema)
    return {**schemas, DECIMAL: dict(DECIMAL_INPUT)}


def simplify(schema: Schema) -> None:
    """Give this schema and all in it plain names. A title would become the name of a class, or hide another of it."""
    for part in schemas_in(schema):
        part.pop("title", None)
        if part.get("default", ...) is None:  # of a member that may be absent; it is no value of the member
            del part["default"]
        if patterns := part.pop("patternProperties", None):  # which generators overlook
            ((pattern, part["additionalProperties"]),) = patterns.items()
            part["propertyNames"] = {"pattern": pattern}
        if part.get("format") == DECIMAL_INPUT["format"]:
            _name_decimal(part)
        elif "$ref" in part:
            part["$ref"] = _plain_reference(part["$ref"])
        if mapping := part.get("discriminator", {}).get("mapping"):
            mapping.update({name: _plain_reference(reference) for name, reference in mapping.items()})


def _name_decimal(part: Schema) -> None:
    """A default is put into words: generators for Java write it as a number, which is none of the named schema."""
    for keyword in DECIMAL_INPUT:
        if part.get(keyword) == DECIMAL_INPUT[keyword]:
            del part[keyword]
    default = part.pop("default", None)
    if default is not None:
        part["description"] = f"{part['description']} {default} when absent."
    part["$ref"] = REFERENCE.format(model=DECIMAL)


def schemas_in(schema: Schema) -> Iterator[Schema]:
    """This schema and every one in it, without those that it refers to."""
    yield schema
    inner = [part for keyword in NAMED_SCHEMAS for part in schema.get(keyword, {}).values()]
    inner += [schema[keyword] for keyword in ONE_SCHEMA if isinstance(schema.get(keyword), dict)]
    inner += [part for keyword in LISTED_SCHEMAS for part in schema.get(keyword, ())]
    for part in inner:
        yield from schemas_in(part)


def referred_names(schemas: Mapping[str, Schema], start: Collection[str]) -> set[str]:
    """The names of the schemas that these lead to, themselves included."""
    found: set[str] = set()
    ahead = [*start]
    while ahead:
        name = ahead.pop()
        if name not in found:
            found.add(name)
            ahead += names_in(schemas[name])
    return found


def names_in(schema: Schema) -> list[str]:
    """The names that this schema refers to."""
    return [part["$ref"].removeprefix(PREFIX) for part in schemas_in(schema) if "$ref" in part]


def _plain(name: str) -> str:
    if name.endswith(OF_ANSWER):
        return f"Evidence{name.removesuffix(OF_ANSWER)}"
    return name.removesuffix(OF_REQUEST)


def _plain_reference(reference: str) -> str:
    return f"{PREFIX}{_plain(reference.removeprefix(PREFIX))}"
