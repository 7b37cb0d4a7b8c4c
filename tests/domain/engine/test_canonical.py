"""The two JSON texts and their hashes."""

import json
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from domain.canonical import canonical_hash, canonical_object, canonical_text, sha256_of, wire_text

texts = st.text(st.characters(codec="utf-8"))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
    max_leaves=20,
)


def test_canonical_text_is_sorted_compact_and_ascii() -> None:
    value = {"b": [1, None, True], "a": {"ü": "\u2028", "A": "\x7f\n"}}
    assert canonical_text(value) == '{"a":{"A":"\\u007f\\n","\\u00fc":"\\u2028"},"b":[1,null,true]}'


def test_wire_text_keeps_the_order_and_the_letters() -> None:
    assert wire_text({"b": "ü", "a": [1, {}]}) == '{"b":"ü","a":[1,{}]}'


@given(values)
def test_wire_text_is_compact_json(value: object) -> None:
    assert wire_text(value) == json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    assert wire_text(value) == wire_text(value, default=str)


def test_what_is_no_json_is_shown_as_its_caller_says() -> None:
    value = {"amount": Decimal("1.50")}
    assert canonical_text(value, default=str) == wire_text(value, default=str) == '{"amount":"1.50"}'


@given(st.dictionaries(texts, values))
def test_an_object_of_canonical_texts_is_canonical(members: dict[str, object]) -> None:
    assert canonical_object({name: canonical_text(part) for name, part in members.items()}) == canonical_text(members)


def test_a_hash_names_its_algorithm() -> None:
    assert sha256_of("") == "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert canonical_hash({}) == sha256_of(b"{}") == sha256_of("{}")
