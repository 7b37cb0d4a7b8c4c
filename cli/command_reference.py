"""docs/reference/cli.md, written from the commands themselves."""

from collections.abc import Iterator, Sequence
from inspect import cleandoc
from typing import Any, Final

import typer
from typer.core import TyperArgument, TyperOption
from typer.main import get_command

HEAD: Final = """# Command line

`proposals` runs the service, submits to it and inspects it. After `make demo` or `make dev`,
`eval "$(.venv/bin/proposals env)"` finds the command and the servers; in a container, run `docker compose exec worker
proposals ...`. Commands read the same [variables](configuration.md) as the service.

Results go to stdout, errors to stderr. Exit code 0 is success, 1 is failure, and 2 is a wrong option or setting, which
the error names; a command with other codes lists them in its section. An option that takes one value is refused when it
is given twice. Every command has `--help`.

This page is generated from the code by `make generated`.
"""

Command = Any  # typer's own copy of click has no public types
Parameter = TyperArgument | TyperOption


def command_reference(application: typer.Typer) -> str:
    """The page's Markdown: a table of all commands, then a section for each."""
    found = list(_commands(get_command(application), ("proposals",)))
    lines = [HEAD, "| command | what it does |", "|---|---|"]
    lines += [f"| [`{' '.join(path)}`](#{'-'.join(path)}) | {_summary(command)} |" for path, command in found]
    for path, command in found:
        lines += _section(path, command)
    return "\n".join(lines) + "\n"


def _commands(command: Command, path: Sequence[str]) -> Iterator[tuple[Sequence[str], Command]]:
    if command.hidden:
        return
    if not hasattr(command, "commands"):
        yield path, command
        return
    for name, member in command.commands.items():
        yield from _commands(member, (*path, name))


def _section(path: Sequence[str], command: Command) -> Iterator[str]:
    shown: list[Parameter] = [parameter for parameter in command.params if not parameter.hidden]
    arguments = [parameter for parameter in shown if isinstance(parameter, TyperArgument)]
    options = ["[OPTIONS]"] if len(shown) > len(arguments) else []
    usage = [*path, *options, *map(_placeholder, arguments)]
    yield f"\n## {' '.join(path)}\n"
    yield f"```text\n{' '.join(usage)}\n```\n"
    yield cleandoc(command.help or "")
    if shown:
        yield "\n| argument or option | default | what it is |"
        yield "|---|---|---|"
        for parameter in sorted(shown, key=lambda parameter: isinstance(parameter, TyperOption)):
            yield f"| {_spelling(parameter)} | {_default(parameter)} | {_meaning(parameter)} |"


def _summary(command: Command) -> str:
    """The first sentence of its help."""
    paragraph = " ".join((command.help or "").split("\n\n")[0].split())
    return paragraph.split(". ")[0].rstrip(".") + "."


def _placeholder(argument: TyperArgument) -> str:
    name = (argument.metavar or argument.name or "").upper()
    return name if argument.required else f"[{name}]"


def _spelling(parameter: Parameter) -> str:
    if isinstance(parameter, TyperArgument):
        return f"`{_placeholder(parameter)}`"
    value = "" if parameter.is_flag else f" {(parameter.metavar or 'VALUE').upper()}"
    return ", ".join(f"`{name}{value}`" for name in (*parameter.opts, *parameter.secondary_opts))


def _default(parameter: Parameter) -> str:
    if parameter.required:
        return "required"
    default = parameter.default
    return "" if default is None or default is False or callable(default) else f"`{default}`"


def _meaning(parameter: Parameter) -> str:
    parts = [" ".join((parameter.help or "").split())]
    if parameter.min is not None and parameter.max is not None:
        parts.append(f"{parameter.min} to {parameter.max}.")
    if parameter.envvar:
        variables = [parameter.envvar] if isinstance(parameter.envvar, str) else parameter.envvar
        parts.append(f"Also from {', '.join(f'`{variable}`' for variable in variables)}.")
    return " ".join(parts).replace("|", "\\|")
