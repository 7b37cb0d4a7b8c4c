"""The runbook explains every way to fail: at night there is no time to find out."""

import re
from pathlib import Path

import pytest

from domain import errors
from domain.callback_retries import AttemptError
from runtime.settings import Settings, variable_name

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "guides" / "runbook.md").read_text()
CODES = sorted(set(re.findall(r"`((?:OPERATION|PROPOSAL)_[A-Z_]+)`", PAGE)))


@pytest.mark.parametrize("code", CODES)
def test_a_code_of_the_page_is_an_error_or_a_setting(code):
    known = {leaf.code for leaf in vars(errors).values() if hasattr(leaf, "code")}
    assert code in known | {variable_name(field) for field in Settings.model_fields}


def test_every_word_for_a_failed_attempt_is_explained():
    assert [word for word in AttemptError if f"`{word}`" not in PAGE] == []


def test_every_way_to_fail_is_explained():
    leaves = [
        leaf for leaf in vars(errors).values() if isinstance(leaf, type) and issubclass(leaf, errors.ProposalError)
    ]
    ended = {leaf.code for leaf in leaves if getattr(leaf, "wire_class", "").startswith("ProposalOperation")}
    assert len(ended) == 3
    assert [code for code in sorted(ended) if f"`{code}`" not in PAGE] == []
