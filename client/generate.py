"""Writes what is generated: the models from docs/openapi.json, the advice on errors, the blocking client.

python client/generate.py
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from datamodel_code_generator import DataModelType, Formatter, GenerateConfig, InputFileType, PythonVersion, generate

from api.http.error_catalogue import CATALOGUE

HERE: Final = Path(__file__).parent
PACKAGE: Final = HERE / "proposals_client"
OPENAPI: Final = HERE.parent / "docs" / "openapi.json"
# Shapes, and nothing that the service alone decides: its limits may change without a release of this client.
OF_SHAPE: Final = {
    "type",
    "properties",
    "required",
    "$ref",
    "const",
    "default",
    "format",
    "description",
    "discriminator",
}
OF_SHAPE_NESTED: Final = {"items", "additionalProperties"}
OF_SHAPE_LISTED: Final = {"anyOf", "oneOf", "allOf"}

DECIMAL: Final = {"type": "string", "format": "decimal"}

Schema = dict[str, Any]


def shape(schema: Any, decimals: set[str]) -> Any:
    """A schema without limits, with exact decimals, and with enums only where they have a name.

    `decimals` are the references that mean one: to named schemas of texts and whole numbers.
    """
    if not isinstance(schema, dict):
        return schema
    kept = {name: value for name, value in schema.items() if name in OF_SHAPE}
    kept |= {name: shape(schema[name], decimals) for name in OF_SHAPE_NESTED & schema.keys()}
    kept |= {name: [shape(one, decimals) for one in schema[name]] for name in OF_SHAPE_LISTED & schema.keys()}
    if "properties" in kept:
        members = {name: shape(member, decimals) for name, member in kept["properties"].items()}
        kept["properties"] = {
            name: member if name in kept.get("required", ()) or member.get("default") is not None else or_none(member)
            for name, member in members.items()
        }
    if kept.get("type") == "number":
        kept |= DECIMAL
    if kept.get("$ref") in decimals:
        del kept["$ref"]
        kept["anyOf"] = [DECIMAL, {"type": "string"}]
    return kept


def or_none(member: Schema) -> Schema:
    """Of a member that an object may lack: then it is None in Python."""
    inner = {name: value for name, value in member.items() if name not in ("default", "description")}
    outer = {name: value for name, value in member.items() if name == "description"}
    return {"anyOf": [inner, {"type": "null"}], **outer}


def is_decimal(schema: Schema) -> bool:
    """Whether a named schema is the decimal of requests: a text or a whole number, however that is written."""
    listed = schema.get("type")
    types = listed if isinstance(listed, list) else [one.get("type") for one in schema.get("anyOf", [])]
    return set(types) == {"integer", "string"}


def models_text(schemas: dict[str, Schema]) -> str:
    """Of proposals_client/models.py, for these schemas of an OpenAPI document."""
    decimals = {f"#/components/schemas/{name}" for name, schema in schemas.items() if is_decimal(schema)}
    named = {
        name: shape(schema, decimals) | ({"enum": schema["enum"]} if "enum" in schema else {})
        for name, schema in schemas.items()
        if not is_decimal(schema)
    }
    document = {"openapi": "3.1.0", "info": {"title": "-", "version": "-"}, "components": {"schemas": named}}
    config = GenerateConfig(
        input_file_type=InputFileType.OpenAPI,
        output_model_type=DataModelType.PydanticV2BaseModel,
        target_python_version=PythonVersion.PY_311,
        base_class="proposals_client.model.Model",
        collapse_root_models=True,
        custom_file_header='"""Generated from docs/openapi.json by client/generate.py: requests and answers."""',
        formatters=[Formatter.BUILTIN],
        disable_future_imports=True,
        use_annotated=True,
        use_schema_description=True,
        use_standard_collections=True,
        use_union_operator=True,
        strict_nullable=True,
        use_specialized_enum=True,
        set_default_enum_member=True,
        output_datetime_class="AwareDatetime",
    )
    text = str(generate(json.dumps(document), config=config))
    own = {"Decimal": "ExactDecimal", "StrEnum": "OpenEnum", "AwareDatetime": "Timestamp"}
    text = re.sub(r"^from (decimal|enum) import \w+\n", "", text, flags=re.MULTILINE)
    text = re.sub(r"(?<=import )AwareDatetime, |, AwareDatetime\b", "", text)
    text = re.sub(rf"\b({'|'.join(own)})\b", lambda found: own[found[0]], text)
    used = sorted({"Model"} | {name for name in own.values() if re.search(rf"\b{name}\b", text)})
    text = text.replace(
        "from proposals_client.model import Model", f"from proposals_client.model import {', '.join(used)}"
    )
    return formatted(text)


TO_BLOCKING: Final = (
    (r"\basync (def|with|for) ", r"\1 "),
    (r"\bawait ", ""),
    (r"\bAwaitable\[str\]", "str"),
    (r"\bAwaitable, ", ""),
    (r"\bimport asyncio\n(?:import time\n)?", "import time\n"),
    (r"\basyncio\.sleep\b", "time.sleep"),
    (r"\bAsyncGenerator\[bytes, None\]", "Generator[bytes, None, None]"),
    (r"\baclos(e|ing)\b", r"clos\1"),
    (r"\ba(iter_bytes|read)\b", r"\1"),
    (r"__a(enter|exit)__", r"__\1__"),
    (r"  # noqa: ASYNC109 .*", ""),
    (r"\b_async\b", "_sync"),
    (r"\bAsync(?=[A-Z])(?!Status)", ""),
)


def blocking_texts() -> dict[str, str]:
    """The modules of proposals_client/_sync by file name."""
    texts = {}
    for source in sorted((PACKAGE / "_async").glob("*.py")):
        text = source.read_text()
        for pattern, replacement in TO_BLOCKING:
            text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
        head = f"# Generated from _async/{source.name} by client/generate.py.\n" if text else ""
        texts[source.name] = formatted(head + text)
    return texts


def formatted(text: str) -> str:
    ruff = Path(sys.executable).with_name("ruff")
    for command in (["check", "--fix", "--quiet", "--select", "F401,I,RUF100"], ["format", "--quiet"]):
        ran = subprocess.run(  # noqa: S603 -- ruff, beside this Python
            [ruff, *command, "--stdin-filename", PACKAGE / "generated.py", "-"],
            input=text,
            capture_output=True,
            text=True,
            check=False,
        )
        if ran.returncode != 0:
            raise RuntimeError(ran.stdout + ran.stderr)
        text = ran.stdout
    return text


def generated() -> dict[Path, str]:
    """Every generated file with its text."""
    blocking = {PACKAGE / "_sync" / name: text for name, text in blocking_texts().items()}
    schemas = json.loads(OPENAPI.read_bytes())["components"]["schemas"]
    return {PACKAGE / "models.py": models_text(schemas), PACKAGE / "advice.py": advice_text(), **blocking}


def advice_text() -> str:
    """Of proposals_client/advice.py: what the service's own page of errors advises."""
    rows = "".join(f"    {code!r}: {entry.help.action!r},\n" for code, entry in sorted(CATALOGUE.items()))
    return formatted(f'''"""Generated by client/generate.py: what to do about each code, as `/docs/errors` says it."""

from collections.abc import Mapping
from typing import Final

WHAT_TO_DO: Final[Mapping[str, str]] = {{
{rows}}}
''')


def main() -> None:
    for path, text in generated().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


if __name__ == "__main__":
    main()
