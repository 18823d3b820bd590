"""`gesso info`, `gesso methods` and `gesso cache`: what is there."""

from __future__ import annotations

import ast
import json
import math
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from gesso.cli.console import import_torch, say
from gesso.disk.atomic import open_regular
from gesso.disk.header import brief

cache = typer.Typer(help="Show or clear the cache of adapted styles.", rich_markup_mode=None)


def info(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A card, checkpoint or weights.")],
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
) -> None:
    """Say what a style card, a checkpoint or a weight file is. Damaged files are refused."""
    facts = {"file": file.name, "bytes": file.stat().st_size, **_facts(file)}
    if as_json:
        print(json.dumps(facts, indent=2, ensure_ascii=False))
    else:
        _table(("", ""), [(name, _text(value)) for name, value in _flat(facts)], heads_shown=False)


def methods() -> None:
    """List the methods."""
    import gesso.methods as home

    rows = []
    for name in home.methods():
        source = Path(home.__file__).with_name(f"{name}.py").read_text(encoding="utf-8")
        told = ast.get_docstring(ast.parse(source)) or ""
        rows.append((name, told.partition("\n")[0]))
    _table(("method", "what it is"), rows)


@cache.callback(invoke_without_command=True)
def show_cache(context: typer.Context) -> None:
    """Show or clear the cache of adapted styles."""
    from gesso.cards.cache import CardCache
    from gesso.disk.cache_dir import cache_dir

    if context.invoked_subcommand is not None:
        return
    entries = CardCache().entries()
    total = sum(entry.bytes for entry in entries)
    encoders = sum(path.stat().st_size for path in _encoder_files())
    rows = [
        (
            e.style or "?",
            e.method or "?",
            _text(e.steps),
            _size(e.bytes),
            time.strftime("%Y-%m-%d %H:%M", time.localtime(e.used)),
        )
        for e in entries
    ]
    print(f"{cache_dir()}: {len(entries)} styles, {_size(total)}; encoders, {_size(encoders)}")
    if rows:
        _table(("style", "method", "steps", "size", "last used"), rows)


@cache.command("clear")
def clear(
    encoders: Annotated[
        bool, typer.Option("--encoders", help="The downloaded encoders instead of the styles.")
    ] = False,
    everything: Annotated[bool, typer.Option("--all", help="Styles and encoders.")] = False,
) -> None:
    """Remove the adapted styles; they are adapted again when needed."""
    from gesso.cards.cache import CardCache

    if everything or not encoders:
        say(f"{CardCache().clear()} styles removed")
    if everything or encoders:
        files = _encoder_files()
        for path in files:
            path.unlink()
        say(f"{len(files)} encoder files removed")


def _encoder_files() -> list[Path]:
    from gesso.disk.cache_dir import cache_dir

    folder = cache_dir() / "encoders"
    return sorted(p for p in folder.iterdir() if p.is_file()) if folder.is_dir() else []


def _facts(file: Path) -> dict[str, Any]:
    """What the file is, its hash compared and, of a card, every number checked."""
    import_torch()
    from gesso.cards.card import StyleCard
    from gesso.disk.header import read_layout
    from gesso.nn.checkpoint import load_foreign, read_header

    with open_regular(file) as opened:
        layout = read_layout(file, opened)
    count = {
        "tensors": len(layout.entries),
        "numbers": sum(math.prod(entry.shape) for entry in layout.entries.values()),
    }
    if "gesso" not in layout.metadata:
        load_foreign(file)
        names = [*layout.entries][:3] + ["…"] * (len(layout.entries) > 3)
        return {"kind": "safetensors file of another program", **count, "names": ", ".join(names)}
    header = read_header(file)
    digest = {"sha256": header.pop("sha256")}
    if header["kind"] == "card":
        return {**StyleCard.load(file).summary(), **digest}
    first: dict[str, Any] = {
        name: header.pop(name) for name in ("kind", "method") if name in header
    }
    return {**first, **count, **header, **digest}


def _flat(facts: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in facts.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    return "" if value is None or value == {} else str(value)


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{count / 1e3:.0f} kB"


def _table(
    heads: tuple[str, ...], rows: Iterable[tuple[str, ...]], heads_shown: bool = True
) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE, show_header=heads_shown, pad_edge=False)
    for head in heads:
        table.add_column(head, overflow="fold")
    for row in rows:
        table.add_row(*(Text(brief(cell, 500)) for cell in row))  # files may hold markup, too
    wide = None if sys.stdout.isatty() else 200  # a pipe has no width to fold to
    Console(width=wide).print(table)
