"""Pages of docs/ as a reader follows them: files are saved, commands run in one shell, answers stand below them.

- A block `sh` is run, in the order of the page, by one bash that stops at the first command that fails.
- A block `json` or `text` right below it is its whole answer. Without one, the block must print nothing.
- A block of a program whose first line is a comment with a name is saved under that name.
"""

import os
import re
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from shown_answers import laid_out

FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE_NAME = re.compile(r"(?:#|//) ([\w.-]+\.\w+)\n")
RUNS_NODE = re.compile(r"^node ", re.MULTILINE)
ANSWERS = ("json", "text")
STARTS = ("make demo", "make dev")  # the tests have started what these start
END = "<the end of a block>"


@dataclass(frozen=True)
class Step:
    """A file to save or a block to run, whose answer stands in the page at `answer_at`."""

    text: str
    file_name: str | None = None
    language: str | None = None
    shown: str = ""
    answer_at: tuple[int, int] | None = None


def starts(page: str) -> list[str]:
    """The commands with which a page starts the service."""
    return [text.strip() for language, text in FENCE.findall(page) if language == "sh" and text.startswith(STARTS)]


def steps(page: str, *, node: bool) -> list[Step]:
    """The steps of a page; those that run Node.js are left out unless it is wanted."""
    found: list[Step] = []
    fences = list(FENCE.finditer(page))
    for number, fence in enumerate(fences):
        language, text = fence.groups()
        if language == "sh" and not text.startswith(STARTS) and (node or not RUNS_NODE.search(text)):
            found.append(Step(text, **_answer(page, fence, fences[number + 1 : number + 2])))
        elif language not in ("sh", *ANSWERS) and (name := FILE_NAME.match(text)):
            found.append(Step(text, file_name=name[1]))
    return found


def _answer(page: str, fence: re.Match[str], following: list[re.Match[str]]) -> dict:
    for answer in following:
        if answer[1] in ANSWERS and not page[fence.end() : answer.start()].strip():
            return {"language": answer[1], "shown": answer[2].strip("\n"), "answer_at": answer.span(2)}
    return {}


def answers(followed: list[Step], folder: Path, environment: Mapping[str, str], real: Mapping[str, str]) -> list[str]:
    """What came for each step that shows an answer, laid out as on the page.

    `real` maps what pages write, as the address of the service, to what it is here, and back in the answers.
    Raises AssertionError when a command fails, or when one prints what the page does not show.
    """
    came = []
    with _shell(folder, environment) as shell:
        for number, step in enumerate(followed):
            text = step.text
            for written, is_here in real.items():
                text = text.replace(written, is_here)
            if step.file_name is not None:
                (folder / step.file_name).write_text(text)
                continue
            (folder / f".block-{number}").write_text(text)
            printed = _run(shell, number)
            for written, is_here in real.items():
                printed = printed.replace(is_here, written)
            if step.language is None:
                assert not printed.strip(), f"the page shows no answer:\n{step.text}\n{printed}"
                continue
            try:
                came.append(laid_out(printed, step.language))
            except ValueError:
                raise AssertionError(f"not JSON:\n{step.text}\n{printed}") from None
    return came


@contextmanager
def _shell(folder: Path, environment: Mapping[str, str]) -> Iterator["subprocess.Popen[str]"]:
    shell = subprocess.Popen(
        ["bash", "-euo", "pipefail"],
        cwd=folder,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        yield shell
    finally:
        with suppress(ProcessLookupError):  # with what the page left in the background
            os.killpg(shell.pid, signal.SIGKILL)
        shell.communicate()


def _run(shell: "subprocess.Popen[str]", number: int) -> str:
    """The output of a block. It is sourced: its variables stay, and none of its commands can read the next block."""
    assert shell.stdin is not None
    assert shell.stdout is not None
    shell.stdin.write(f". ./.block-{number} < /dev/null\necho; echo '{END}'\n")
    shell.stdin.flush()
    printed = []
    for line in shell.stdout:
        if line.rstrip() == END:
            return "".join(printed)
        printed.append(line)
    raise AssertionError(f"block {number} ended the shell:\n{''.join(printed)}")


def rewritten(page: str, followed: list[Step], came: list[str]) -> str:
    """The page with these answers in place of those that it shows."""
    places = [step.answer_at for step in followed if step.answer_at is not None]
    for (start, end), answer in reversed(list(zip(places, came, strict=True))):
        page = f"{page[:start]}{answer}\n{page[end:]}"
    return page
