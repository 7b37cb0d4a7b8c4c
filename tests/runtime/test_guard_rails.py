"""What each command refuses to start without."""

import os

import pytest
from temporalio.envconfig import ClientConfigProfile, ClientConfigTLS

from runtime.guard_rails import OF_API, OF_MIGRATE, OF_SCHEDULES, OF_WORKER, TEMPORAL_REFUSED, refusals
from runtime.settings_loading import load_settings

COMPLETE = {
    "PROPOSAL_PROFILE": "PRODUCTION",
    "PROPOSAL_DATABASE_URL": "postgresql://proposals@db.example/proposals?sslmode=verify-full",
    "PROPOSAL_AUTH_MODE": "jwt",
    "PROPOSAL_AUTH_ISSUER": "https://issuer.example/",
    "PROPOSAL_AUTH_AUDIENCE": "proposals",
    "PROPOSAL_AUTH_JWKS_URL": "https://issuer.example/keys",
    "PROPOSAL_CALLBACK_SECRETS": "a-secret-of-24-characters",
    "PROPOSAL_FOUR_EYES": "true",
    "PROPOSAL_STRICT_VERSION_BINDING": "true",
    "PROPOSAL_API_HOST": "0.0.0.0",  # noqa: S104 -- refused, not listened on -- what production does
}
SECURE = ClientConfigProfile(tls=ClientConfigTLS(disabled=False))
PLAIN = ClientConfigProfile()


def variables(concerns, environ, profile=SECURE) -> list[str]:
    lines = refusals(load_settings(environ), concerns, load_temporal=lambda: profile)
    return [line.partition(":")[0] for line in lines]


def test_production_names_all_that_is_missing_at_once():
    nothing = {"PROPOSAL_PROFILE": "PRODUCTION"}
    assert variables(OF_API, nothing, PLAIN) == [
        "PROPOSAL_DATABASE_URL",
        "PROPOSAL_AUTH_MODE",
        "PROPOSAL_FOUR_EYES",
        "PROPOSAL_STRICT_VERSION_BINDING",
        "PROPOSAL_CALLBACK_SECRETS",
        "TEMPORAL_TLS",
    ]
    assert variables(OF_WORKER, nothing, PLAIN) == [
        "PROPOSAL_DATABASE_URL",
        "PROPOSAL_CALLBACK_SECRETS",
        "TEMPORAL_TLS",
    ]
    assert variables(OF_MIGRATE, nothing, PLAIN) == ["PROPOSAL_DATABASE_URL"]
    assert variables(OF_SCHEDULES, nothing, PLAIN) == ["TEMPORAL_TLS"]
    assert variables(frozenset(), nothing, PLAIN) == []


def test_production_starts_when_all_is_there():
    assert variables(OF_API, COMPLETE) == []


@pytest.mark.parametrize("left_out", sorted(COMPLETE.keys() - {"PROPOSAL_PROFILE", "PROPOSAL_API_HOST"}))
def test_each_of_them_is_missed(left_out):
    environ = {name: value for name, value in COMPLETE.items() if name != left_out}
    assert variables(OF_API, environ) == [left_out]


@pytest.mark.parametrize(
    ("profile", "is_fine"),
    [
        (PLAIN, False),
        (ClientConfigProfile(tls=ClientConfigTLS(disabled=True), api_key="k"), False),
        (ClientConfigProfile(api_key="k"), True),
        (ClientConfigProfile(tls=ClientConfigTLS(client_cert=b"c", client_private_key=b"k")), True),
    ],
)
def test_temporal_is_asked_by_tls_unless_somebody_says_otherwise(profile, is_fine):
    assert variables(OF_WORKER, COMPLETE, profile) == ([] if is_fine else ["TEMPORAL_TLS"])
    assert variables(OF_WORKER, COMPLETE | {"PROPOSAL_TEMPORAL_INSECURE": "true"}, profile) == []


def test_a_profile_that_the_sdk_refuses_shows_nothing_of_it():
    def refused() -> ClientConfigProfile:
        raise RuntimeError("key hidden")

    assert refusals(load_settings(COMPLETE), OF_WORKER, load_temporal=refused) == [TEMPORAL_REFUSED]


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost", "LocalHost"])
def test_without_authentication_the_api_listens_here(host):
    assert variables(OF_API, {"PROPOSAL_API_HOST": host}) == []


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "db.example", "localhost.example"])  # noqa: S104 -- refused
def test_without_authentication_the_api_listens_nowhere_else(host):
    assert variables(OF_API, {"PROPOSAL_API_HOST": host}) == ["PROPOSAL_API_HOST"]
    assert variables(OF_WORKER, {"PROPOSAL_API_HOST": host}) == []
    with_tokens = {name: value for name, value in COMPLETE.items() if "AUTH" in name}
    assert variables(OF_API, with_tokens | {"PROPOSAL_API_HOST": host}) == []


