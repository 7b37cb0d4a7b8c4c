"""The clients that openapi-generator makes for Java, compiled, and for Python."""

import sys

import pytest
from client_tools import GENERATOR, PROGRAMS

pytestmark = pytest.mark.shared
# The jar of the generator has Jackson in it, which the client needs, but not this annotation.
GENERATED = 'package javax.annotation; public @interface Generated { String value(); String comments() default ""; }'
KNOWN_WARNINGS = (
    "OpenAPI 3.1 support is still in beta",
    "Failed to get the schema name: null",  # a schema without a name is nothing unusual
    "Ignoring complex example on request body",  # in the client's own pages alone
)


@pytest.fixture
def generated(run, document_file, tmp_path):
    """The folder with the client for a language."""

    def generate(language, *options):
        folder = tmp_path / language
        said = run(
            *("java", "-jar", GENERATOR, "generate", "-i", document_file, "-g", language, "-o", folder, *options),
            *("--global-property", "apis,models,supportingFiles,apiTests=false,modelTests=false"),
            cwd=tmp_path,
        )
        warnings = [line for line in said.splitlines() if " WARN " in line or " ERROR " in line]
        assert [line for line in warnings if not any(known in line for known in KNOWN_WARNINGS)] == []
        return folder

    return generate


def test_the_client_for_java_compiles_and_leads_a_proposal_through_its_life(run, service, generated, tmp_path):
    folder = generated(
        "java", "--library", "native", "--additional-properties", "openApiNullable=false,hideGenerationTimestamp=true"
    )
    sources = [*(folder / "src" / "main" / "java").rglob("*.java"), PROGRAMS / "Life.java"]
    annotation = tmp_path / "javax" / "annotation" / "Generated.java"
    annotation.parent.mkdir(parents=True)
    annotation.write_text(GENERATED)
    classes = tmp_path / "classes"
    run("javac", "-nowarn", "-cp", GENERATOR, "-d", classes, annotation, *sources, cwd=tmp_path)
    run("java", "-cp", f"{classes}:{GENERATOR}", "Life", service.url, cwd=tmp_path)


def test_the_client_for_python_leads_a_proposal_through_its_life(run, service, generated, tmp_path):
    folder = generated("python")
    run(
        *(sys.executable, PROGRAMS / "openapi_generator_life.py", service.url),
        cwd=tmp_path,
        PYTHONPATH=str(folder),
    )
