"""A program: what Kubernetes' own schemas and checkov's rules say of manifests, as JSON. Needs .venv/manifests alone.

It uses checkov's runner itself: the command takes three times as long and may ask its maker's server.
"""

import json
import sys
from pathlib import Path

import kubernetes_validate
import yaml
from checkov.kubernetes.runner import Runner
from checkov.runner_filter import RunnerFilter

RELEASES = ("1.30", kubernetes_validate.latest_version())  # the oldest that the manifests are for, and the newest known


def invalid(manifest: dict, release: str) -> list[str]:
    try:
        kubernetes_validate.validate(manifest, release, strict=True)
    except kubernetes_validate.ValidationError as error:
        return [f"{manifest['kind']} {manifest['metadata']['name']}, {release}: {error.message} at {list(error.path)}"]
    return []


def main(files: list[str]) -> None:
    found = {}
    for file in files:
        manifests = [one for one in yaml.safe_load_all(Path(file).read_text()) if one is not None]
        report = Runner().run(root_folder=None, files=[file], runner_filter=RunnerFilter(framework=["kubernetes"]))
        found[file] = {
            "invalid": [line for one in manifests for release in RELEASES for line in invalid(one, release)],
            "failed": [f"{one.check_id} {one.resource}: {one.check_name}" for one in report.failed_checks],
            "passed": len(report.passed_checks),
            "skipped": sorted({one.check_id for one in report.skipped_checks}),
        }
    json.dump(found, sys.stdout)


main(sys.argv[1:])
