"""deploy/kubernetes as kustomize builds it: valid, hardened, and naming only what exists. No cluster is asked."""

import copy
import json
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from mounted_secrets import OPTIONAL, SECRETS_OF, with_mounted
from ruamel.yaml import YAML
from temporal_variables import offered_by, settings_offered_by, unread

from cli.main import COMMANDS
from runtime.guard_rails import OF_API, OF_MIGRATE, OF_SCHEDULES, OF_WORKER, refusals
from runtime.settings_loading import load_settings
from runtime.temporal_profile import load_profile

ROOT = Path(__file__).parents[2]
MANIFESTS = ROOT / "deploy" / "kubernetes"
GUIDE = (ROOT / "docs" / "guides" / "kubernetes.md").read_text()
TOOLS = (
    Path(sys.prefix) / "manifests"
)  # by make, a folder for itself: these tools want older libraries than the service
AUTOSCALER = "components: [../deploy/kubernetes/components/autoscaler]\n"  # as the guide has it
BUILDS = ("base", "autoscaler", "worker-controller", "own")
PROCESSES = ("api", "worker", "migrate", "schedules")
CONCERNS = {"api": OF_API, "worker": OF_WORKER, "migrate": OF_MIGRATE, "schedules": OF_SCHEDULES}

Manifest = dict[str, Any]


