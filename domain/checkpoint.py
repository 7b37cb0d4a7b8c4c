"""A signed statement about where all trails ended at one moment: proof that what it saw was not replaced later."""

from dataclasses import asdict, dataclass, replace
from typing import Any

from domain.canonical import canonical_text, sha256_of
from domain.evidence_key import EvidenceKey, is_signed
from domain.merkle import MerkleTree
from domain.pack_verifier import CHECKPOINT_FORMAT
from domain.proposal import Proposal


@dataclass(frozen=True, kw_only=True, slots=True)
class ChainHead:
    """The end of a proposal's trail at some moment; kept elsewhere, it proves that nothing before it was replaced."""

    proposal_id: str
    event_count: int
    last_event_hash: str

    @classmethod
    def of(cls, proposal: Proposal) -> "ChainHead":
        return cls(
            proposal_id=proposal.proposal_id,
            event_count=proposal.event_count,
            last_event_hash=proposal.last_event_hash,
        )

    def shown(self) -> dict[str, Any]:
        """The members of its JSON. `asdict` takes five times as long, and a checkpoint may have a million heads."""
        return {
            "proposal_id": self.proposal_id,
            "event_count": self.event_count,
            "last_event_hash": self.last_event_hash,
        }

    def leaf(self) -> bytes:
        """The leaf of a checkpoint's tree."""
        return canonical_text(self.shown()).encode()


@dataclass(frozen=True, kw_only=True, slots=True)
class SeenHead(ChainHead):
    """A head that a checkpoint was the first to see."""

    checkpoint_no: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Checkpoint:
    """`root` is over the newest head of each proposal by id, `changed_root` over the heads that are new in this one.

    A proposal that was ever seen stays in the tree. `taken_at` is a time in its wire form, `previous_hash` the hash of
    the checkpoint before this one, `public_key` and `signature` are hex.
    """

    checkpoint_no: int
    taken_at: str
    proposals: int
    root: str
    changed: int
    changed_root: str
    previous_hash: str
    public_key: str
    signature: str

    def statement(self) -> str:
        """The text that is signed: everything but the signature."""
        return canonical_text({name: value for name, value in self.shown().items() if name != "signature"})

    def shown(self) -> dict[str, Any]:
        """The members of its JSON, in packs and files."""
        return {"format": CHECKPOINT_FORMAT, **asdict(self)}

    def hash(self) -> str:
        return sha256_of(self.statement())

    def signed(self, key: EvidenceKey) -> "Checkpoint":
        unsigned = replace(self, public_key=key.public_key)
        return replace(unsigned, signature=key.sign(unsigned.statement()))

    def is_signed(self) -> bool:
        """Whether it is as the holder of its key signed it."""
        return is_signed(self.statement(), public_key=self.public_key, signature=self.signature)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sighting:
    """A checkpoint that saw this head of a proposal: the leaf at `index`, and the path from it to the root."""

    checkpoint: Checkpoint
    head: ChainHead
    index: int
    path: tuple[str, ...]


def root_of(tree: MerkleTree) -> str:
    return hash_text(tree.root())


def hash_text(digest: bytes) -> str:
    return f"sha256:{digest.hex()}"
