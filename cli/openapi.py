"""The command `openapi`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from api.app import create_app
from runtime.settings import Settings


def openapi(path: Annotated[Path, typer.Argument(help="Where to write the document.")]) -> None:
    """Write the OpenAPI document of this release, as docs/openapi.json has it."""
    path.write_text(openapi_text())
    typer.echo(f"wrote {path}")


def openapi_text() -> str:
    """The document as it is committed: one line a value, so that a change of the contract is read in the diff."""
    return json.dumps(create_app(Settings()).openapi(), indent=1, ensure_ascii=False) + "\n"
