"""From stored request to stored result, and from both to the stored artifact: text in, text out.

The functions are pure, repeat to the same bytes, and can run in another process. The artifact is stored without the two
large parts that are documents of their own, and put together by concatenation.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

from domain.canonical import canonical_object, canonical_text, sha256_of, wire_text
from domain.decimals import normal_text
from domain.engine import codes
from domain.engine.artifact import build_artifact
from domain.engine.pipeline import simulate
from domain.operation import OperationType, RecordedEvidence
from domain.recent import Recent
from domain.request import CreateRequest, SimulateRequest, VersionRequest
from domain.request import request_hash as request_hash_of

RequestKind = Literal["create", "version", "simulate"]

REQUEST_MODELS: Final[Mapping[RequestKind, type[SimulateRequest | CreateRequest | VersionRequest]]] = {
    "create": CreateRequest,
    "version": VersionRequest,
    "simulate": SimulateRequest,
}
REQUEST_KINDS: Final[Mapping[OperationType, RequestKind]] = {
    OperationType.CREATE_PROPOSAL: "create",
    OperationType.CREATE_PROPOSAL_VERSION: "version",
    OperationType.SIMULATE_PROPOSAL: "simulate",
}
MAX_RECENT_CHARACTERS: Final = 8_000_000  # a result of 5,000 positions; parsed, at most some 70 MB
NOT_HASHED: Final = frozenset({"created_at", "correlation_id"})
INPUTS_GAP: Final = b'"evidence_bundle":{"inputs":null,"engine_outputs":{"proposal_result":null},'


@dataclass(frozen=True, kw_only=True, slots=True)
class SimulatedDocument:
    """A result as it is stored; `gate_decision` is JSON text, too."""

    text: str
    status: str
    simulation_hash: str
    gate_decision: str | None
    engine_version: str

    def recorded(self, *, artifact_hash: str, documents: tuple[str, str, str]) -> RecordedEvidence:
        """With what was built on it; `documents` are the addresses of result, inputs and artifact."""
        result_document, inputs_document, artifact_document = documents
        return RecordedEvidence(
            result_document=result_document,
            simulation_status=self.status,
            simulation_hash=self.simulation_hash,
            gate_decision=self.gate_decision,
            inputs_document=inputs_document,
            artifact_document=artifact_document,
            artifact_hash=artifact_hash,
            engine_version=self.engine_version,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class ArtifactDocuments:
    """The evidence inputs, and the artifact with `null` where inputs and result belong."""

    inputs: str
    artifact: str
    artifact_hash: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """The documents of a version, all made by one engine version (R48)."""

    simulated: SimulatedDocument
    built: ArtifactDocuments


class NamedHashes(NamedTuple):
    """The hashes that a version carries of what its engine made."""

    simulation: str
    artifact: str


class _Result(NamedTuple):
    """A result, and the canonical text that both hashes cover: without correlation id and key (D18, D19)."""

    value: Mapping[str, Any]
    hashed: str


def parsed_request(request_text: str, *, kind: RequestKind) -> SimulateRequest:
    """The simulation's part of a stored request document."""
    recent = _RECENT_REQUESTS[kind]
    request = recent.get(request_text)
    if request is None:
        parsed = REQUEST_MODELS[kind].model_validate_json(request_text)
        request = parsed if isinstance(parsed, SimulateRequest) else parsed.simulate_request
        recent.remember(request_text, request, size=len(request_text))
    return request


def simulate_document(
    request_text: str, *, kind: RequestKind, request_hash: str, correlation_id: str, idempotency_key: str | None
) -> SimulatedDocument:
    """The result of a stored request, as text and with its hash (D19)."""
    value = simulate(
        parsed_request(request_text, kind=kind),
        request_hash=request_hash,
        correlation_id=correlation_id,
        idempotency_key=idempotency_key,
    )
    result = _Result(value, _hashed_text(value))
    text = wire_text(value)
    _RECENT_RESULTS.remember(text, result, size=len(text))
    return _simulated_document(text, result)


def artifact_documents(request_text: str, result_text: str, *, kind: RequestKind, created_at: str) -> ArtifactDocuments:
    """Inputs and artifact of a stored request and its stored result; `created_at` is UTC text."""
    request = parsed_request(request_text, kind=kind)
    result = _read_result(result_text)
    inputs = request.model_dump()
    artifact = build_artifact(request, result.value, created_at=created_at)
    lineage = result.value["lineage"]
    artifact_hash = _artifact_hash(
        artifact,
        inputs=canonical_text(inputs, default=normal_text),
        result=result.hashed,
        request_hash=lineage["request_hash"],
        engine_version=lineage["engine_version"],
    )
    stored_bundle = {
        "inputs": None,
        "engine_outputs": {"proposal_result": None},
        "hashes": {"request_hash": lineage["request_hash"], "artifact_hash": artifact_hash},
        "engine_version": lineage["engine_version"],
    }
    return ArtifactDocuments(
        inputs=wire_text(inputs, default=normal_text),
        artifact=wire_text({**artifact, "evidence_bundle": stored_bundle}),
        artifact_hash=artifact_hash,
    )


