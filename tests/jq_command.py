"""The command `jq` for the pages of docs/, made of the library `jq`: not every machine has the command.

Takes what the pages use: `[-r] [--arg NAME VALUE] FILTER [FILE]`.
"""

import argparse
import json
import sys
from pathlib import Path

import jq

options = argparse.ArgumentParser()
options.add_argument("-r", action="store_true")
options.add_argument("--arg", nargs=2, action="append", default=[])
options.add_argument("filter")
options.add_argument("file", nargs="?")
given = options.parse_args()
program = jq.compile(given.filter, args=dict(given.arg))
text = Path(given.file).read_text() if given.file else sys.stdin.read()
for value in program.input_text(text):
    text = value if given.r and isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
    sys.stdout.write(f"{text}\n")
