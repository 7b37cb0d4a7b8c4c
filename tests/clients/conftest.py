"""Generators of clients, and what they are given: the OpenAPI document of this release and a running service."""

import os
import subprocess
from pathlib import Path

import pytest

from cli.openapi import openapi_text

# The other languages need their compilers and packages, which `make clients` installs; Python needs neither.
OTHERS = ["test_generator.py", "test_orchestrator.py", "test_typescript.py"]
collect_ignore = [] if "OTHER_LANGUAGES" in os.environ else OTHERS
COMMAND_SECONDS = 300


@pytest.fixture(scope="session")
def document_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("document") / "openapi.json"
    path.write_text(openapi_text())
    return path


@pytest.fixture(scope="session")
def run():
    """Runs a command to its end and returns what it says; fails with that when the command fails."""

    def run(*command: object, cwd: Path, **environment: str) -> str:
        ended = subprocess.run(
            [str(part) for part in command],
            cwd=cwd,
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        assert ended.returncode == 0, ended.stdout[-20_000:]
        return ended.stdout

    return run
