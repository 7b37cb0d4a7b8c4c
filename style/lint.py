"""Apply the rules of style/Proposals to prose: python style/lint.py FILE_OR_FOLDER...

The rules and `.vale.ini` are in the format of Vale. Its packages download it at their first use, so this script
applies the kinds of rules that are in use: existence, substitution and occurrence (docs/adr/0045-prose-is-linted.md).
"""

import configparser
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

RULES = Path(__file__).parent / "Proposals"
CONFIGURATION = Path(__file__).parents[1] / ".vale.ini"

FENCE = re.compile(r"^( *)(```+|~~~+).*?^\1\2`*$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)", re.DOTALL)
LINK = re.compile(r"\]\([^)]*\)|<[^>\s][^>]*>|https?://\S+")
DOCSTRING = re.compile(r'^[ \t]*r?"""(.*?)"""', re.MULTILINE | re.DOTALL)
COMMENT = re.compile(r"^[ \t]*# ?(.*)$|  # (.+)$", re.MULTILINE)
# One block is what reads as one text: a paragraph, an item of a list, a heading, a cell of a table.
APART = "|"
BOUNDARY = re.compile(r"\n[ \t]*\n|\n(?=[ \t]*(?:[-*+] |[>#]|\d+\. ))|[|]")
SENTENCE_END = re.compile(r"(?<=[.!?])(?<!e\.g\.)(?<!i\.e\.)(?<!vs\.)[\"')*]*\s+(?=[\"'(*\[]*[A-Z0-9]|\*)")


@dataclass(frozen=True)
class Rule:
    """One file of rules, compiled: each pattern has the text that its message names."""

    name: str
    message: str
    patterns: tuple[tuple[re.Pattern[str], str], ...]
    most: int | None = None

    def found(self, text: str) -> Iterator[tuple[int, str]]:
        """The offset of each place that breaks this rule, and its message."""
        for pattern, instead in self.patterns:
            hits = list(pattern.finditer(text))
            if self.most is None:
                for hit in hits:
                    words = (instead, hit[0]) if instead else (hit[0],)
                    yield hit.start(), " ".join((self.message % words).split())
            elif len(hits) > self.most:
                yield 0, self.message


def rule(path: Path) -> Rule:
    """The rule of a file; raises ValueError for a kind of rule that is not applied here."""
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    flags = re.IGNORECASE if content.get("ignorecase") else 0
    kind = content["extends"]
    if kind == "substitution":
        found = [(rf"\b(?:{pattern})\b", instead) for pattern, instead in content["swap"].items()]
    elif kind == "existence":
        found = [(rf"\b(?:{token})\b", "") for token in content.get("tokens", ())]
        found += [(pattern, "") for pattern in content.get("raw", ())]
    elif kind == "occurrence":
        found = [(content["token"], "")]
    else:
        raise ValueError(f"{path}: {kind} is not applied by {Path(__file__).name}")
    patterns = tuple((re.compile(pattern, flags), instead) for pattern, instead in found)
    return Rule(path.stem, content["message"], patterns, content.get("max"))


def blank(text: str) -> str:
    """As many characters and lines, without a word: places in the text stay where they are."""
    return re.sub(r"[^\n]", " ", text)


def prose(path: Path) -> str:
    """The file's text with all but its prose blanked: no code, no addresses, of Python and YAML only the comments."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        text = FENCE.sub(lambda found: blank(found[0]), text)
    elif path.suffix == ".json":  # an OpenAPI document
        kept = [found[1] for found in re.finditer(r'"(?:description|summary)": ("(?:[^"\\]|\\.)*")', text)]
        text = "\n\n".join(json.loads(sentence) for sentence in kept)
    else:
        spoken = list(COMMENT.finditer(text)) + (list(DOCSTRING.finditer(text)) if path.suffix == ".py" else [])
        kept = list(blank(text))
        for found in spoken:
            start, end = found.span(1 if found[1] is not None else 2)
            kept[start:end] = text[start:end]
            if found.re is DOCSTRING or found[1] is None:  # a text of its own
                kept[start - 1] = APART
                kept[end : end + 1] = APART if text[end : end + 1].strip() else text[end : end + 1]
        text = "".join(kept)
    text = CODE.sub(lambda found: re.sub(r"[^\n]", "*", found[0]), text)
    return LINK.sub(lambda found: blank(found[0]), text)


def rules_by_suffix() -> dict[str, list[Rule]]:
    """The rules that `.vale.ini` switches on for each kind of file."""
    every = [rule(path) for path in sorted(RULES.glob("*.yml"))]
    configuration = configparser.ConfigParser(default_section="", strict=True)
    configuration.read_string("[global]\n" + CONFIGURATION.read_text(encoding="utf-8"))
    found = {}
    for name in configuration.sections()[1:]:
        off = {option for option, value in configuration[name].items() if value == "NO"}
        applied = [one for one in every if f"{RULES.name}.{one.name}".lower() not in off]
        found |= {f".{suffix}": applied for suffix in name.removeprefix("*.{").removesuffix("}").split(",")}
    return found


def pieces(text: str, boundary: re.Pattern[str]) -> Iterator[tuple[int, str]]:
    start = 0
    for found in boundary.finditer(text):
        yield start, text[start : found.start()]
        start = found.end()
    yield start, text[start:]


def flaws(text: str, rules: list[Rule]) -> Iterator[tuple[int, str, str]]:
    """The line, the rule and the message of each flaw of a text."""
    for start, block in pieces(text, BOUNDARY):
        if not block.strip(" \n#*"):
            continue
        for offset, sentence in pieces(block, SENTENCE_END):
            lead = len(sentence) - len(sentence.lstrip(" \n*->#"))
            for one in rules:
                for place, message in one.found(sentence[lead:].rstrip()):
                    line = text.count("\n", 0, start + offset + lead + place) + 1
                    yield line, one.name, message


def main() -> int:
    if not sys.argv[1:]:
        sys.exit("style/lint.py: name the files and folders to read, as `make lint` does")
    rules = rules_by_suffix()
    flagged = 0
    for argument in map(Path, sys.argv[1:]):
        found = sorted(argument.rglob("*")) if argument.is_dir() else [argument]
        for path in found:
            for line, name, message in sorted(flaws(prose(path), rules[path.suffix])) if path.suffix in rules else ():
                print(f"{path}:{line}: {name}: {message}")
                flagged += 1
    print(f"{flagged} flagged")
    return min(flagged, 1)


if __name__ == "__main__":
    sys.exit(main())
