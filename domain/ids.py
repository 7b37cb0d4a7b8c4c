"""Identifiers: `<prefix>_` and 32 hex digits, of a UUIDv7 or derived from one."""

import secrets
import time
from typing import Literal

Prefix = Literal["pp", "ppv", "pwe", "pap", "pop"]


def new_operation_id() -> str:
    """A fresh operation id; ids made later in other milliseconds sort later."""
    return f"pop_{_uuid7_hex()}"


def new_event_id() -> str:
    """A fresh id of an event that no operation makes."""
    return f"pwe_{_uuid7_hex()}"


def new_correlation_id() -> str:
    return f"corr_{secrets.token_hex(6)}"


def derived_id(prefix: Prefix, maker_id: str) -> str:
    """The id of what an operation or an event makes: the same hex digits, so that a repeat makes the same row."""
    return f"{prefix}_{maker_id.partition('_')[2]}"


def _uuid7_hex() -> str:
    """RFC 9562, version 7: 48 bits of Unix milliseconds, then random bits; the standard library has it from 3.14."""
    milliseconds = time.time_ns() // 1_000_000
    random_bits = secrets.randbits(74)
    value = milliseconds << 80 | 0x7 << 76 | (random_bits >> 62) << 64 | 0b10 << 62 | random_bits & (1 << 62) - 1
    return f"{value:032x}"
