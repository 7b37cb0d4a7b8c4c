"""The verifier's own Ed25519 and what it is written with: it is run by strangers, by the Python that they have."""

import ast
import io
import sys
from pathlib import Path
from zipfile import ZipFile, ZipInfo

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from domain import pack_verifier
from domain.pack_verifier import L, Verification, is_signed, plain

SOURCE = Path(pack_verifier.__file__).read_text()
# RFC 8032, section 7.1: TEST 1, 2, 3 and SHA(abc): public key, message, signature.
VECTORS = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe"
            "24655141438e7a100b"
        ),
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302a"
            "eeb00d291612bb0c00"
        ),
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed2"
            "8dc027beceea1ec40a"
        ),
    ),
    (
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        (
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e"
            "2a9ac94fa54ca49f"
        ),
        (
            "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac1"
            "7ad9bef1177331a704"
        ),
    ),
]


def altered(data: bytes, bit: int) -> bytes:
    place = bit % (8 * len(data))
    return bytes(byte ^ (1 << place % 8 if number == place // 8 else 0) for number, byte in enumerate(data))


@pytest.mark.parametrize(("public_key", "message", "signature"), VECTORS)
def test_a_signature_of_the_rfc_is_right_and_each_alteration_of_it_wrong(public_key, message, signature):
    key, text, signed = bytes.fromhex(public_key), bytes.fromhex(message), bytes.fromhex(signature)
    assert is_signed(key, text, signed)
    for bit in (0, 3, 255, 256, 400, 511):
        assert not is_signed(key, text, altered(signed, bit))
    assert not is_signed(altered(key, 7), text, signed)
    assert not is_signed(key, text + b"\x00", signed)
    assert not is_signed(key[:-1], text, signed)
    assert not is_signed(key, text, signed[:-1])
    s = int.from_bytes(signed[32:], "little") + L  # the same signature in another form
    assert not is_signed(key, text, signed[:32] + s.to_bytes(32, "little"))


@settings(max_examples=25, deadline=None)
@given(seed=st.binary(min_size=32, max_size=32), message=st.binary(max_size=300), bit=st.integers(0, 511))
def test_it_agrees_with_the_library_that_signs(seed, message, bit):
    private = Ed25519PrivateKey.from_private_bytes(seed)
    public_key, signature = private.public_key().public_bytes_raw(), private.sign(message)
    assert is_signed(public_key, message, signature)
    assert not is_signed(public_key, message, altered(signature, bit))


def test_a_key_that_is_no_point_signs_nothing():
    for number in (2, 7, 2**255 - 19, 2**255 - 1):
        assert not is_signed(number.to_bytes(32, "little"), b"", bytes(64))


def test_it_is_written_in_python_3_9_with_the_standard_library_alone():
    tree = ast.parse(SOURCE, feature_version=(3, 9))
    imported = {
        name.partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])
    }
    assert imported <= sys.stdlib_module_names
    assert not imported & {"socket", "urllib", "http", "ssl", "subprocess", "os"}


def test_what_could_pass_for_another_line_is_shown_escaped():
    assert plain("a\nRESULT") == "'a\\nRESULT'"
    assert plain("\x1b[2Kevents.json") == "'\\x1b[2Kevents.json'"
    assert plain("documents/é.json") == "'documents/\\xe9.json'"
    assert plain("events.json") == "events.json"


def test_what_is_no_file_is_named_and_not_read(tmp_path):
    (tmp_path / "device").symlink_to("/dev/null")  # as a pipe or /dev/zero, but a failure of this test ends
    verification = Verification()

    verification.read(tmp_path)

    assert verification.failures == [("device", "is no file")]


def test_parts_that_overlap_in_a_zip_are_named_and_not_read(tmp_path):
    inner, content = io.BytesIO(), b"x" * 10_000
    with ZipFile(inner, "w") as archive:
        archive.writestr(ZipInfo("inner"), content)
        entry = archive.infolist()[0]
    pack = tmp_path / "pack.zip"
    with ZipFile(pack, "w") as archive:
        archive.writestr(ZipInfo("outer"), inner.getvalue())
        entry.header_offset = len(archive.infolist()[0].FileHeader())
        archive.filelist.append(entry)
    verification = Verification()

    verification.read(pack)

    [(part, reason)] = verification.failures
    assert part in {"inner", "outer"}  # newer Pythons name the first of the two
    assert "verlap" in reason
