"""`gesso info`, `gesso methods` and `gesso cache`: what is there. Needs no torch."""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gesso.cli import options as opt
from gesso.cli.commands import Commands
from gesso.cli.console import say
from gesso.disk.atomic import open_regular, shown
from gesso.disk.header import brief
from gesso.errors import GessoError
from gesso.pipeline.banks import names_in

if TYPE_CHECKING:
    from gesso.methods.about import About

MOST_ROWS = 200
IN_A_ROW = 8  # names of styles
_Row = tuple[str, ...]

cache = typer.Typer(
    cls=Commands, help="Show or clear the cache of adapted styles.", rich_markup_mode=None
)


def info(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A card, checkpoint or weights.")],
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
    verbose: opt.Verbose = 0,
) -> None:
    """Say what a style card, a checkpoint or a weight file is. Damaged files are refused.

    -v adds all that its header holds.
    """
    facts = {"file": file.name, "bytes": 0, **_facts(file)}
    facts["bytes"] = file.stat().st_size
    if as_json:
        print(json.dumps(facts, indent=2, ensure_ascii=False))
        return
    rows: Iterable[_Row] = _all_rows(facts)
    if not verbose:
        is_card = facts["kind"] == "style card"
        rows = _card_rows(file, facts) if is_card else [*_plain_rows(facts), *_bank_rows(facts)]
    _table(("", ""), rows, heads_shown=False)


def methods() -> None:
    """List the methods, and the presets that are made of them."""
    from gesso.methods import registry
    from gesso.pipeline.presets import PRESETS

    abouts = [registry.about(name) for name in registry.methods()]
    rows = [(about.name, about.title, about.summary) for about in abouts]
    _table(("method", "paper", "what it does"), rows)
    for heading, words in (("painted whole up to", _limit), ("painted from", _begin)):
        sizes: dict[str, list[str]] = {}
        for about in abouts:
            sizes.setdefault(words(about), []).append(about.name)
        print()
        _table((heading, "by"), ((size, ", ".join(by)) for size, by in sizes.items()))
    presets = [(name, preset.in_words, preset.summary) for name, preset in PRESETS.items()]
    print()
    _table(("preset", "made of", "what it is for"), presets)


def _limit(about: About) -> str:
    """The size above which a smaller copy is painted."""
    return "any size" if about.paint_pixels is None else f"{about.paint_pixels / 1e6:g} MP"


def _begin(about: About) -> str:
    """The size of the smallest copy that is painted before the photo."""
    return f"{about.paint_from} px" if about.paint_from else "the photo's size"


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
    """What the file is: its hash is compared and, in a card, every number checked."""
    from gesso.cards.packing import read_card
    from gesso.disk.header import read_layout
    from gesso.disk.tensors import read_foreign, read_header

    with open_regular(file) as opened:
        layout = read_layout(file, opened)
    count = {
        "tensors": len(layout.entries),
        "numbers": sum(math.prod(entry.shape) for entry in layout.entries.values()),
    }
    if "gesso" not in layout.metadata:
        read_foreign(file)
        names = [*layout.entries][:3] + ["…"] * (len(layout.entries) > 3)
        return {"kind": "safetensors file of another program", **count, "names": ", ".join(names)}
    header = read_header(file)
    digest = {"sha256": header.pop("sha256")}
    if header["kind"] == "card":
        return {**read_card(file).summary(), **digest}
    first: dict[str, Any] = {
        name: header.pop(name) for name in ("kind", "method") if name in header
    }
    return {**first, **count, **header, **digest}


def _card_rows(file: Path, facts: dict[str, Any]) -> Iterator[_Row]:
    """What most people want to know of a card."""
    origin, size = facts["provenance"], facts["settings"].get("style_size")
    yield "card", f"{shown(file.name)}, {_size(facts['bytes'])}, {facts['numbers']:,} numbers"
    yield "style", _styles(origin) + (f", seen at {size} px" if isinstance(size, int) else "")
    yield "method", _title(facts["method"])
    yield "for", f"gesso stylize PHOTO --style {shown(file.name)} -o OUT"
    if "none" not in facts["base"]:
        yield "needs", f"the weights it was made with ({facts['base'][:12]})"
    if (encoder := facts["config"].get("encoder", "compact")) != "compact":
        yield "needs", f"--encoder {_text(encoder)}"
    if {facts["vectors"], facts["grams"]} != {"none"}:
        yield "polish", "yes, it keeps what --polish needs"
    for name in ("licence", "created"):
        if origin.get(name):
            yield name, _text(origin[name])


def _styles(origin: dict[str, Any]) -> str:
    """The style's name, or those of the styles of a mixture with their shares."""
    parts = [part for part in origin.get("blend") or [] if isinstance(part, dict)]
    if parts:
        return ", ".join(f"{part.get('style') or '?'} {part.get('weight', '')}" for part in parts)
    return str(origin.get("style") or "unknown")


def _title(method: str) -> str:
    from gesso.methods import registry

    try:
        return f"{method}: {registry.about(method).title}"
    except GessoError:
        return f"{method}, which is not installed here"


def _plain_rows(facts: dict[str, Any]) -> Iterator[_Row]:
    """The facts without what they hold in turn."""
    return ((name, _text(value)) for name, value in facts.items() if not isinstance(value, dict))


def _bank_rows(facts: dict[str, Any]) -> Iterator[_Row]:
    """The names of the styles in a bank."""
    names = names_in(facts)
    for start in range(0, len(names), IN_A_ROW):
        row = ", ".join(map(shown, names[start : start + IN_A_ROW]))
        yield ("" if start else f"{len(names)} styles"), row


def _all_rows(facts: dict[str, Any]) -> Iterator[_Row]:
    rows = _flat(facts)
    yield from ((name, _text(value)) for name, value in islice(rows, MOST_ROWS))
    left = sum(1 for _ in rows)
    if left:
        yield "…", f"{left} more; --json shows all"


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


def _table(heads: _Row, rows: Iterable[_Row], heads_shown: bool = True) -> None:
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
