"""What styles are: pictures or cards, and of which method. Needs no torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gesso.disk.atomic import open_regular, shown
from gesso.disk.header import parse_json, read_layout
from gesso.errors import GessoError, OptionError
from gesso.images.formats import sniff
from gesso.methods.registry import DEFAULT
from gesso.pipeline.banks import BankStyle


def is_card(path: Path) -> bool:
    """Whether a file calls itself a card rather than being a picture; it may yet be a bad one."""
    with open_regular(path) as file:
        head = file.read(64)
    return sniff(head) is None and (path.suffix.lower() == ".safetensors" or head[8:9] == b"{")


def holds_card(style: Any) -> bool:
    """Whether a style is a StyleCard, the file of one, or a style of a bank."""
    if isinstance(style, str | Path):
        return is_card(Path(style))
    return isinstance(style, BankStyle) or hasattr(style, "tensors")


def method_of_cards(styles: Sequence[Any], method: str | None) -> str:
    """The name of the method that runs these styles: the one given, or that of the cards among
    them, or the default one.

    Raises:
        GessoError: a card that cannot be read, cards of several methods, or of another than the
            one given.
    """
    named, first = method, ""
    for style in filter(holds_card, styles):
        what = shown(style) if isinstance(style, str | Path) else "a style"
        found = _method_of(style)
        if named is not None and found != named:
            if method is not None:
                raise OptionError("method", f"{named}, but {what} is a card of {found}")
            raise GessoError(f"{what}: a card of {found}, but {first} is one of {named}")
        named, first = found, first or what
    return named or DEFAULT


def check_for_photos(styles: Sequence[Any], options: Any) -> None:
    """Returns where cards that are made with a method's options can stylize photos: better known
    before the styles are adapted to than after.

    Raises:
        OptionError: options whose own `check_for_photos` raises it.
    """
    check = getattr(options, "check_for_photos", None)
    if check is not None and not all(map(holds_card, styles)):
        check()


def _method_of(style: Any) -> str:
    """The method of a card, of whose file only the header is read."""
    if not isinstance(style, str | Path):
        return str(style.method)
    with open_regular(style) as file:
        text = read_layout(style, file).metadata.get("gesso", "")
    try:
        return str(parse_json(text)["method"])
    except (KeyError, ValueError) as error:
        raise GessoError(f"{shown(style)}: not a card of gesso") from error