def built(folder: Path) -> str:
    ran = subprocess.run(
        [TOOLS / "bin" / "kubectl", "kustomize", folder],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def overlay_of_the_guide() -> str:
    """The example of an overlay of one's own."""
    return re.search(r"```yaml\n(apiVersion: kustomize.*?)```", GUIDE, re.DOTALL)[1]


@pytest.fixture(scope="module")
def texts(tmp_path_factory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("kustomize")
    (folder / "deploy").symlink_to(ROOT / "deploy")
    for name, content in {
        "autoscaler": "resources: [../deploy/kubernetes/base]\n" + AUTOSCALER,
        "own": overlay_of_the_guide(),
    }.items():
        (folder / name).mkdir()
        (folder / name / "kustomization.yaml").write_text(content)
    places = {"base": MANIFESTS / "base", "worker-controller": MANIFESTS / "overlays" / "worker-controller"}
    return {name: built(places.get(name, folder / name)) for name in BUILDS}


@pytest.fixture(scope="module")
def builds(texts) -> dict[str, list[Manifest]]:
    return {name: list(YAML(typ="safe").load_all(text)) for name, text in texts.items()}


@pytest.fixture(scope="module")
def checked(builds, tmp_path_factory) -> dict[str, Any]:
    """What the schemas and checkov find in each build; a WorkerDeployment is judged as the Deployment it becomes."""
    folder = tmp_path_factory.mktemp("built")
    files = {}
    for name, manifests in (builds | {"broken": [broken(builds["base"])]}).items():
        files[name] = folder / f"{name}.yaml"
        known = [as_deployment(one) for one in manifests if one["kind"] != "Connection"]
        with files[name].open("w") as file:
            YAML(typ="safe").dump_all(known, file)
    ran = subprocess.run(
        [sys.executable, Path(__file__).with_name("check_manifests.py"), *files.values()],
        env={"PYTHONPATH": str(TOOLS), "LOG_LEVEL": "ERROR"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    return {name: found[str(file)] for name, file in files.items()}


def broken(manifests: list[Manifest]) -> Manifest:
    """What the checks must find: a field that does not exist, and a container without its security context."""
    manifest = copy.deepcopy(named(manifests, "api"))
    manifest["spec"]["replica"] = 2
    del container_of(manifest)["securityContext"]
    return manifest


def as_deployment(manifest: Manifest) -> Manifest:
    if manifest["kind"] != "WorkerDeployment":
        return manifest
    spec = copy.deepcopy(manifest["spec"])
    own = {"workerOptions", "rollout", "sunset"}
    spec = {key: value for key, value in spec.items() if key not in own}
    spec["selector"] = {"matchLabels": spec["template"]["metadata"]["labels"]}
    return manifest | {"apiVersion": "apps/v1", "kind": "Deployment", "spec": spec}


def named(manifests: list[Manifest], name: str) -> Manifest:
    return next(one for one in manifests if one["metadata"]["name"] == name and "template" in one.get("spec", {}))


def container_of(manifest: Manifest) -> Manifest:
    (container,) = manifest["spec"]["template"]["spec"]["containers"]
    return container


@pytest.mark.parametrize("name", BUILDS)
def test_every_manifest_follows_the_schemas_of_kubernetes(checked, name):
    assert checked[name]["invalid"] == []


@pytest.mark.parametrize("name", BUILDS)
def test_checkov_finds_nothing(checked, name):
    assert checked[name]["failed"] == []
    assert checked[name]["passed"] > 300
    assert checked[name]["skipped"] == ["CKV_K8S_15", "CKV_K8S_43"]


def test_the_schemas_and_checkov_see_what_is_wrong(checked):
    assert "replica" in checked["broken"]["invalid"][0]
    assert "CKV_K8S_22" in " ".join(checked["broken"]["failed"])


def settings_of(manifests: list[Manifest], process: str) -> dict[str, str]:
    """The variables that a pod has: those of the ConfigMap, and its own on top."""
    container = container_of(named(manifests, process))
    (source,) = container["envFrom"]
    (shared,) = [
        one["data"]
        for one in manifests
        if one["kind"] == "ConfigMap" and one["metadata"]["name"] == source["configMapRef"]["name"]
    ]
    return shared | {one["name"]: one["value"] for one in container.get("env", [])}


@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize("process", PROCESSES)
@pytest.mark.parametrize("optional", [{}, OPTIONAL], ids=["as it is", "with optional secrets"])
def test_every_process_may_start_in_production_with_the_secrets_that_are_mounted(
    builds, build, process, optional, tmp_path, monkeypatch
):
    """Each file that a variable names is one of a mounted secret, whose keys are those of the guide."""
    manifest = named(builds[build], process)
    mounts = {mount["mountPath"]: mount["name"] for mount in container_of(manifest)["volumeMounts"]}
    volumes = {one["name"]: one for one in manifest["spec"]["template"]["spec"]["volumes"]}
    environ = settings_of(builds[build], process) | optional
    if manifest["kind"] == "WorkerDeployment":  # as the controller starts it
        environ |= {"TEMPORAL_API_KEY": "k", "TEMPORAL_WORKER_BUILD_ID": "0.1.0-ab", "TEMPORAL_DEPLOYMENT_NAME": "p/w"}
    for path in map(Path, environ.values()):
        if path.parent.as_posix() in mounts:
            secret = volumes[mounts[path.parent.as_posix()]]["secret"]["secretName"]
            assert f"| `{secret}` | `{path.name}` |" in GUIDE
    environ = with_mounted(environ, tmp_path, mounts=set(mounts))
    for name in [name for name in environ if name.startswith("TEMPORAL_")]:
        monkeypatch.setenv(name, environ[name])
    settings = load_settings(environ, secrets=SECRETS_OF[process])
    assert (settings.evidence_key is not None) is (process == "worker" and optional != {})
    assert (settings.egress_proxy is not None) is (process in ("api", "worker") and optional != {})
    assert settings.profile == "PRODUCTION"
    assert refusals(settings, CONCERNS[process], load_temporal=load_profile) == []
    assert {name for name in environ if not name.startswith(("PROPOSAL_", "TEMPORAL_"))} == set()
    assert unread(environ) == set()


def test_every_variable_that_the_base_offers_is_read():
    offered = offered_by(MANIFESTS / "base" / "settings.env")
    assert {"TEMPORAL_ADDRESS", "TEMPORAL_TLS", "TEMPORAL_API_KEY_FILE"} < set(offered)
    assert unread(offered) == set()
    load_settings(settings_offered_by(MANIFESTS / "base" / "settings.env"))


@pytest.mark.parametrize("process", PROCESSES)
def test_every_command_exists_and_probes_ask_what_is_served(builds, process):
    container = container_of(named(builds["base"], process))
    assert container["image"] == f"proposals:{version('proposals')}"
    assert container["args"][0] in COMMANDS
    ports = {port["name"] for port in container.get("ports", [])}
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        asked = container.get(probe)
        assert (asked is None) is (process in ("migrate", "schedules"))
        if asked and "httpGet" in asked:
            assert asked["httpGet"]["port"] in ports
            assert asked["httpGet"]["path"] in ("/health/live", "/health/ready", "/metrics")
        elif asked:
            assert asked["exec"]["command"] == ["proposals", "health", process]
            assert asked["timeoutSeconds"] >= 10  # it starts a process


def test_a_pod_has_longer_to_end_than_its_process(builds):
    for process in ("api", "worker"):
        manifest = named(builds["base"], process)
        waits = container_of(manifest).get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        grace = int(settings_of(builds["base"], process)["PROPOSAL_SHUTDOWN_GRACE_SECONDS"])
        assert manifest["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] >= waits + grace + 10


def test_only_migrate_has_the_url_of_the_owner(builds):
    for process in PROCESSES:
        volumes = named(builds["base"], process)["spec"]["template"]["spec"]["volumes"]
        mounted = {one["secret"]["secretName"] for one in volumes if "secret" in one}
        assert ("proposals-owner" in mounted) is (process == "migrate")


def test_every_selector_selects_pods_and_every_pod_has_its_policies(builds):
    manifests = builds["base"]
    pods = {name: named(manifests, name)["spec"]["template"]["metadata"]["labels"] for name in PROCESSES}

    def selected(selector: Manifest) -> set[str]:
        wanted = selector.get("matchLabels", {}).items()
        among = {one["key"]: one["values"] for one in selector.get("matchExpressions", [])}
        return {
            name
            for name, labels in pods.items()
            if wanted <= labels.items() and all(labels[key] in values for key, values in among.items())
        }

    reach: dict[str, set[int | str]] = {name: set() for name in pods}
    for one in manifests:
        if one["kind"] == "PodDisruptionBudget":
            assert selected(one["spec"]["selector"]) == {one["metadata"]["name"]}
        if one["kind"] == "Service":
            assert selected({"matchLabels": one["spec"]["selector"]}) == {"api"}
        if one["kind"] == "NetworkPolicy":
            for name in selected(one["spec"]["podSelector"]):
                reach[name] |= {port["port"] for rule in one["spec"].get("egress", []) for port in rule["ports"]}
    assert selected(
        next(one for one in manifests if one["metadata"]["name"] == "deny-all")["spec"]["podSelector"]
    ) == set(PROCESSES)
    assert reach == {
        "api": {53, 5432, 7233, 443},
        "worker": {53, 5432, 7233, 443},
        "migrate": {53, 5432},
        "schedules": {53, 7233},
    }


def test_the_steps_of_a_release_cover_every_object_once(builds):
    """The guide applies by label, in the order migrate, workers, API."""
    steps = re.findall(r"kubectl apply --kustomize \S+ --selector '(app.kubernetes.io/component\S* ?.*?)'", GUIDE)
    assert steps == [
        "app.kubernetes.io/component notin (worker, api)",
        "app.kubernetes.io/component=worker",
        "app.kubernetes.io/component=api",
    ]
    components = {one["metadata"]["labels"].get("app.kubernetes.io/component") for one in builds["own"]}
    assert components == {None, "migrate", "schedules", "worker", "api"}


def test_the_autoscaler_asks_for_a_metric_that_exists_and_nothing_else_sets_replicas(builds):
    (scaler,) = [one for one in builds["autoscaler"] if one["kind"] == "HorizontalPodAutoscaler"]
    (metric,) = scaler["spec"]["metrics"]
    name = metric["external"]["metric"]["name"]
    assert f'"{name}"' in (ROOT / "api" / "http" / "metrics.py").read_text()
    assert name in GUIDE
    assert "replicas" not in named(builds["autoscaler"], "worker")["spec"]
    assert scaler["spec"]["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "worker"}


def test_the_controller_gets_a_worker_deployment_as_its_definition_has_it(builds):
    """Fields and limits of temporal.io/v1alpha1, which kubernetes-validate does not know."""
    manifests = builds["worker-controller"]
    worker = named(manifests, "worker")
    (connection,) = [one for one in manifests if one["kind"] == "Connection"]
    assert (worker["apiVersion"], worker["kind"]) == ("temporal.io/v1alpha1", "WorkerDeployment")
    assert connection["apiVersion"] == "temporal.io/v1alpha1"
    assert set(worker["spec"]) == {"replicas", "template", "rollout", "sunset", "workerOptions"}
    settings = settings_of(manifests, "api")
    options = worker["spec"]["workerOptions"]
    assert options["connectionRef"]["name"] == connection["metadata"]["name"]
    assert options["temporalNamespace"] == settings["TEMPORAL_NAMESPACE"]
    assert connection["spec"]["hostPort"] == settings["TEMPORAL_ADDRESS"]
    assert re.fullmatch(r"[a-zA-Z0-9.-]+:[0-9]+", connection["spec"]["hostPort"])
    assert set(connection["spec"]["apiKeySecretRef"]) == {"name", "key"}
    assert worker["spec"]["rollout"]["strategy"] == "Progressive"
    percentages = [step["rampPercentage"] for step in worker["spec"]["rollout"]["steps"]]
    assert percentages == sorted(set(percentages))
    assert all(1 <= one <= 99 for one in percentages)
    assert set(worker["spec"]["sunset"]) == {"scaledownDelay", "deleteDelay"}
    assert not [one for one in manifests if one["kind"] == "Deployment" and one["metadata"]["name"] == "worker"]
