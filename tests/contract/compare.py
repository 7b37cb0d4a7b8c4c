"""Comparing this engine's answers with the contract's cases.

A case is a row {case_id, source, parity, request, context, result, artifact, rules}; `context` holds request_hash,
idempotency_key, correlation_id and created_at. Two modes, chosen by the row's `source`:

* oracle: everything equal, decimals as exact text. Left out are sentences, `artifact_hash` (it covers the sentences;
  it is checked by recomputing it) and `engine_version`.
* recorded (what the system answered that this one replaces): decimals by value; run and artifact ids by their first
  eight hex digits; `data_quality` without repeats; left out as well are `request_hash`, what rule DATA_QUALITY
  measured, the count of gate reasons whose source is DATA_QUALITY, and an empty `dropped_trades`.

A sentence must still be a string where a string is expected, and null where null is.
"""

import copy
import gzip
import hashlib
import json
import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

SENTENCE = re.compile(
    r"(issues\[\d+\]\.summary|remediation_hint|rationale\.message|key_takeaways\[\d+\]\.value"
    r"|execution_notes\[\d+\]\.text|highlights\[\d+\]\.text|assumptions_and_limits\.\w+\.notes|risk_disclaimer"
    r"|doc_ref|summary\.title)$"
)
SKIPPED = re.compile(r"\.(artifact_hash|engine_version)$")
SKIPPED_RECORDED = re.compile(r"\.request_hash$")
ID_LENGTH = len("pr_") + 8


def load_cases(file: Path) -> list[dict[str, Any]]:
    """The rows, each artifact made whole."""
    rows = _rows(file)
    for row in rows:
        row["artifact"]["evidence_bundle"]["engine_outputs"]["proposal_result"] = row["result"]
    return rows


def load_invalid(file: Path) -> list[dict[str, Any]]:
    """Rows {case_id, request, status_code, detail, rules}; detail lists {type, loc, code}, or is how a text begins."""
    return _rows(file)


def case_differences(case: dict[str, Any], result: Any, artifact: Any) -> list[str]:
    """Where result and artifact differ from the case, in values or in the order of keys; empty when they agree."""
    strict = case["source"] == "oracle"
    pairs = (("$result", case["result"], result), ("$artifact", case["artifact"], artifact))
    return [difference for path, want, got in pairs for difference in _compared(want, got, path, strict=strict)]


def artifact_hash(artifact: dict[str, Any]) -> str:
    """The hash that a whole artifact must carry (D18), recomputed from its JSON."""
    kept = copy.deepcopy(artifact)
    del kept["created_at"], kept["correlation_id"], kept["evidence_bundle"]["hashes"]["artifact_hash"]
    _drop_caller(kept["evidence_bundle"]["engine_outputs"]["proposal_result"])
    return _hash(kept)


def simulation_hash(result: dict[str, Any]) -> str:
    """The hash that belongs to a result (D19), recomputed from its JSON."""
    kept = copy.deepcopy(result)
    _drop_caller(kept)
    return _hash(kept)


def refusal_differences(case: dict[str, Any], status_code: int, body: dict[str, Any]) -> list[str]:
    """A refusal has the case's status, the same places and types in any order, its codes, and echoes nothing."""
    if status_code != case["status_code"]:
        return [f"status: expected {case['status_code']}, got {status_code}"]
    detail = body.get("detail")
    if isinstance(case["detail"], str):
        is_same = isinstance(detail, str) and detail.startswith(case["detail"])
        return [] if is_same else [f"detail: expected {case['detail']}..., got {detail!r}"]
    if not isinstance(detail, list):
        return [f"detail: list expected, got {detail!r}"]
    differences = ["input is echoed" for error in detail if "input" in error][:1]
    want, got = sorted(map(_place_and_type, case["detail"])), sorted(map(_place_and_type, detail))
    if want != got:
        differences.append(f"detail: expected {want}, got {got}")
    for error in case["detail"]:
        code = error.get("code", "")
        if not any(list(other["loc"]) == error["loc"] and code in other["msg"] for other in detail):
            differences.append(f"detail: no message with {code} at {error['loc']}")
    return differences


