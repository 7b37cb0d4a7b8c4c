import os
import socket
from pathlib import Path

import pytest
from evidence_keys import a_key_text
from pydantic import ValidationError

from runtime.settings import Settings, variable_name
from runtime.settings_loading import SECRETS as SECRET_FIELDS
from runtime.settings_loading import SettingsError, load_settings


def problems(**environ: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load_settings(environ)
    return caught.value.lines


def test_an_empty_environment_gives_the_defaults():
    settings = load_settings({})

    assert settings.database_url.get_secret_value() == "postgresql://postgres@127.0.0.1:5432/proposals"
    assert (settings.api_host, settings.api_port) == ("127.0.0.1", 8000)


def test_values_come_from_the_environment_that_is_given(monkeypatch):
    monkeypatch.setenv("PROPOSAL_API_PORT", "1")

    settings = load_settings({"PROPOSAL_LARGE_REQUEST_ROWS": "7", "PROPOSAL_STORE_EVIDENCE_BUNDLE": "off"})

    assert settings.large_request_rows == 7
    assert settings.store_evidence_bundle is False
    assert settings.api_port == 8000


def test_settings_are_frozen():
    with pytest.raises(ValidationError, match="frozen"):
        load_settings({}).api_port = 9000


def test_what_a_test_builds_ignores_the_process_environment(monkeypatch):
    monkeypatch.setenv("PROPOSAL_API_PORT", "1")

    assert Settings().api_port == 8000


@pytest.mark.parametrize("text", ["1", "true", "yes", "on", "True", "ON"])
def test_every_spelling_of_true_is_taken(text):
    assert load_settings({"PROPOSAL_REQUIRE_SIMULATION_FLAG": text}).require_simulation_flag is True


def test_an_empty_value_is_the_default():
    assert load_settings({"PROPOSAL_API_PORT": "", "PROPOSAL_TEMPORAL_UI_URL": ""}) == load_settings({})


def test_an_unknown_variable_is_refused_with_the_nearest_name():
    assert problems(PROPOSAL_DATABSE_URL="x") == [
        "PROPOSAL_DATABSE_URL: no such setting, did you mean PROPOSAL_DATABASE_URL?"
    ]
    assert problems(PROPOSAL_ZZZZ="x") == ["PROPOSAL_ZZZZ: no such setting"]


def test_variables_of_others_are_none_of_our_business():
    load_settings({"TEMPORAL_ADDRESS": "x", "PATH": "y", "MY_PROPOSAL_X": "z"})


def test_all_problems_are_named_at_once_and_none_shows_a_value():
    lines = problems(
        PROPOSAL_NO_SUCH="hidden-1",
        PROPOSAL_API_PORT="65536",
        PROPOSAL_DATABASE_URL="mysql://root:hidden-2@db",
        PROPOSAL_LOG_LEVEL="hidden-3",
        PROPOSAL_TEMPORAL_UI_URL="hidden-4",
        PROPOSAL_ENGINE_PROCESSES="hidden-5",
        PROPOSAL_STORE_EVIDENCE_BUNDLE="hidden-6",
    )

    assert lines == [
        "PROPOSAL_NO_SUCH: no such setting",
        "PROPOSAL_DATABASE_URL: must begin with postgresql://",
        "PROPOSAL_API_PORT: must be less than or equal to 65535",
        "PROPOSAL_TEMPORAL_UI_URL: must begin with http:// or https://",
        "PROPOSAL_STORE_EVIDENCE_BUNDLE: must be a valid boolean",
        "PROPOSAL_ENGINE_PROCESSES: must be a valid integer",
        "PROPOSAL_LOG_LEVEL: must be 'DEBUG', 'INFO', 'WARNING' or 'ERROR'",
    ]


def test_the_database_url_is_not_shown_by_accident():
    settings = load_settings({"PROPOSAL_DATABASE_URL": "postgresql://u:hidden@db/x"})

    assert "hidden" not in f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"


LONG = "a-secret-of-24-characters"


def test_callback_secrets_are_several_the_newest_first():
    for text in (f"{LONG}-new,{LONG}-old", f" {LONG}-new \n {LONG}-old ", f"{LONG}-new, {LONG}-old,"):
        settings = load_settings({"PROPOSAL_CALLBACK_SECRETS": text})
        assert settings.callback_rules.secrets == (f"{LONG}-new", f"{LONG}-old")
        assert LONG not in f"{settings!r} {settings.callback_rules!r}"
    assert load_settings({}).callback_rules.secrets == ()
    assert problems(PROPOSAL_CALLBACK_SECRETS=f"{LONG},hidden") == [
        "PROPOSAL_CALLBACK_SECRETS: must be secrets of at least 24 characters each"
    ]


def test_allowed_hosts_are_kept_in_one_spelling():
    settings = load_settings({"PROPOSAL_CALLBACK_ALLOWED_HOSTS": "127.0.0.1, LocalHost. ,[::1],b\u00fccher.example"})
    assert settings.callback_rules.allowed_hosts == {"127.0.0.1", "localhost", "::1", "xn--bcher-kva.example"}
    assert problems(PROPOSAL_CALLBACK_ALLOWED_HOSTS="https://hidden/") == [
        "PROPOSAL_CALLBACK_ALLOWED_HOSTS: must be host names or addresses, without ports"
    ]


@pytest.mark.parametrize(
    "url",
    [
        *("ftp://hidden", "https://", "https://u:hidden/x@ui.example", "https://[hidden", "https://ui.example:/hidden"),
        *("https://[::1]hidden", "https://hid den", "https://ui.example/hid\nden", "https://ui.example/hidden%zz"),
        *(
            'https://ui.example/hidden">',
            "https://ui.example\\hidden",
            "https://.hidden",
            "https://ui.example/hidd\u00e9n",
        ),
    ],
)
def test_a_url_that_is_none_is_refused_without_its_text(url):
    for name in ("PROPOSAL_TEMPORAL_UI_URL", "PROPOSAL_AUTH_JWKS_URL"):
        [line] = problems(**{name: url})
        assert line.startswith(f"{name}: must")
        assert "hidden" not in line


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://hidden", "must begin with http:// or https://"),
        ("bank.example/hidden", "must begin with http:// or https://"),
        ("https://", "must be a valid URL: its host is no name and no address"),
        ("https://[::1]hidden", "must be a valid URL: its host is no name and no address"),
        ("https://bank.example:hidden", "must be a valid URL: its port is no number from 1 to 65535"),
        ("https://bank.example:/hidden", "must be a valid URL: its port is no number from 1 to 65535"),
        (
            "https://bank.example/hid\n",
            "must be a valid URL: it has blanks, backslashes or characters that do not print",
        ),
        ("https://bank.example/%zz", "must be a valid URL: it has a % without two hexadecimal digits, or marks"),
        ("https://u:hidden@bank.example", "must not have user information"),
        ("https://bank.example/?hidden", "must not have a query"),
        ("https://bank.example/#hidden", "must not have a fragment"),
        ("https://bank.example/?", "must not have a query"),
        ("https://bank.example/hidden)", "must be a host and a path of letters, digits and . _ ~ % / -"),
        (
            "https://bank.example/hid den",
            "must be a valid URL: it has blanks, backslashes or characters that do not print",
        ),
    ],
)
def test_a_public_url_that_is_none_is_refused_with_the_part_that_is_wrong(url, reason):
    assert problems(PROPOSAL_PUBLIC_URL=url) == [f"PROPOSAL_PUBLIC_URL: {reason}"]


