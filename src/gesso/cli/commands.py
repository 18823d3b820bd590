"""Groups of commands as gesso has them."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from typer.core import TyperGroup

from gesso.cli.reading import Quick
from gesso.disk.header import brief
from gesso.errors import GessoError


class Commands(Quick, TyperGroup):
    """Hands interrupts through to `run` (typer ends with 130 and not a word), and offers no hidden
    command to those that mistype one."""

    def make_context(self, *args: Any, **extra: Any) -> Any:
        try:
            return super().make_context(*args, **extra)
        except KeyboardInterrupt as stop:
            raise Stopped from stop

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as stop:
            raise Stopped from stop

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            shown = [name for name, command in self.commands.items() if not command.hidden]
            close = ", ".join(get_close_matches(args[0], shown) or shown)
            raise GessoError(f"{ctx.command_path} {brief(args[0])!r}: no such command; try {close}")
        return super().resolve_command(ctx, args)


class Stopped(BaseException):
    """A KeyboardInterrupt that typer does not know; its cause is the interrupt."""
