"""docs/reference/glossary.md can be searched by eye: its terms are sorted, and each stands there once."""

from page_tables import page_of, rows

TERMS = [term.strip("*") for term, _ in rows(page_of("reference/glossary.md"))]


def test_the_terms_are_sorted_and_distinct():
    assert sorted({term.lower() for term in TERMS}) == [term.lower() for term in TERMS]
