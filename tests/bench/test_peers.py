import importlib
import re
import subprocess
import sys
from importlib.metadata import packages_distributions

import pytest

from bench.__main__ import main
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


def test_peers_have_all_that_the_service_imports_for_them():
    loaded = "import sys, bench.peers.rows; print(*{name.partition('.')[0] for name in sys.modules})"
    ran = subprocess.run([sys.executable, "-c", loaded], cwd=ROOT, capture_output=True, text=True, check=True)
    owners = packages_distributions()
    needed = {owners[name][0].lower().replace("_", "-") for name in ran.stdout.split() if name in owners}
    assert needed - PINNED.keys() - {"proposals", "setuptools"} == set()  # the project itself, and what installed it


@pytest.mark.parametrize(
    "program", ["__main__", "growth", "capacity", "hostile", "monitoring", "purge", "engine"], ids=str
)
def test_each_program_of_the_bench_starts(program, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["bench", "--help"])
    with pytest.raises(SystemExit) as ended:
        importlib.import_module(f"bench.{program}").main()
    assert ended.value.code == 0
    assert "usage:" in capsys.readouterr().out


def test_another_checkout_without_its_environment_is_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["bench", "--quick", "--against", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "has no .venv" in capsys.readouterr().err
