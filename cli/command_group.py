"""Commands that refuse the second value of an option that takes one: the last would pass for all that was asked."""

from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperCommand, TyperOption
from typer.models import CommandFunctionType

Context = Any  # typer's own copy of click has no public types


class _OnceEach(TyperCommand):
    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        if not ctx.resilient_parsing:  # a shell completes a line that is not whole
            _, _, given = self.make_parser(ctx).parse_args(args=list(args))
            for option in given:
                is_single = isinstance(option, TyperOption) and not (option.multiple or option.is_flag)
                if is_single and given.count(option) > 1:
                    ctx.fail(f"{' / '.join(option.opts)} takes one value, but was given {given.count(option)} times.")
        return super().parse_args(ctx, args)


class CommandGroup(typer.Typer):
    def command(
        self, name: str | None = None, **described: Any
    ) -> Callable[[CommandFunctionType], CommandFunctionType]:
        return super().command(name, cls=_OnceEach, **described)