def test_tokens_need_one_source_of_keys(tmp_path):
    file = tmp_path / "keys.json"
    file.write_text("{}")
    both = COMPLETE | {"PROPOSAL_AUTH_JWKS_FILE": str(file)}
    assert variables(OF_API, both) == ["PROPOSAL_AUTH_JWKS_URL"]
    file_alone = {name: value for name, value in both.items() if name != "PROPOSAL_AUTH_JWKS_URL"}
    assert variables(OF_API, file_alone) == []


@pytest.fixture
def libpq(monkeypatch, tmp_path):
    """Sets the PG* variables; the service file names `far` without TLS and `safe` with it."""
    for name in [name for name in os.environ if name.startswith("PG")]:
        monkeypatch.delenv(name)
    services = tmp_path / "services"
    services.write_text("[far]\nhost=db.example\nsslmode=disable\n[safe]\nhost=db.example\nsslmode=verify-ca\n")
    monkeypatch.setenv("PGSERVICEFILE", str(services))
    return monkeypatch.setenv


def database_lines(url, **more) -> list[str]:
    environ = COMPLETE | {"PROPOSAL_DATABASE_URL": url} | more
    assert variables(OF_SCHEDULES, environ) == []
    assert variables(OF_API, environ) == variables(OF_WORKER, environ) == variables(OF_MIGRATE, environ)
    return variables(OF_API, environ)


@pytest.mark.parametrize(
    ("rest", "variables_of_libpq"),
    [
        ("db.example/p", {}),
        ("db.example/p", {"PGSSLMODE": "prefer"}),
        ("db.example/p?sslmode=prefer", {"PGSSLMODE": "verify-full"}),
        ("db.example/p?sslmode=disable", {}),
        ("db.example/p?sslmode=allow", {}),
        ("db.example/p?sslmode=require&sslmode=disable", {}),
        ("10.0.0.1/p", {}),
        ("localhost.example/p", {}),
        ("[2001:db8::1]/p", {}),
        ("127.0.0.1,db.example/p", {}),
        ("/p?host=127.0.0.1,db.example", {}),
        ("127.0.0.1/p?hostaddr=10.0.0.1", {}),
        ("127.0.0.1/p", {"PGHOSTADDR": "10.0.0.1"}),
        ("/p", {"PGHOST": "db.example"}),
        ("/p?service=far", {}),
        ("/p", {"PGSERVICE": "far"}),
        ("db.example/p?service=far", {"PGSSLMODE": "verify-full"}),
    ],
)
def test_a_database_elsewhere_without_tls_is_refused_unless_the_operator_says_so(rest, variables_of_libpq, libpq):
    for name, value in variables_of_libpq.items():
        libpq(name, value)
    url = f"postgresql://proposals:hidden@{rest}"
    assert database_lines(url) == ["PROPOSAL_DATABASE_URL"]
    assert database_lines(COMPLETE["PROPOSAL_DATABASE_URL"], PROPOSAL_OWNER_DATABASE_URL=url) == [
        "PROPOSAL_OWNER_DATABASE_URL"
    ]
    lines = refusals(load_settings(COMPLETE | {"PROPOSAL_DATABASE_URL": url}), OF_MIGRATE, load_temporal=lambda: SECURE)
    assert "hidden" not in "".join(lines)
    assert database_lines(url, PROPOSAL_DATABASE_INSECURE="true") == []
    assert database_lines(url, PROPOSAL_PROFILE="LOCAL") == []


@pytest.mark.parametrize(
    ("rest", "variables_of_libpq"),
    [
        ("db.example/p?sslmode=require", {}),
        ("db.example/p?sslmode=verify-ca", {}),
        ("db.example,other.example/p?sslmode=verify-full", {}),
        ("db.example/p?sslrootcert=system", {}),  # implies verify-full
        ("db.example/p", {"PGSSLMODE": "require"}),
        ("/p?service=safe", {}),
        ("db.example/p", {"PGSERVICE": "safe"}),
        ("127.0.0.1/p", {}),
        ("localhost,[::1]:5433/p?sslmode=disable", {}),
        ("db.example/p?hostaddr=127.0.0.1", {}),
        ("/p", {}),
        ("%2Fvar%2Frun%2Fpostgresql/p", {}),
        ("/p?host=/var/run/postgresql", {}),
        ("127.0.0.1,localhost/p?port=5432,5433", {}),
        ("127.0.0.1/p?gssencmode=require", {}),
        ("127.0.0.1/p?target_session_attrs=read-write&connect_timeout=3", {"PGHOSTADDR": "127.0.0.1"}),
    ],
)
def test_a_database_on_this_machine_or_by_tls_is_taken(rest, variables_of_libpq, libpq):
    for name, value in variables_of_libpq.items():
        libpq(name, value)
    assert database_lines(f"postgresql://proposals:hidden@{rest}") == []


