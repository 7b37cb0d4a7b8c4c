"""Merkle trees against the definition of RFC 6962, section 2.1, and against a log that others publish."""

import hashlib

import pytest

from domain.merkle import MerkleTree
from domain.pack_verifier import root_by_path

# Of the tests of google/certificate-transparency: eight leaves, and the roots over the first of them.
LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)


def naive_root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962, word for word."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\x01" + naive_root(leaves[:split]) + naive_root(leaves[split:])).digest()


def tree_of(leaves: list[bytes], wanted: int | None = None) -> MerkleTree:
    tree = MerkleTree()
    for number, leaf in enumerate(leaves):
        tree.add(leaf, is_wanted=number == wanted)
    return tree


@pytest.mark.parametrize("size", range(len(ROOTS)))
def test_the_root_is_that_of_a_published_log(size):
    assert tree_of(LEAVES[:size]).root().hex() == ROOTS[size]


def test_every_leaf_of_every_tree_is_proven_and_no_other_leaf_or_place():
    for size in range(1, 40):
        leaves = [b"%d" % number for number in range(size)]
        for index in range(size):
            tree = tree_of(leaves, index)
            root, path = tree.root(), tree.path()
            assert root == naive_root(leaves)
            assert tree.wanted == index
            assert root_by_path(leaves[index], index, size, path) == root
            assert root_by_path(b"x", index, size, path) != root
            assert size == 1 or root_by_path(leaves[index], (index + 1) % size, size, path) != root
            assert root_by_path(leaves[index], index, size, [*path, root]) is None
            assert not path or root_by_path(leaves[index], index, size, path[:-1]) is None
            for outside in (-1, size):
                assert root_by_path(leaves[index], outside, size, path) is None


def test_a_tree_keeps_few_hashes_however_many_leaves_it_has():
    tree = MerkleTree()
    for number in range(5_000):
        tree.add(b"%d" % number, is_wanted=number == 77)
        assert len(tree._subtrees) <= 13
    assert len(tree.path()) == 13