def evidence_of(
    request_text: str,
    *,
    kind: RequestKind,
    request_hash: str,
    correlation_id: str,
    idempotency_key: str | None,
    created_at: str,
    result_text: str | None = None,
) -> Evidence:
    """The whole evidence of a stored request; a stored result of this engine version is built on, no other one is."""
    simulated = None if result_text is None else _simulated_document(result_text, _read_result(result_text))
    if simulated is None or simulated.engine_version != codes.ENGINE_VERSION:
        simulated = simulate_document(
            request_text,
            kind=kind,
            request_hash=request_hash,
            correlation_id=correlation_id,
            idempotency_key=idempotency_key,
        )
    return Evidence(
        simulated=simulated,
        built=artifact_documents(request_text, simulated.text, kind=kind, created_at=created_at),
    )


def recorded_evidence(result: str, artifact: str, *, documents: tuple[str, str, str]) -> RecordedEvidence:
    """What stored documents say of themselves; `documents` are the addresses of result, inputs and artifact."""
    artifact_hash = json.loads(artifact)["evidence_bundle"]["hashes"]["artifact_hash"]
    simulated = _simulated_document(result, _read_result(result))
    return simulated.recorded(artifact_hash=artifact_hash, documents=documents)


def stored_request_hash(request: str, *, kind: RequestKind) -> str:
    """The hash of a stored request. Its own engine version alone is sure to accept it, and to leave out the same."""
    return request_hash_of(REQUEST_MODELS[kind].model_validate_json(request))


def named_hashes(result: str, *, inputs: str, artifact: str) -> NamedHashes:
    """The hashes of result and artifact, computed again from the stored documents alone, whatever engine made them."""
    whole = json.loads(artifact)
    bundle = whole.pop("evidence_bundle")
    hashed_result = _hashed_text(json.loads(result))
    return NamedHashes(
        simulation=sha256_of(hashed_result),
        artifact=_artifact_hash(
            whole,
            inputs=canonical_text(json.loads(inputs)),
            result=hashed_result,
            request_hash=bundle["hashes"]["request_hash"],
            engine_version=bundle["engine_version"],
        ),
    )


def _artifact_hash(
    artifact: Mapping[str, Any], *, inputs: str, result: str, request_hash: str, engine_version: str
) -> str:
    """Of the artifact without its bundle, and of the bundle's parts; `inputs` and `result` are canonical texts."""
    bundle = {
        "inputs": inputs,
        "engine_outputs": canonical_object({"proposal_result": result}),
        "hashes": canonical_text({"request_hash": request_hash}),
        "engine_version": canonical_text(engine_version),
    }
    hashed = {name: canonical_text(part) for name, part in artifact.items() if name not in NOT_HASHED}
    return sha256_of(canonical_object({**hashed, "evidence_bundle": canonical_object(bundle)}))


def artifact_parts(artifact: bytes, *, inputs: bytes, result: bytes) -> tuple[bytes | memoryview, ...]:
    """The artifact's JSON with its two large parts in place, in pieces that are no copies."""
    before, after = _around_gap(artifact)
    return (before, b'"evidence_bundle":', *_filled(inputs, result), after)


def bundle_parts(artifact: bytes, *, inputs: bytes, result: bytes) -> tuple[bytes | memoryview, ...]:
    """The JSON of the artifact's evidence bundle alone, in such pieces."""
    _, after = _around_gap(artifact)
    return (*_filled(inputs, result), after[:-1])


def _filled(inputs: bytes, result: bytes) -> tuple[bytes, ...]:
    return (b'{"inputs":', inputs, b',"engine_outputs":{"proposal_result":', result, b"},")


def _around_gap(artifact: bytes) -> tuple[memoryview, memoryview]:
    """The text before and after the gap. Quotes in a client's text are escaped, so none of it can look like the gap."""
    place = artifact.rfind(INPUTS_GAP)
    if place < 0:
        raise ValueError("the text is no stored artifact")
    whole = memoryview(artifact)
    return whole[:place], whole[place + len(INPUTS_GAP) :]


def _read_result(text: str) -> _Result:
    result = _RECENT_RESULTS.get(text)
    if result is None:
        value = json.loads(text)
        result = _Result(value, _hashed_text(value))
        _RECENT_RESULTS.remember(text, result, size=len(text))
    return result


def _simulated_document(text: str, result: _Result) -> SimulatedDocument:
    gate = result.value["gate_decision"]
    return SimulatedDocument(
        text=text,
        status=result.value["status"],
        simulation_hash=sha256_of(result.hashed),
        gate_decision=None if gate is None else wire_text(gate),
        engine_version=result.value["lineage"]["engine_version"],
    )


def _hashed_text(result: Mapping[str, Any]) -> str:
    lineage = {name: value for name, value in result["lineage"].items() if name != "idempotency_key"}
    kept = {name: part for name, part in result.items() if name != "correlation_id"}
    return canonical_text({**kept, "lineage": lineage})


_RECENT_REQUESTS: Final[Mapping[RequestKind, Recent[SimulateRequest]]] = {
    kind: Recent(max_size=MAX_RECENT_CHARACTERS) for kind in REQUEST_MODELS
}
_RECENT_RESULTS: Final[Recent[_Result]] = Recent(max_size=MAX_RECENT_CHARACTERS)
