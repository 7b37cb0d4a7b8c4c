import re
import subprocess
import sys

import pytest

from bench.peers_environment import REQUIREMENTS, ROOT

PINNED = dict(re.findall(r"^([\w-]+)(?:\[[\w,]+\])?==(\S+)", REQUIREMENTS.read_text(), re.MULTILINE))
SERVICE = dict(re.findall(r"^([\w-]+)==(\S+)", (ROOT / "requirements" / "runtime.txt").read_text(), re.MULTILINE))


def test_peers_are_pinned_with_hashes_and_no_place_to_get_them_from():
    text = REQUIREMENTS.read_text()
    assert "://" not in text
    assert text.count("==") <= text.count("--hash=sha256:")
    assert "dbos" in PINNED


def test_peers_have_the_services_versions_of_what_both_use():
    assert {name: version for name, version in PINNED.items() if SERVICE.get(name, version) != version} == {}


@pytest.mark.parametrize(
    "module", ["bench", "bench.growth", "bench.capacity", "bench.hostile", "bench.purge", "bench.engine"]
)
def test_each_program_of_the_bench_starts(module):
    ran = subprocess.run(
        [sys.executable, "-m", module, "--help"], cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    assert "usage:" in ran.stdout


def test_the_bench_of_monitoring_starts_with_the_tests_beside_it():
    environment = {"PYTHONPATH": "tests", "PATH": "/usr/bin:/bin"}
    command = [sys.executable, "-m", "bench.monitoring", "--help"]
    ran = subprocess.run(command, cwd=ROOT, env=environment, check=False, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr


def test_another_checkout_without_its_environment_is_refused(tmp_path):
    command = [sys.executable, "-m", "bench", "--quick", "--against", tmp_path]
    ran = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert ran.returncode == 2
    assert "has no .venv" in ran.stderr
