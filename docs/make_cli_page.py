"""Bring docs/cli.md up to date with the commands' own help: `python docs/make_cli_page.py`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.main import get_command

from gesso.cli import app
from gesso.disk.atomic import atomic_write

PAGE = Path(__file__).with_name("cli.md")
WIDTH = 98
MARK = "<!-- From here on written by docs/make_cli_page.py. -->"


def commands(command: Any, name: str, parent: Any = None) -> Iterator[tuple[str, str]]:
    """(name, help) of a command and of those below it; hidden ones are left out."""
    context = command.context_class(
        command, info_name=name, parent=parent, terminal_width=WIDTH, **command.context_settings
    )
    yield context.command_path, command.get_help(context)
    for below in getattr(command, "commands", {}).values():
        if not below.hidden:
            yield from commands(below, below.name, context)


def page() -> str:
    """The whole page: what stands above the mark, then the help of every command."""
    parts = [PAGE.read_text(encoding="utf-8").partition(MARK)[0] + MARK + "\n"]
    for name, told in commands(get_command(app()), "gesso"):
        parts.append(f"## {name}\n\n```text\n{told.rstrip()}\n```\n")
    return "\n".join(parts)


if __name__ == "__main__":
    atomic_write(PAGE, page().encode("utf-8"))
