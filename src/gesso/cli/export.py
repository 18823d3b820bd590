"""`gesso export`: networks for other engines."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from gesso.cli import options as opt
from gesso.cli.console import import_torch, say
from gesso.disk.atomic import shown
from gesso.errors import GessoError, OptionError
from gesso.methods.registry import methods


def export(
    source: Annotated[
        str, typer.Argument(metavar="CARD|METHOD", help="A style card, or the name of a method.")
    ],
    *,
    out: Annotated[Path, opt.option("The networks are written here.", "DIR", "-o --out")],
    dtype: Annotated[str, opt.option("Of the weights: float32 or float16.", "TYPE")] = "float32",
    model: opt.Model = None,
    encoder: Annotated[
        str | None,
        opt.option(
            "What the method's weights were trained with; default: compact.",
            "compact|vgg16|vgg19|FILE",
            under=opt.SETUP,
        ),
    ] = None,
    talk: opt.Talk,
) -> int:
    """Write a style's network as an ONNX file, or a method's two networks for any style.

    Of a CARD whose style is one network (metastyle, johnson, meta_networks, adain, conditional_in)
    that is network.onnx: photo to picture. Of a METHOD that takes on a style in one pass
    (meta_networks, adain) style.onnx makes numbers of a painting, and network.onnx takes them.
    docs/export.md says what goes in and comes out. Needs the packages of gesso[export].
    """
    from gesso.graphs.graph import check_installed

    check_installed()
    known = methods()
    if not os.path.lexists(source) and source not in known:
        allowed = f"a card's file, or one of {', '.join(known)}"
        raise GessoError(f"{shown(source)}: no such card or method; allowed are {allowed}")
    import_torch()
    from gesso.cards.card import StyleCard
    from gesso.export.export import Export
    from gesso.methods.registry import load

    card = StyleCard.load(source) if os.path.lexists(source) else None
    name = card.method if card else source
    try:
        method = load(name, weights=model, encoder=encoder or "compact")
    except OptionError as error:
        if error.option == "weights":
            raise OptionError("model", error.trouble) from error
        raise
    made = Export(out, dtype)
    paths = made.card(method, card, source) if card else made.method(method)
    for path in paths:
        say(f"{shown(path)}: written, {path.stat().st_size / 1e6:.1f} MB", talk.quiet)
    return 0
