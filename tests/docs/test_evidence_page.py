"""The page for auditors names the parts that packs have, and options and words of verifier and commands."""

import re
from pathlib import Path

from typer.main import get_command

from cli.audit import commands
from domain import pack_verifier
from domain.checkpoint import ChainHead, Checkpoint
from domain.pack_verifier import BESIDE, CHECKPOINT, NEEDED

PAGE = (Path(__file__).parents[2] / "docs" / "guides" / "evidence-for-an-auditor.md").read_text()
SOURCE = Path(pack_verifier.__file__).read_text()


def test_every_part_is_explained():
    parts = {*NEEDED, *BESIDE, CHECKPOINT}
    assert [part for part in parts if f"`{part}`" not in PAGE] == []


def test_the_commands_and_options_exist():
    audit = get_command(commands)
    for command, options in re.findall(r"proposals audit ([a-z]+)([^`\n]*)", PAGE):
        known = {option for parameter in audit.commands[command].params for option in parameter.opts}
        assert set(re.findall(r"(?<!\S)--?[a-z]+", options)) <= known, command
    for option in set(re.findall(r"verify\.py [^`\n]*?(--[a-z]+)", PAGE)):
        assert f'add_argument("{option}"' in SOURCE


def test_a_leaf_and_a_checkpoint_are_as_the_page_says():
    members = re.findall(r'"(\w+)": \.\.\.', PAGE)
    assert members == sorted(ChainHead.__dataclass_fields__)
    for name in ("previous_hash", "changed", "changed_root", "signature"):
        assert name in Checkpoint.__dataclass_fields__
        assert f"`{name}`" in PAGE


def test_its_example_is_what_the_verifier_prints():
    for line in re.findall(r"^  ok      (\w+): ", PAGE, re.MULTILINE):
        assert re.search(rf'f?"{line}: ', SOURCE), line
    assert "The pack is NOT as it was made. Failures: 1" in PAGE
    assert 'f"The pack is NOT as it was made. Failures: {' in SOURCE