@pytest.mark.parametrize(
    "url", ["https://bank.example", "http://127.0.0.1:8000", "https://[::1]:8443", "https://bank.example/advice/v1"]
)
def test_a_public_url_is_kept_without_a_slash_at_its_end(url):
    for given in (url, f"{url}/"):
        settings = load_settings({"PROPOSAL_PUBLIC_URL": given})
        assert (settings.public_url, settings.callback_rules.public_url) == (url, url)
    assert load_settings({}).public_url is None


@pytest.mark.parametrize("name", ["PROPOSAL_AUTH_ISSUER", "PROPOSAL_AUTH_AUDIENCE"])
@pytest.mark.parametrize("text", [" ", " hidden", "hidden\n", "hid\u200bden"])
def test_what_tokens_are_compared_with_has_no_invisible_characters(name, text):
    assert problems(**{name: text}) == [f"{name}: must have no white space at its ends and no control characters"]


CLAIM_RULE = "must be the name of a claim, without white space, quotes and brackets"


@pytest.mark.parametrize(
    "name", ["PROPOSAL_AUTH_SUBJECT_CLAIM", "PROPOSAL_AUTH_CLIENT_CLAIMS", "PROPOSAL_AUTH_SCOPE_CLAIMS"]
)
@pytest.mark.parametrize("text", ['"hidden"', '["hidden"]', "hidden other", "hidden;other", "hid\nden", "\u200b"])
def test_a_claim_is_named_as_a_token_has_it(name, text):
    assert problems(**{name: text}) == [f"{name}: {CLAIM_RULE}"]