def _rows(file: Path) -> list[dict[str, Any]]:
    text = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def _compared(expected: Any, actual: Any, path: str, *, strict: bool) -> list[str]:
    if not strict:
        expected, actual = _without_known_differences(expected), _without_known_differences(actual)
    return list(_walk(expected, actual, path, strict=strict))


def _walk(want: Any, got: Any, path: str, *, strict: bool) -> Iterator[str]:
    if SKIPPED.search(path) or (not strict and SKIPPED_RECORDED.search(path)):
        if not isinstance(got, str) or not got:
            yield f"{path}: text expected, got {got!r}"
    elif isinstance(want, dict) and isinstance(got, dict):
        yield from _walk_object(want, got, path, strict=strict)
    elif isinstance(want, list) and isinstance(got, list):
        if len(want) != len(got):
            yield f"{path}: {len(want)} entries expected, got {len(got)}"
        for index, (x, y) in enumerate(zip(want, got, strict=False)):
            yield from _walk(x, y, f"{path}[{index}]", strict=strict)
    elif not _is_equal(want, got, path, strict=strict):
        yield f"{path}: expected {want!r}, got {got!r}"


def _walk_object(want: dict[str, Any], got: dict[str, Any], path: str, *, strict: bool) -> Iterator[str]:
    for name in sorted(want.keys() ^ got.keys()):
        yield f"{path}.{name}: {'missing' if name in want else 'unexpected'}"
    if want.keys() == got.keys() and list(want) != list(got):
        yield f"{path}: order {list(want)} expected, got {list(got)}"
    for name in want.keys() & got.keys():
        yield from _walk(want[name], got[name], f"{path}.{name}", strict=strict)


def _is_equal(want: Any, got: Any, path: str, *, strict: bool) -> bool:
    if type(want) is type(got) and want == got:
        return True
    if not (isinstance(want, str) and isinstance(got, str)):
        return False
    if SENTENCE.search(path):
        return True
    return not strict and _decimal(want) is not None and _decimal(want) == _decimal(got)


def _decimal(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def _without_known_differences(value: dict[str, Any]) -> dict[str, Any]:
    """A result or artifact without what differs by rule between the replaced system and this one."""
    value = copy.deepcopy(value)
    for name in ("proposal_run_id", "artifact_id"):
        if name in value:
            value[name] = value[name][:ID_LENGTH]
    _drop_counts_of_gaps(value.get("gate_decision") or {})
    if "diagnostics" in value:
        quality = value["diagnostics"]["data_quality"]
        for name in quality:
            quality[name] = list(dict.fromkeys(quality[name]))
        for rule in value["rule_results"]:
            if rule["rule_id"] == "DATA_QUALITY":
                rule["measured"] = "(skipped)"
    if "trades_and_funding" in value and not value["trades_and_funding"].get("dropped_trades"):
        value["trades_and_funding"].pop("dropped_trades", None)
    if "evidence_bundle" in value:
        outputs = value["evidence_bundle"]["engine_outputs"]
        outputs["proposal_result"] = _without_known_differences(outputs["proposal_result"])
    return value


def _drop_counts_of_gaps(gate: dict[str, Any]) -> None:
    for reason in gate.get("reasons", []):
        if reason["source"] == "DATA_QUALITY":
            reason["details"].pop("count", None)


def _drop_caller(result: dict[str, Any]) -> None:
    del result["correlation_id"], result["lineage"]["idempotency_key"]


def _hash(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _place_and_type(error: dict[str, Any]) -> tuple[str, str]:
    digits = ("decimal_max_digits", "decimal_whole_digits", "decimal_max_places")
    return json.dumps(error["loc"]), "decimal_digits" if error["type"] in digits else error["type"]
