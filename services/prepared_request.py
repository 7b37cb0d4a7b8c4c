"""A request ready to be stored. It is made where the body is read, because hashing and compressing take time."""

from dataclasses import dataclass, field
from typing import Final, Self

from domain.callback import CallbackSubscription
from domain.canonical import canonical_text
from domain.operation import OperationType
from domain.request import CreateRequest, SimulateRequest, VersionRequest, request_document, request_hash
from domain.request_size import row_count
from storage.batch_chunks import NewChunk
from storage.documents import Document, DocumentKind

MAX_SMALL_BYTES: Final = 1024 * 1024  # rows may hold long texts: so many bytes are computed in a tenth of a second


@dataclass(frozen=True, kw_only=True, slots=True)
class PreparedRequest:
    """A valid request as services take it: its document, and what there is to know of it without parsing that again.

    The `author` of a simulation is not in its body; `metadata` is canonical JSON text. A batch has chunks, and a
    `portfolio_id` only when it is of one portfolio (services/prepared_batch.py).
    """

    operation_type: OperationType
    request_hash: str
    document: Document
    row_count: int
    portfolio_id: str | None
    asks_for_simulation: bool
    author: str = ""
    metadata: str = field(default="{}", repr=False)
    expected_version_no: int | None = None
    callback: CallbackSubscription | None = None
    scenario_count: int | None = None
    chunks: tuple[NewChunk, ...] = ()

    @property
    def runs_total(self) -> int | None:
        return sum(chunk.runs for chunk in self.chunks) if self.chunks else None

    @classmethod
    def of(
        cls, request: CreateRequest | VersionRequest | SimulateRequest, *, callback: CallbackSubscription | None = None
    ) -> Self:
        simulated = request if isinstance(request, SimulateRequest) else request.simulate_request
        return cls(
            operation_type=_operation_type(request),
            request_hash=request_hash(request),
            document=Document.of(DocumentKind.REQUEST, request_document(request)),
            row_count=row_count(simulated),
            portfolio_id=simulated.portfolio_snapshot.portfolio_id,
            asks_for_simulation=simulated.options.enable_proposal_simulation,
            author="" if isinstance(request, SimulateRequest) else request.created_by,
            metadata=canonical_text(request.metadata.model_dump()) if isinstance(request, CreateRequest) else "{}",
            expected_version_no=request.expected_current_version_no if isinstance(request, VersionRequest) else None,
            callback=callback,
        )

    def is_large(self, *, more_rows_than: int) -> bool:
        """Whether it is computed in a process of its own, which can be ended."""
        return bool(self.chunks) or self.row_count > more_rows_than or self.document.size > MAX_SMALL_BYTES


def _operation_type(request: CreateRequest | VersionRequest | SimulateRequest) -> OperationType:
    if isinstance(request, SimulateRequest):
        return OperationType.SIMULATE_PROPOSAL
    is_create = isinstance(request, CreateRequest)
    return OperationType.CREATE_PROPOSAL if is_create else OperationType.CREATE_PROPOSAL_VERSION
