"""What the values of settings must be. A refusal never says what was given."""

import re
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, SecretStr
from pydantic_core import PydanticCustomError

from domain.callback_url import UrlRefused, canonical_host, parsed_url
from domain.egress_proxy import EgressProxy, ProxyUrlInvalid
from domain.evidence_key import EvidenceKey, EvidenceKeyInvalid
from runtime.addresses import is_key_url
from runtime.shown_url import linked_url

MIN_SECRET_LENGTH: Final = 24
# It is put into Markdown and JSON as it is, and paths are put behind it.
PUBLIC_URL: Final = re.compile(r"https?://[A-Za-z0-9._:\[\]-]+(?:/[A-Za-z0-9._~%/-]*)?")
NO_PART_OF_URLS: Final = re.compile(r'%(?![0-9A-Fa-f]{2})|["<>^`{|}]')  # beside what `parsed_url` refuses
# A list in JSON, a quoted text or names with blanks between would be one name, which no token has.
CLAIM: Final = re.compile(r"[^\s\"'`,;\[\]{}\\]+")
# Temporal joins the two with a colon, in older servers with a dot: the name in front must hold neither.
DEPLOYMENT_NAME: Final = re.compile(r"[A-Za-z0-9_/-]{1,127}")
BUILD_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,100}")


def _is_postgresql_url(url: SecretStr) -> SecretStr:
    if not url.get_secret_value().startswith(("postgresql://", "postgres://")):
        raise PydanticCustomError("database_url", "must begin with postgresql://")
    return url


def _is_web_url(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise PydanticCustomError("web_url", "must begin with http:// or https://")
    try:
        parsed_url(linked_url(url))
    except UrlRefused as refused:
        raise PydanticCustomError("web_url", "must be a valid URL: {rule}", {"rule": refused.rule.value}) from None
    if NO_PART_OF_URLS.search(url):
        raise PydanticCustomError("web_url", "must be a valid URL: it has a % without two hexadecimal digits, or marks")
    return url.rstrip("/")


def _is_public_url(url: str) -> str:
    url = _is_web_url(url)
    excess = {"user information": "@" in urlsplit(url).netloc, "a query": "?" in url, "a fragment": "#" in url}
    for part, is_there in excess.items():
        if is_there:
            raise PydanticCustomError("public_url", "must not have {part}", {"part": part})
    if not PUBLIC_URL.fullmatch(url):
        raise PydanticCustomError("public_url", "must be a host and a path of letters, digits and . _ ~ % / -")
    return url


def _is_key_url(url: str) -> str:
    if not is_key_url(url) or NO_PART_OF_URLS.search(url):
        raise PydanticCustomError("key_url", "must be an https:// URL, or http:// of a loopback address")
    return url


def _is_proxy_url(url: SecretStr) -> SecretStr:
    try:
        EgressProxy.of(url.get_secret_value())
    except ProxyUrlInvalid:
        raise PydanticCustomError("proxy_url", "must be http://[user:password@]host:port") from None
    return url


def _are_long_secrets(secrets: SecretStr) -> SecretStr:
    found = secrets_in(secrets)
    if not found or any(len(secret) < MIN_SECRET_LENGTH for secret in found):
        raise PydanticCustomError("callback_secrets", "must be secrets of at least 24 characters each")
    return secrets


def _is_evidence_key(key: SecretStr) -> SecretStr:
    try:
        EvidenceKey.from_pem(key.get_secret_value())
    except EvidenceKeyInvalid:
        raise PydanticCustomError(
            "evidence_key", "must be a private key as `openssl genpkey -algorithm ed25519` writes it"
        ) from None
    return key


def _is_deployment_name(name: str) -> str:
    if not DEPLOYMENT_NAME.fullmatch(name):
        raise PydanticCustomError("deployment_name", "must be up to 127 letters, digits, _, / and -")
    return name


def _is_build_id(build_id: str) -> str:
    if not BUILD_ID.fullmatch(build_id):
        raise PydanticCustomError("build_id", "must be up to 100 letters, digits, ., _ and -")
    return build_id


def secrets_in(secrets: SecretStr) -> tuple[str, ...]:
    return tuple(secrets.get_secret_value().replace(",", " ").split())


def _is_exact_text(text: str) -> str:
    """Tokens are compared with it: a line feed of the file that it was copied from would refuse them all."""
    if text != text.strip() or not text.isprintable():
        raise PydanticCustomError("exact_text", "must have no white space at its ends and no control characters")
    return text


def _is_claim(name: str) -> str:
    if not CLAIM.fullmatch(name) or not name.isprintable():
        raise PydanticCustomError("claim", "must be the name of a claim, without white space, quotes and brackets")
    return name


def _as_claims(given: Any) -> Any:
    if not isinstance(given, str):
        return given
    claims = tuple(dict.fromkeys(claim.strip() for claim in given.split(",") if claim.strip()))
    if not claims:
        raise PydanticCustomError("claims", "must be names of claims, separated by commas")
    return tuple(map(_is_claim, claims))


def _as_hosts(given: Any) -> Any:
    """Names and addresses in the one spelling in which urls are compared with them."""
    if not isinstance(given, str):
        return given
    try:
        return tuple(dict.fromkeys(canonical_host(host.strip()) for host in given.split(",") if host.strip()))
    except UrlRefused:
        raise PydanticCustomError("callback_hosts", "must be host names or addresses, without ports") from None


DatabaseUrl = Annotated[SecretStr, AfterValidator(_is_postgresql_url)]
WebUrl = Annotated[str, AfterValidator(_is_web_url)]
PublicUrl = Annotated[str, AfterValidator(_is_public_url)]
KeyUrl = Annotated[str, AfterValidator(_is_key_url)]
ProxyUrl = Annotated[SecretStr, AfterValidator(_is_proxy_url)]
LongSecrets = Annotated[SecretStr, AfterValidator(_are_long_secrets)]
EvidenceKeyText = Annotated[SecretStr, AfterValidator(_is_evidence_key)]
DeploymentName = Annotated[str, AfterValidator(_is_deployment_name)]
BuildId = Annotated[str, AfterValidator(_is_build_id)]
ExactText = Annotated[str, AfterValidator(_is_exact_text)]
Claim = Annotated[str, AfterValidator(_is_claim)]
Claims = Annotated[tuple[str, ...], BeforeValidator(_as_claims)]
Hosts = Annotated[tuple[str, ...], BeforeValidator(_as_hosts)]