@pytest.mark.parametrize(
    ("rest", "variables_of_libpq"),
    [
        ("db.example/p?sslmode=bogus", {}),
        ("127.0.0.1/p?sslmode=bogus", {}),
        ("127.0.0.1/p?sslmode=REQUIRE", {}),
        ("127.0.0.1/p", {"PGSSLMODE": "bogus"}),
        ("127.0.0.1/p%zz", {}),
        ("127.0.0.1/p?no_such_option=hidden", {}),
        ("127.0.0.1/p?target_session_attrs=bogus", {}),
        ("127.0.0.1/p?channel_binding=bogus", {}),
        ("127.0.0.1:hidden/p", {}),
        ("127.0.0.1:65536/p", {}),
        ("127.0.0.1,localhost/p?port=1,2,3", {}),
        ("/p?service=missing", {}),
    ],
)
def test_a_url_that_libpq_refuses_is_named_in_every_profile(rest, variables_of_libpq, libpq):
    for name, value in variables_of_libpq.items():
        libpq(name, value)
    url = f"postgresql://proposals:hidden@{rest}"
    for more in ({}, {"PROPOSAL_PROFILE": "LOCAL"}, {"PROPOSAL_DATABASE_INSECURE": "true"}):
        assert database_lines(url, **more) == ["PROPOSAL_DATABASE_URL"]
    owner = COMPLETE | {"PROPOSAL_OWNER_DATABASE_URL": url}
    lines = refusals(load_settings(owner), OF_MIGRATE, load_temporal=lambda: SECURE)
    assert lines[-1].startswith("PROPOSAL_OWNER_DATABASE_URL: libpq refuses ")
    assert "hidden" not in "".join(lines)


MISSING = "the file cannot be read (No such file or directory)"


def lines_of(concerns, environ, profile=SECURE) -> list[str]:
    return refusals(load_settings(environ), concerns, load_temporal=lambda: profile)


@pytest.mark.parametrize("profile", ["LOCAL", "PRODUCTION"])
@pytest.mark.parametrize("option", ["sslrootcert", "sslcert", "sslkey", "sslcrl"])
def test_a_file_of_libpq_that_is_missing_is_named(tmp_path, profile, option):
    url = f"{COMPLETE['PROPOSAL_DATABASE_URL']}&{option}={tmp_path / 'none.pem'}"
    environ = COMPLETE | {"PROPOSAL_PROFILE": profile, "PROPOSAL_DATABASE_URL": url}

    assert lines_of(OF_API, environ) == [f"PROPOSAL_DATABASE_URL ({option}): {MISSING}"]
    (tmp_path / "none.pem").write_text("-")
    assert lines_of(OF_API, environ) == []


def test_the_certificates_of_the_system_are_no_file():
    url = f"{COMPLETE['PROPOSAL_DATABASE_URL']}&sslrootcert=system"
    assert lines_of(OF_MIGRATE, COMPLETE | {"PROPOSAL_DATABASE_URL": url}) == []


def test_a_client_without_a_certificate_names_the_null_device():
    url = f"{COMPLETE['PROPOSAL_DATABASE_URL']}&sslcert={os.devnull}"
    assert lines_of(OF_MIGRATE, COMPLETE | {"PROPOSAL_DATABASE_URL": url}) == []


def test_a_file_of_temporal_that_is_missing_is_named(tmp_path):
    path = tmp_path / "none.pem"
    tls = ClientConfigTLS(disabled=False, server_root_ca_cert=path, client_cert=path, client_private_key=path)

    assert lines_of(OF_SCHEDULES, COMPLETE, ClientConfigProfile(tls=tls)) == [
        f"TEMPORAL_TLS_SERVER_CA_CERT_PATH: {MISSING}",
        f"TEMPORAL_TLS_CLIENT_CERT_PATH: {MISSING}",
        f"TEMPORAL_TLS_CLIENT_KEY_PATH: {MISSING}",
    ]


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_certificates_that_are_missing_are_named_because_openssl_passes_over_them(tmp_path, monkeypatch, name):
    monkeypatch.setenv(name, str(tmp_path / "none.pem"))

    assert lines_of(OF_WORKER, COMPLETE) == [f"{name}: {MISSING}"]
    assert lines_of(OF_MIGRATE, COMPLETE) == []


@pytest.mark.timeout(60)  # what opens a FIFO waits for a writer
def test_a_file_of_the_issuers_keys_that_cannot_be_read_is_named(tmp_path):
    environ = {name: value for name, value in COMPLETE.items() if name != "PROPOSAL_AUTH_JWKS_URL"}
    environ["PROPOSAL_AUTH_JWKS_FILE"] = str(tmp_path / "none.json")

    assert lines_of(OF_API, environ) == [f"PROPOSAL_AUTH_JWKS_FILE: {MISSING}"]
    assert lines_of(OF_WORKER, environ) == []
    (tmp_path / "none.json").mkdir()
    assert lines_of(OF_API, environ) == ["PROPOSAL_AUTH_JWKS_FILE: the file cannot be read (Is a directory)"]
    (tmp_path / "none.json").rmdir()
    os.mkfifo(tmp_path / "none.json")
    assert lines_of(OF_API, environ) == ["PROPOSAL_AUTH_JWKS_FILE: the file cannot be read (Not a regular file)"]