def test_a_claim_may_be_a_url_and_its_dots_are_no_path():
    settings = load_settings(
        {
            "PROPOSAL_AUTH_SUBJECT_CLAIM": "https://bank.example/staff-id",
            "PROPOSAL_AUTH_SCOPE_CLAIMS": "bank.example/roles, scp,, scp",
        }
    )
    assert settings.auth_subject_claim == "https://bank.example/staff-id"
    assert settings.auth_scope_claims == ("bank.example/roles", "scp")
    assert problems(PROPOSAL_AUTH_SUBJECT_CLAIM="sub ") == [f"PROPOSAL_AUTH_SUBJECT_CLAIM: {CLAIM_RULE}"]


def test_urls_are_not_shown_by_accident():
    settings = load_settings(
        {
            "PROPOSAL_TEMPORAL_UI_URL": "https://u:hidden@ui.example",
            "PROPOSAL_AUTH_JWKS_URL": "https://issuer.example/keys?token=hidden",
            "PROPOSAL_DATABASE_URL": "postgresql://u:hidden@db/x",
        }
    )
    assert "hidden" not in repr(settings)


SECRETS = {
    "PROPOSAL_DATABASE_URL": "postgresql://service:secret@db/proposals",
    "PROPOSAL_OWNER_DATABASE_URL": "postgres://owner:secret@db/proposals",
    "PROPOSAL_CALLBACK_SECRETS": "a" * 24,
    "PROPOSAL_EGRESS_PROXY": "http://user:secret@proxy:3128",
    "PROPOSAL_EVIDENCE_KEY": a_key_text(),
}


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize("around", ["{}", "{}\n", "{}\r\n", "\ufeff{}\r\n"])
def test_a_secret_comes_from_a_file(tmp_path, name, around):
    path = tmp_path / "secret"
    path.write_bytes(around.format(SECRETS[name]).encode())

    settings = load_settings({f"{name}_FILE": str(path)})

    value = getattr(settings, name.removeprefix("PROPOSAL_").lower())
    assert value.get_secret_value() == SECRETS[name]


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "the file cannot be read (No such file or directory)"),
        (b"", "the file is empty"),
        (b" \n", "the file is empty"),
        (b"\xef\xbb\xbf\r\n", "the file is empty"),
        (b"\xff\xfe", "the file is not UTF-8 text"),
        (b"p\0o\0", "the file is not UTF-8 text"),
        (b"x" * 70_000, "the file is larger than 64 KiB"),
        (b"\n" * 70_000, "the file is larger than 64 KiB"),
        ("\u20ac".encode() * 30_000, "the file is larger than 64 KiB"),
    ],
)
def test_a_file_that_gives_no_secret_is_named_with_the_reason(tmp_path, name, content, reason):
    path = tmp_path / "secret"
    if content is not None:
        path.write_bytes(content)

    assert problems(**{f"{name}_FILE": str(path)}) == [f"{name}_FILE: {reason}"]


@pytest.mark.timeout(60)  # what opens a FIFO waits for a writer
@pytest.mark.parametrize("name", SECRETS)
def test_only_a_regular_file_gives_a_secret(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)  # the path of a socket has little room
    os.mkfifo("fifo")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket")
        Path("folder").mkdir()
        Path("link").symlink_to("fifo")
        for path in ("fifo", "link", "socket", "/dev/zero", "folder"):
            reason = "Is a directory" if path == "folder" else "Not a regular file"
            assert problems(**{f"{name}_FILE": path}) == [f"{name}_FILE: the file cannot be read ({reason})"]


