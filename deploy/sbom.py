"""The parts of a release, from stdin to stdout: what cyclonedx-py makes of requirements/runtime.txt, without places.

It names where packages may be fetched and on which line they stand, which depends on who makes the release. The hashes
of the distributions stay, and the client, which comes from this repository, is added.
"""

import json
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
HASH = "proposals:sha256-of-a-distribution"


def project(path: Path) -> dict[str, Any]:
    described: dict[str, Any] = tomllib.loads(path.read_text())["project"]
    return described


def purl(name: str, version: str) -> str:
    return f"pkg:pypi/{name}@{version}"


def placeless(component: dict[str, Any]) -> dict[str, Any]:
    """A component by its package URL, with the hashes that its requirement allows."""
    references = component.get("externalReferences", [])
    hashes = sorted({one["content"] for reference in references for one in reference.get("hashes", [])})
    return {
        "type": "library",
        "bom-ref": component["purl"],
        "name": component["name"],
        "version": component["version"],
        "purl": component["purl"],
        "properties": [{"name": HASH, "value": value} for value in hashes],
    }


def own(described: dict[str, Any], kind: str) -> dict[str, Any]:
    """The service or its client."""
    reference = purl(described["name"], described["version"])
    return {
        "type": kind,
        "bom-ref": reference,
        "name": described["name"],
        "version": described["version"],
        "description": described["description"],
        "licenses": [{"license": {"id": described["license"]}}],
        "purl": reference,
    }


def depends(described: dict[str, Any], components: list[dict[str, Any]]) -> dict[str, Any]:
    names = {re.split(r"[^A-Za-z0-9._-]", wanted, maxsplit=1)[0] for wanted in described["dependencies"]}
    found = sorted(one["bom-ref"] for one in components if one["name"] in names)
    if len(found) != len(names):
        raise SystemExit(f"sbom: not every dependency of {described['name']} is pinned: make requirements")
    return {"ref": purl(described["name"], described["version"]), "dependsOn": found}


def main() -> None:
    made = json.load(sys.stdin)
    service, client = project(ROOT / "pyproject.toml"), project(ROOT / "client" / "pyproject.toml")
    components = [*map(placeless, made["components"]), own(client, "library")]
    components.sort(key=lambda one: one["bom-ref"])
    tools = made["metadata"]["tools"]["components"]
    written = {
        "$schema": made["$schema"],
        "bomFormat": made["bomFormat"],
        "specVersion": made["specVersion"],
        "version": 1,
        "metadata": {
            **({"timestamp": made["metadata"]["timestamp"]} if "timestamp" in made["metadata"] else {}),
            "tools": {"components": [{key: one[key] for key in ("type", "name", "version")} for one in tools]},
            "component": own(service, "application"),
        },
        "components": components,
        "dependencies": [depends(service, components), depends(client, components)],
    }
    json.dump(written, sys.stdout, indent=2)
    sys.stdout.write("\n")


main()
