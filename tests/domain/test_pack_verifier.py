"""The verifier's own Ed25519 and what it is written with: it is run by strangers, by the Python that they have."""

import ast
import hashlib
import io
import sys
from pathlib import Path
from zipfile import ZipFile, ZipInfo

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from domain import evidence_key, pack_verifier
from domain.evidence_pack import zipped
from domain.pack_verifier import BASE, L, P, Verification, is_key, is_signed, plain, point_of, times

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

# Chalkias, Garillot, Nikolaenko, "Taming the many EdDSAs" (2020), section 5: public key, message, signature.
REFUSED = [
    (  # S = 0, key and R of small order
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "8c93255d71dcab10e8f379c26200f3c7bd5f09d9bc3068d3ef4edeb4853022b6",
        (
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a000000000000000000000000000000000000000000000000"
            "0000000000000000"
        ),
    ),
    (  # S > 0, key of small order, R mixed
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
        (
            "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7d"
            "fc6637b45450ac04"
        ),
    ),
    (  # key mixed, R of small order
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
        "aebf3f2601a0c8c5d39cc7d8911642f740b78168218da8471772b35f9d35b9ab",
        (
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa8c4bd45aecaca5b24fb97bc10ac27ac8751a7dfe1baff8b9"
            "53ec9f5833ca260e"
        ),
    ),
    (  # key and R mixed, verifies with and without cofactor
        "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
        "9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
        (
            "9046a64750444938de19f227bb80485e92b83fdb4b6506c160484c016cc1852f87909e14428a7a1d62e9f22f3d3ad7802db02eb2e688b6c5"
            "2fcd6648a98bd009"
        ),
    ),
    (  # key and R mixed, verifies with cofactor only
        "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
        "e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
        (
            "160a1cb0dc9c0258cd0a7d23e94d8fa878bcb1925f2c64246b2dee1796bed5125ec6bc982a269b723e0668e540911a9a6a58921d6925e434"
            "ab10aa7940551a09"
        ),
    ),
    (  # as before, where 8h is reduced first
        "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
        "e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
        (
            "21122a84e0b5fca4052f5b1235c80a537878b38f3142356b2c2384ebad4668b7e40bc836dac0f71076f9abe3a53f9c03c1ceeeddb658d003"
            "0494ace586687405"
        ),
    ),
    (  # S is not below L
        "442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623",
        "85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40",
        (
            "e96f66be976d82e60150baecff9906684aebb1ef181f67a7189ac78ea23b6c0e547f7690a0e2ddcd04d87dbc3490dc19b3b3052f7ff0538c"
            "b68afb369ba3a514"
        ),
    ),
    (  # S is far above L
        "442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623",
        "85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40",
        (
            "8ce5b96c8f26d0ab6c47958c9e68b937104cd36e13c33566acd2fe8d38aa19427e71f98a473474f2f13f06f97c20d58cc3f54b8bd0d272f4"
            "2b695dd7e89a8c22"
        ),
    ),
    (  # R is small and not canonical
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
        "fdaebc429f4a735932a160da1301080c13280eea8bc280d1b392c6b9e6ba3a5a",
        (
            "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f454d370c8d9fc323a41450f8d513eafeb5b0697390c1e505"
            "a0d4ddc71f566607"
        ),
    ),
    (  # R is small and not canonical, and was hashed as it is
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
        "84b698d39be126ff55fe45079e6c8bf64a0d7db6994560b4e96b7021eb39c1a1",
        (
            "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f084d5b99c2a9463d9c8bd5026916996984eeec87ddf1d3be"
            "329006ace1b37b09"
        ),
    ),
]
OF_ORDER_8 = int.from_bytes(bytes.fromhex(REFUSED[0][0]), "little") & (2**255 - 1)  # the y of a point


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


@pytest.mark.parametrize("number", range(len(REFUSED)))
def test_what_implementations_disagree_about_is_refused_here_and_by_the_service(number):
    public_key, message, signature = (bytes.fromhex(text) for text in REFUSED[number])
    assert not is_signed(public_key, message, signature)
    text = "".join(map(chr, message))  # the service signs texts: the words do not matter where the key is refused
    assert not evidence_key.is_signed(text, public_key=public_key.hex(), signature=signature.hex())


# Every encoding of a point of order 1, 2, 4 or 8, six of which are another than the right one.
SMALL = [
    number.to_bytes(32, "little")
    for y in (0, 1, P - 1, P, P + 1, OF_ORDER_8, P - OF_ORDER_8)
    for number in (y, y | 1 << 255)
]


@pytest.mark.parametrize("public_key", SMALL, ids=bytes.hex)
def test_a_key_of_small_order_signs_no_message(public_key):
    """Without the check one of eight signatures of this kind is right of any message."""
    for number in range(16):
        for r in SMALL:
            assert not is_signed(public_key, bytes([number]), r + bytes(32))
    assert not is_key(public_key)
    assert times(8, point_of(int.from_bytes(public_key, "little") % 2**255 % P, 0) or BASE)[0] == 0


def test_the_service_refuses_keys_of_small_order_that_openssl_takes():
    public_key, signature = SMALL[1 * 2], SMALL[1 * 2] + bytes(32)
    Ed25519PublicKey.from_public_bytes(public_key).verify(signature, b"anything")
    assert not evidence_key.is_signed("anything", public_key=public_key.hex(), signature=signature.hex())


def test_a_signature_that_gives_its_key_away_is_refused_here_and_by_the_service():
    """Its `r` is the neutral element: S is the private scalar times a number that all know."""
    seed, message = bytes(32), b"text"
    digest = hashlib.sha512(seed).digest()
    scalar = int.from_bytes(digest[:32], "little") & (2**254 - 8) | 2**254
    public_key = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    r = (1).to_bytes(32, "little")
    factor = int.from_bytes(hashlib.sha512(r + public_key + message).digest(), "little")
    signature = r + (factor * scalar % L).to_bytes(32, "little")
    Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    assert is_key(public_key)
    assert not is_signed(public_key, message, signature)
    assert not evidence_key.is_signed("text", public_key=public_key.hex(), signature=signature.hex())


def test_a_small_zip_is_judged_to_the_last_bit(tmp_path):
    """Each bit turned, each byte taken out, and a byte put in at each place."""
    parts = {"a.json": b"{}", "b/c.json": b"[1]", "d": b""}
    whole = zipped(parts)
    file = tmp_path / "pack.zip"

    def named(content: bytes) -> set[str]:
        file.write_bytes(content)
        verification = Verification()
        verification.read(file)
        return {part for part, _ in verification.failures}

    assert named(whole) == set()
    for place in range(len(whole) + 1):
        before, behind = whole[:place], whole[place:]
        changes = [before + bytes([byte]) + behind for byte in (0, 0x50, 0xFF)]
        if behind:
            changes += [before + bytes([behind[0] ^ 1 << bit]) + behind[1:] for bit in range(8)]
            changes.append(before + behind[1:])
        for changed in changes:
            assert named(changed), (place, changed)


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