def test_a_secret_comes_through_the_links_of_a_kubernetes_mount(tmp_path):
    versioned = tmp_path / "..2026_11_26_10_24_49.1"
    versioned.mkdir()
    (versioned / "database-url").write_text(SECRETS["PROPOSAL_DATABASE_URL"])
    (tmp_path / "..data").symlink_to(versioned.name)
    (tmp_path / "database-url").symlink_to("..data/database-url")

    settings = load_settings({"PROPOSAL_DATABASE_URL_FILE": str(tmp_path / "database-url")})

    assert settings.database_url.get_secret_value() == SECRETS["PROPOSAL_DATABASE_URL"]


def test_a_secret_and_its_file_exclude_each_other(tmp_path):
    path = tmp_path / "secret"
    path.write_text(SECRETS["PROPOSAL_DATABASE_URL"])

    assert problems(PROPOSAL_DATABASE_URL=SECRETS["PROPOSAL_DATABASE_URL"], PROPOSAL_DATABASE_URL_FILE=str(path)) == [
        "PROPOSAL_DATABASE_URL_FILE: give it or PROPOSAL_DATABASE_URL, not both"
    ]


def test_what_is_wrong_with_a_secret_is_said_of_the_variable_that_names_its_file(tmp_path):
    path = tmp_path / "secret"
    path.write_text("mysql://x")

    (line,) = problems(PROPOSAL_DATABASE_URL_FILE=str(path))

    assert line == "PROPOSAL_DATABASE_URL_FILE: must begin with postgresql://"


def test_every_secret_is_among_these():
    assert set(SECRETS) == {variable_name(field) for field in SECRET_FIELDS}


def test_only_a_secret_has_a_file_of_its_own():
    assert problems(PROPOSAL_API_PORT_FILE="/x")[0].startswith("PROPOSAL_API_PORT_FILE: no such setting")


@pytest.mark.parametrize(
    "url",
    [
        "proxy:3128",
        "https://proxy:3128",
        "http://proxy",
        "http://:3128",
        "http://proxy:0",
        "http://proxy:1/hidden",
        "http://pro xy:1",
    ],
)
def test_a_proxy_is_a_host_and_a_port(url):
    assert problems(PROPOSAL_EGRESS_PROXY=url) == ["PROPOSAL_EGRESS_PROXY: must be http://[user:password@]host:port"]


def test_a_proxy_may_need_credentials():
    proxy = load_settings({"PROPOSAL_EGRESS_PROXY": "http://desk:a%40b@proxy:3128"}).proxy

    assert (proxy.host, proxy.port, proxy.authorization) == ("proxy", 3128, "Basic ZGVzazphQGI=")
    assert "ZGVz" not in repr(proxy)


def test_the_version_that_the_worker_controller_of_temporal_sets():
    settings = load_settings({"TEMPORAL_DEPLOYMENT_NAME": "advice/worker", "TEMPORAL_WORKER_BUILD_ID": "0.2.0-2b7c"})
    assert (settings.worker_deployment_name, settings.worker_build_id) == ("advice/worker", "0.2.0-2b7c")
    assert problems(TEMPORAL_WORKER_BUILD_ID="a", PROPOSAL_WORKER_BUILD_ID="b") == [
        "TEMPORAL_WORKER_BUILD_ID: give it or PROPOSAL_WORKER_BUILD_ID, not both"
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TEMPORAL_DEPLOYMENT_NAME", "a.b"),
        ("PROPOSAL_WORKER_DEPLOYMENT_NAME", "a:b"),
        ("PROPOSAL_WORKER_BUILD_ID", "a:b"),
        ("TEMPORAL_WORKER_BUILD_ID", "b" * 101),
    ],
)
def test_a_version_that_temporal_could_not_tell_from_another_is_refused(name, value):
    (line,) = problems(**{name: value})
    assert line.startswith(f"{name}: must be up to 1")


@pytest.mark.parametrize("text", ["x", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", "a" * 64])
def test_an_evidence_key_that_is_none_is_refused_without_its_text(text):
    (line,) = problems(PROPOSAL_EVIDENCE_KEY=text)
    assert line == ("PROPOSAL_EVIDENCE_KEY: must be a private key as `openssl genpkey -algorithm ed25519` writes it")
