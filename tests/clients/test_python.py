"""The client that openapi-python-client generates: Python alone, so that every run of the tests has it."""

import sys

import pytest
from client_tools import PROGRAMS, PYTHON_LIBRARIES

pytestmark = pytest.mark.shared


def test_openapi_python_client_leads_a_proposal_through_its_life(run, service, document_file, tmp_path):
    assert PYTHON_LIBRARIES.exists(), "`make test` installs the generator"
    configuration = tmp_path / "configuration.json"
    configuration.write_text('{"project_name_override": "proposals-client", "post_hooks": []}')
    said = run(
        *(
            sys.executable,
            "-m",
            "openapi_python_client",
            "generate",
            "--path",
            document_file,
            "--config",
            configuration,
        ),
        *("--config", configuration, "--output-path", tmp_path / "generated", "--fail-on-warning"),
        cwd=tmp_path,
        PYTHONPATH=str(PYTHON_LIBRARIES),
    )
    assert "warning" not in said.lower()
    run(
        *(sys.executable, "-W", "error", PROGRAMS / "openapi_python_client_life.py", service.url),
        cwd=tmp_path,
        PYTHONPATH=f"{tmp_path / 'generated'}:{PYTHON_LIBRARIES}",
    )
