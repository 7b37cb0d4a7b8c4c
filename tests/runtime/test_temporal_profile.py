"""The API key of Temporal from a file, which Temporal's SDK has no variable for."""

import os

import pytest

from runtime.guard_rails import OF_API, OF_MIGRATE, OF_SCHEDULES, OF_WORKER, refusals
from runtime.settings_loading import load_settings
from runtime.temporal_profile import load_profile, uses_tls


@pytest.fixture
def key_file(tmp_path, monkeypatch):
    for name in ("TEMPORAL_API_KEY", "TEMPORAL_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)
    path = tmp_path / "api-key"
    path.write_text("the-key\n")
    monkeypatch.setenv("TEMPORAL_API_KEY_FILE", str(path))
    return path


def said(concerns) -> list[str]:
    return refusals(load_settings({}), concerns, load_temporal=load_profile)


def test_the_client_has_the_key_of_the_file_and_uses_tls(key_file, monkeypatch):
    monkeypatch.setenv("TEMPORAL_ADDRESS", "temporal.example:7233")
    profile = load_profile()
    assert uses_tls(profile)
    config = profile.to_client_connect_config()
    assert (config["target_host"], config["api_key"]) == ("temporal.example:7233", "the-key")
    assert said(OF_WORKER) == []


@pytest.mark.timeout(60)  # what opens a FIFO waits for a writer
@pytest.mark.parametrize("concerns", [OF_API, OF_WORKER, OF_SCHEDULES])
def test_a_file_that_gives_no_key_is_named_with_the_reason(key_file, concerns):
    key_file.write_text("\n")
    assert said(concerns) == ["TEMPORAL_API_KEY_FILE: the file is empty"]
    key_file.write_bytes(b"\0" * 70_000)
    assert said(concerns) == ["TEMPORAL_API_KEY_FILE: the file is larger than 64 KiB"]
    key_file.unlink()
    assert said(concerns) == ["TEMPORAL_API_KEY_FILE: the file cannot be read (No such file or directory)"]
    os.mkfifo(key_file)
    assert said(concerns) == ["TEMPORAL_API_KEY_FILE: the file cannot be read (Not a regular file)"]
    assert said(OF_MIGRATE) == []


@pytest.mark.parametrize("content", ["one\ntwo", "one two", "k\u00e9y"])
def test_a_key_that_no_header_can_hold_is_refused_without_its_text(key_file, monkeypatch, content):
    rule = "an API key is one word of printable ASCII characters"
    key_file.write_text(content)
    assert said(OF_WORKER) == [f"TEMPORAL_API_KEY_FILE: {rule}"]
    monkeypatch.delenv("TEMPORAL_API_KEY_FILE")
    monkeypatch.setenv("TEMPORAL_API_KEY", content)
    assert said(OF_WORKER) == [f"TEMPORAL_API_KEY: {rule}"]


def test_the_key_and_its_file_exclude_each_other(key_file, monkeypatch):
    monkeypatch.setenv("TEMPORAL_API_KEY", "another")
    assert said(OF_WORKER) == ["TEMPORAL_API_KEY_FILE: give it or TEMPORAL_API_KEY, not both"]
