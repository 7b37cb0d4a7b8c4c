import json
import os
from pathlib import Path

import forked_commands
import pytest

from cli.configuration_page import reference_page
from runtime.settings import Settings, variable_name

ROOT = Path(__file__).parents[3]
OURS = ("PROPOSAL_", "TEMPORAL_")


def config(*arguments, **environ):
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    return forked_commands.run("config", *arguments, env=inherited | {"TEMPORAL_CONFIG_FILE": os.devnull} | environ)


def test_the_page_is_what_the_settings_say():
    page = (ROOT / "docs" / "reference" / "configuration.md").read_text()

    assert page == reference_page(), "run `make docs`"
    assert all(f"| `{variable_name(field)}` |" in page for field in Settings.model_fields)


def test_docs_writes_the_page(tmp_path):
    assert config("docs", str(tmp_path / "page.md")).returncode == 0
    assert (tmp_path / "page.md").read_text() == reference_page()


def test_check_tells_every_value_and_its_source():
    ran = config("check", "--json", PROPOSAL_API_PORT="9000", TEMPORAL_ADDRESS="temporal:7233")

    shown = json.loads(ran.stdout)
    assert set(shown) == {
        *map(variable_name, Settings.model_fields),
        "TEMPORAL_ADDRESS",
        "TEMPORAL_NAMESPACE",
        "TEMPORAL_API_KEY",
        "TEMPORAL_TLS",
    }
    assert shown["PROPOSAL_API_PORT"] == {"value": 9000, "source": "environment"}
    assert shown["PROPOSAL_API_HOST"] == {"value": "127.0.0.1", "source": "default"}
    assert shown["TEMPORAL_ADDRESS"] == {"value": "temporal:7233", "source": "environment"}
    assert shown["TEMPORAL_NAMESPACE"] == {"value": "default", "source": "default"}
    assert shown["TEMPORAL_API_KEY"] == {"value": None, "source": "default"}
    assert shown["TEMPORAL_TLS"] == {"value": False, "source": "default"}


def test_check_masks_secrets():
    ran = config("check", PROPOSAL_DATABASE_URL="postgresql://u:hidden@db/x", TEMPORAL_API_KEY="hidden")

    assert ran.returncode == 0
    assert "  PROPOSAL_DATABASE_URL: *** (environment)\n" in ran.stdout
    assert "  TEMPORAL_API_KEY: *** (environment)\n" in ran.stdout
    assert "hidden" not in ran.stdout + ran.stderr


def test_check_masks_what_is_secret_of_urls():
    given = {
        "PROPOSAL_TEMPORAL_UI_URL": "https://ui:hidden@ui.example/base",
        "PROPOSAL_AUTH_JWKS_URL": "https://issuer.example/keys?token=hidden",
        "PROPOSAL_AUTH_ISSUER": "https://u:hidden@issuer.example/#hidden",
        "PROPOSAL_OWNER_DATABASE_URL": "postgresql://owner:hidden@db/x",
        "PROPOSAL_CALLBACK_SECRETS": "hidden-hidden-hidden-hidden",
        "TEMPORAL_ADDRESS": "u:hidden@temporal:7233",
    }
    for arguments in (["check"], ["check", "--json"]):
        ran = config(*arguments, **given)
        assert ran.returncode == 0
        assert "hidden" not in ran.stdout + ran.stderr
    shown = json.loads(ran.stdout)
    assert shown["PROPOSAL_TEMPORAL_UI_URL"]["value"] == "https://***@ui.example/base"
    assert shown["PROPOSAL_AUTH_JWKS_URL"]["value"] == "https://issuer.example/keys?***"
    assert shown["TEMPORAL_ADDRESS"]["value"] == "***@temporal:7233"


def test_check_tells_what_production_misses_and_is_content_when_nothing_is(tmp_path):
    ran = config("check", PROPOSAL_PROFILE="PRODUCTION")
    assert ran.returncode == 2
    assert "  PROPOSAL_PROFILE: PRODUCTION (environment)\n" in ran.stdout
    assert len(ran.stderr.splitlines()) == 6

    keys = tmp_path / "keys.json"
    complete = {
        "PROPOSAL_PROFILE": "PRODUCTION",
        "PROPOSAL_DATABASE_URL": "postgresql://u@db/x?sslmode=require",
        "PROPOSAL_AUTH_MODE": "jwt",
        "PROPOSAL_AUTH_ISSUER": "https://i.example/",
        "PROPOSAL_AUTH_AUDIENCE": "proposals",
        "PROPOSAL_AUTH_JWKS_FILE": str(keys),
        "PROPOSAL_CALLBACK_SECRETS": "a-secret-of-24-characters",
        "PROPOSAL_FOUR_EYES": "true",
        "PROPOSAL_STRICT_VERSION_BINDING": "true",
    }
    ran = config("check", "--json", **complete, TEMPORAL_TLS="true")
    missing = "proposals: PROPOSAL_AUTH_JWKS_FILE: the file cannot be read (No such file or directory)\n"
    assert (ran.returncode, ran.stderr) == (2, missing)
    keys.write_text("{}")
    ran = config("check", "--json", **complete, TEMPORAL_TLS="true")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert json.loads(ran.stdout)["TEMPORAL_TLS"] == {"value": True, "source": "environment"}


@pytest.mark.parametrize("rest", ["/x?sslmode=bogus", "/x%zz"])
def test_check_names_a_database_url_that_libpq_refuses(rest):
    ran = config("check", PROPOSAL_DATABASE_URL=f"postgresql://u:hidden@db{rest}")
    assert ran.returncode == 2
    assert ran.stderr == (
        "proposals: PROPOSAL_DATABASE_URL: libpq refuses the URL, one of its options, or the service that it names\n"
    )


def test_check_tells_what_comes_from_temporals_file(tmp_path):
    (tmp_path / "temporal.toml").write_text('[profile.default]\naddress = "cloud:7233"\n')

    ran = config("check", TEMPORAL_CONFIG_FILE=str(tmp_path / "temporal.toml"))

    assert "  TEMPORAL_ADDRESS: cloud:7233 (file)\n" in ran.stdout


def test_check_refuses_with_every_problem(tmp_path):
    ran = config("check", PROPOSAL_API_PORT="x", PROPOSAL_APY_HOST="y")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.splitlines() == [
        "proposals: PROPOSAL_APY_HOST: no such setting, did you mean PROPOSAL_API_HOST?",
        "proposals: PROPOSAL_API_PORT: must be a valid integer",
    ]

    (tmp_path / "temporal.toml").write_text("not toml")
    ran = config("check", TEMPORAL_CONFIG_FILE=str(tmp_path / "temporal.toml"))
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == "proposals: TEMPORAL_*: the SDK refuses the variables or the file of TEMPORAL_CONFIG_FILE\n"
