"""The OpenAPI document under two linters, and TypeScript's strictest types of it in use."""

import json
import shutil

import pytest
from client_tools import NODE_MODULES, PROGRAMS, STRICT_TYPESCRIPT

pytestmark = pytest.mark.shared
RULES = PROGRAMS.parent
COMMANDS = NODE_MODULES / ".bin"


def test_redocly_finds_nothing(run, document_file, tmp_path):
    lint = run(
        *(COMMANDS / "redocly", "lint", document_file, "--config", RULES / "redocly.yaml", "--format", "json"),
        cwd=tmp_path,
        REDOCLY_TELEMETRY="off",
        REDOCLY_SUPPRESS_UPDATE_NOTICE="true",
    )
    found = json.loads(lint[lint.index("{") : lint.rindex("}") + 1])
    assert found["totals"] == {"errors": 0, "warnings": 0, "ignored": 0}


def test_spectral_finds_nothing(run, document_file, tmp_path):
    command = (COMMANDS / "spectral", "lint", "--fail-severity", "hint", "--ruleset", RULES / "spectral.yaml")
    run(*command, document_file, cwd=tmp_path)


def test_a_client_of_typescript_leads_a_proposal_through_its_life(run, service, document_file, tmp_path):
    (tmp_path / "node_modules").symlink_to(NODE_MODULES)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "tsconfig.json").write_text(json.dumps({"compilerOptions": STRICT_TYPESCRIPT, "include": ["*.ts"]}))
    shutil.copy(PROGRAMS / "life.ts", tmp_path)
    types = (COMMANDS / "openapi-typescript", document_file, "--default-non-nullable=false", "-o", "schema.ts")
    run(*types, cwd=tmp_path)
    run(COMMANDS / "tsc", cwd=tmp_path)
    run("node", "life.js", service.url, cwd=tmp_path)
