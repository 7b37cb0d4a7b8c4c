"""Merkle trees as RFC 6962, section 2.1, has them: one hash over many leaves, and the path that proves one of them.

The tree takes its leaves one by one and keeps only the roots of its full subtrees: 30 hashes for a billion leaves.
"""

import hashlib
from typing import Final, NamedTuple

EMPTY: Final = hashlib.sha256().digest()


def leaf_hash(leaf: bytes) -> bytes:
    """Leaves and nodes begin with other bytes, so that no node can pass for a leaf."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


class _Subtree(NamedTuple):
    size: int
    digest: bytes
    has_wanted: bool


class MerkleTree:
    """A tree of the leaves added so far; `wanted` is the index of the leaf whose path it keeps, if there is one."""

    def __init__(self) -> None:
        self._subtrees: list[_Subtree] = []  # each is larger than the one after it
        self._path: list[bytes] = []
        self.size = 0
        self.wanted: int | None = None

    def add(self, leaf: bytes, *, is_wanted: bool = False) -> None:
        """At most one leaf is wanted."""
        subtree = _Subtree(1, leaf_hash(leaf), is_wanted)
        if is_wanted:
            self.wanted = self.size
        self.size += 1
        while self._subtrees and self._subtrees[-1].size == subtree.size:
            subtree = _joined(self._subtrees.pop(), subtree, self._path)
        self._subtrees.append(subtree)

    def root(self) -> bytes:
        return self._whole([])

    def path(self) -> list[bytes]:
        """The hashes beside the way from the wanted leaf to the root, the leaf's sibling first."""
        path = list(self._path)
        self._whole(path)
        return path

    def _whole(self, path: list[bytes]) -> bytes:
        if not self._subtrees:
            return EMPTY
        *others, whole = self._subtrees
        for subtree in reversed(others):
            whole = _joined(subtree, whole, path)
        return whole.digest


def _joined(left: _Subtree, right: _Subtree, path: list[bytes]) -> _Subtree:
    if left.has_wanted:
        path.append(right.digest)
    elif right.has_wanted:
        path.append(left.digest)
    digest = node_hash(left.digest, right.digest)
    return _Subtree(left.size + right.size, digest, left.has_wanted or right.has_wanted)
