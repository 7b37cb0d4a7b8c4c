"""docs/reference/errors.md, written from the catalogue that the service serves as a page of its own."""

from collections.abc import Iterator, Sequence
from typing import Final

from api.http.error_catalogue import CATALOGUE, ErrorEntry
from api.pages.error_page import INTRODUCTION, OF_OPERATIONS, by_status, failures

HEAD: Final = """# Errors

{introduction}

The service shows this page under `/docs/errors`, without a token, and `type` of a problem leads to it when
`PROPOSAL_PUBLIC_URL` is set. [The API](api.md) shows a whole problem. This page is generated from the code by
`make generated`.
"""


def error_reference() -> str:
    """The page's Markdown. Anchors are the codes, as on the served page."""
    lines = [HEAD.format(introduction=_paragraphs(INTRODUCTION))]
    lines += ["## All codes", "", "| status | codes |", "|---|---|"]
    lines += [f"| {status} | {', '.join(map(_link, entries))} |" for status, entries in by_status().items()]
    lines += [
        "",
        "## Operations that failed",
        "",
        _paragraphs(OF_OPERATIONS),
        "",
        "| `problem` | `code` |",
        "|---|---|",
    ]
    lines += [f"| {_link(entry)} | `{', '.join(entry.wire_classes)}` |" for entry in failures()]
    lines += ["", "## What each code means"]
    for entry in CATALOGUE.values():
        lines += _section(entry)
    return "\n".join(lines) + "\n"


def _section(entry: ErrorEntry) -> Iterator[str]:
    yield f'\n### <a id="{entry.code}"></a>`{entry.code}`\n'
    yield f"{entry.help.title}\n"
    yield f"- **Status**: {', '.join(map(str, entry.statuses))}"
    yield f"- **Meaning**: {entry.help.meaning}"
    yield f"- **What to do**: {entry.help.action}"
    yield f"- **Send it again?** {entry.help.repeat.value}"


def _link(entry: ErrorEntry) -> str:
    return f"[`{entry.code}`](#{entry.code})"


def _paragraphs(texts: Sequence[str]) -> str:
    return "\n\n".join(" ".join(text.split()) for text in texts)
