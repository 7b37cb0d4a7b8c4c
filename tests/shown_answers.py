"""The answers that pages show: laid out for reading, and compared with what really came.

Ids, hashes and cursors differ from run to run, so only their form and their identity count: an id that a page shows
twice must come twice. Of times, durations, tokens and keys the form counts. Everything else must be the same.
"""

import difflib
import json
import re

WIDTH = 120
IDENTITIES = (
    r"(?<=[_-])(?:[0-9a-f]{32}|[0-9a-f]{12})(?![0-9a-f])",  # pop_..., corr_...
    r"[0-9a-f]{64}",
    r'(?<="next_cursor": ")[^"]+',
    r"(?<=cursor=)[\w%.~-]+",
    r"\b1[0-9]{9}\b",  # seconds since 1970, of which pages make keys
)
FORMS = {
    "time": r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:\+00:00|Z)?",
    "date": r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT",
    "token": r"eyJ[\w.-]+",
    "key": r"whsec_[A-Za-z0-9+/]{43}=",
    "length": r"(?<=content-length: )\d+",
    "duration": r'\b\d+(?:\.\d+)? ?(?:ms|s)\b|(?<="duration_ms": )\d+',
    "port": r"(?<=127\.0\.0\.1:)\d+",
    "count": r"(?<=history events: )\d+",
    "user": r"(?<=temporal-cli:)[\w.@-]+",
}
# How often a command reports progress, and at what pace, depends on the machine.
PROGRESS = re.compile(
    r"^pop_[0-9a-f]{32} (?:PENDING|RUNNING|\d+ of \d+ runs)\b.*\n|, [\d.,]+ runs/s(?:, [^,\n]+ left)?$", re.MULTILINE
)
VARIES = re.compile(
    "|".join([f"(?P<identity>{'|'.join(IDENTITIES)})", *(f"(?P<{name}>{form})" for name, form in FORMS.items())])
)


def laid_out(answer: str, language: str) -> str:
    """What a page shows of an answer. JSON documents get line breaks; raises ValueError when there is other text."""
    lines = "\n".join(line.rstrip() for line in answer.strip().splitlines())
    if language != "json":
        return lines
    documents, decoder = [], json.JSONDecoder()
    while lines:
        document, end = decoder.raw_decode(lines)
        documents.append(_json(document, margin=0, used=0))
        lines = lines[end:].lstrip()
    return "\n".join(documents)


def _json(value: object, *, margin: int, used: int) -> str:
    """`margin` is the indentation of the line, `used` is what stands before the value."""
    flat = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or not value or margin + used + len(flat) < WIDTH:
        return flat
    inner = " " * (margin + 2)
    is_object = isinstance(value, dict)
    names = [f"{json.dumps(name, ensure_ascii=False)}: " if is_object else "" for name in value]
    members = list(value.values()) if is_object else value
    lines = [
        f"{inner}{name}{_json(member, margin=margin + 2, used=len(name))}"
        for name, member in zip(names, members, strict=True)
    ]
    opening, closing = "{}" if is_object else "[]"
    return f"{opening}\n" + ",\n".join(lines) + f"\n{' ' * margin}{closing}"


def compared(answers: list[str]) -> list[str]:
    """The answers of one page with what varies replaced by its form, and by the number of its first appearance."""
    numbers: dict[str, int] = {}

    def form(found: re.Match[str]) -> str:
        if found.lastgroup == "identity":
            return f"<{numbers.setdefault(found.group(), len(numbers) + 1)}>"
        return f"<{found.lastgroup}>"

    return [VARIES.sub(form, PROGRESS.sub("", answer)) for answer in answers]


def difference(shown: list[str], came: list[str]) -> str:
    """A unified diff of a page's answers, empty when what came is what the page shows, however lines are broken."""
    left, right = ("\n\n".join(compared(answers)) for answers in (shown, came))
    if "".join(left.split()) == "".join(right.split()):
        return ""
    lines = left.splitlines(), right.splitlines()
    return "\n".join(difflib.unified_diff(*lines, "the page shows", "the service answers", lineterm=""))
