"""The demo's issuer and its people, without any server."""

import stat
import time
from pathlib import Path

import jwt
import pytest
import typer

from api.http.tokens import TokenRefused, TokenRules, TokenVerifier
from cli.local.commands import demo
from cli.local.issuer import Issuer, NoSigningKey
from cli.local.people import ADVISOR, PEOPLE
from cli.local.tokens import token
from domain.access import Caller, Scope
from runtime.issuer_keys import IssuerKeys, from_file
from runtime.settings_loading import load_settings


@pytest.fixture
def issuer(tmp_path):
    issuer = Issuer(tmp_path)
    issuer.prepare()
    return issuer


async def caller_of(given, issuer):
    settings = load_settings(issuer.settings())
    assert settings.auth_mode == "jwt"
    rules = TokenRules(
        issuer=settings.auth_issuer,
        audience=settings.auth_audience,
        leeway_seconds=0,
        subject_claim=settings.auth_subject_claim,
        client_claims=settings.auth_client_claims,
        scope_claims=settings.auth_scope_claims,
    )
    async with IssuerKeys(from_file(settings.auth_jwks_file), refresh_seconds=300).running() as keys:
        return await TokenVerifier(keys, rules).caller(given)


@pytest.mark.parametrize("person", PEOPLE.values(), ids=PEOPLE)
async def test_the_service_knows_each_person_by_the_token(issuer, person):
    caller = await caller_of(issuer.token(person), issuer)

    assert caller == Caller(client="local", subject=person.name, scopes=frozenset(person.scopes))
    assert Scope.ACTORS_ANY not in caller.scopes  # no person acts in another's name


async def test_a_token_of_another_data_directory_is_refused(issuer, tmp_path):
    (tmp_path / "other").mkdir()
    other = Issuer(tmp_path / "other")
    other.prepare()

    with pytest.raises(TokenRefused):
        await caller_of(other.token(ADVISOR), issuer)


def test_a_token_is_good_for_eight_hours(issuer):
    claims = jwt.decode(issuer.token(ADVISOR), options={"verify_signature": False})

    assert claims["exp"] - claims["iat"] == 8 * 3600
    assert abs(claims["iat"] - time.time()) < 60


def test_the_signing_key_is_made_once_and_only_this_user_can_read_it(issuer, tmp_path):
    key = tmp_path / "people-signing-key.pem"
    made = key.read_bytes()

    issuer.prepare()

    assert key.read_bytes() == made
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    key.write_bytes(made[:50])  # killed while it wrote
    with pytest.raises(NoSigningKey):
        issuer.token(ADVISOR)
    issuer.prepare()
    assert issuer.token(ADVISOR)


def test_a_name_that_nobody_has_is_refused_with_the_names(issuer, tmp_path, capsys):
    with pytest.raises(typer.Exit) as ended:
        token("bob", data_dir=tmp_path)

    told = capsys.readouterr()
    assert (ended.value.exit_code, told.out) == (1, "")
    assert told.err.startswith("proposals token: there is no bob in the demo, but there are\n")
    assert all(f"proposals token:   {person.name}: {person.role}\n" in told.err for person in PEOPLE.values())


def test_without_a_demo_with_people_the_command_says_what_to_run(tmp_path, capsys):
    with pytest.raises(typer.Exit) as ended:
        token("risk_1", data_dir=tmp_path)

    assert ended.value.exit_code == 1
    assert capsys.readouterr().err == (
        f"proposals token: no demo with people has run in {tmp_path}: "
        "run `proposals demo --people`, or name its folder with --data-dir\n"
    )


def test_a_demo_is_of_a_batch_or_of_people(tmp_path, capsys):
    with pytest.raises(typer.Exit) as ended:
        demo(data_dir=tmp_path / "data", batch=True, people=True)

    assert ended.value.exit_code == 2
    assert "--batch and --people exclude each other" in capsys.readouterr().err
    assert not (tmp_path / "data").exists()


def test_the_page_has_the_people_with_their_scopes():
    page = (Path(__file__).parents[3] / "docs" / "guides" / "demo-with-people.md").read_text()

    for person in PEOPLE.values():
        scopes = " ".join(f"`{scope}`" for scope in person.scopes)
        assert f"| `{person.name}` | {person.role} | {scopes} |\n" in page
