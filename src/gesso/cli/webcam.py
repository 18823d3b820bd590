"""`gesso webcam`: the camera's picture in a style, live."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from gesso.cli import options as opt
from gesso.cli.cards import name_of
from gesso.cli.console import say
from gesso.cli.flags import OfControls, OfMethods
from gesso.cli.looks import Painter, Painters, Painting
from gesso.cli.progress import showing
from gesso.disk.atomic import shown
from gesso.errors import GessoError
from gesso.images.styles import bundled_styles
from gesso.methods.registry import methods
from gesso.video.needed import opencv

if TYPE_CHECKING:
    from gesso.video.frames import Look, Pixels
    from gesso.video.live import Wanted

BANK = "conditional_in"  # holds all bundled styles in one network
AT_ONCE = "meta_networks"  # takes on a style in one pass
SIZE_PX = 384
KEPT = 8  # looks at most that are held


@dataclass(frozen=True)
class Setup(opt.Setup):
    """As for photos, with another default method."""

    method: Annotated[
        str | None,
        opt.option(
            f"Method, see `gesso methods`; default: that of the card, {AT_ONCE}, or without "
            f"--style {BANK}.",
            "NAME",
            autocompletion=lambda: methods(),
        ),
    ] = None


def webcam(
    *,
    style: Annotated[
        list[str] | None,
        opt.option(
            "A picture, a card of `gesso adapt`, or the name of a style (`gesso styles`), several "
            "times: n and p go through them; default: all bundled styles.",
            "STYLE",
            "-s --style",
        ),
    ] = None,
    camera: Annotated[
        str, opt.option("The camera's number, or a video that is played as one.", "N|FILE")
    ] = "0",
    size: Annotated[int, opt.option("Longer side of the picture in px.", "PX", min=16)] = SIZE_PX,
    saved: Annotated[
        Path | None, opt.option("The folder that pictures are saved to; default: this one.", "DIR")
    ] = None,
    steady: Annotated[bool, opt.option("Begin with pictures that follow what they show.")] = True,
    controls: OfControls,
    given: OfMethods,
    setup: Setup,
    cache: opt.Cache = True,
    running: opt.Running,
) -> int:
    """Show what a camera sees in a style, at once, in a window.

    n and p: the next and the previous style. m: a quarter more of the next style. + and -: the
    strength. t: steady or not. s: save the picture. q: quit. Frames that come while one is painted
    are dropped, so that the picture is never late. Without --style there are the bundled ones.
    """
    opencv()
    from gesso.video.live import Camera, Live, Wanted

    window = _window_class()
    names = style or bundled_styles()
    painting = Painting(style=list(names), steady=steady)
    method = AT_ONCE if style else BANK
    calm = running if style else replace(running, quiet=True)  # of 32 styles not a line each
    painters = Painters(painting, controls, given, setup, cache, calm, size, method)
    source = Camera(int(camera) if camera.isdecimal() else camera, size)
    with showing(running.quiet) as show:
        painter = painters.opened(show)
    titles = [Path(name_of(one)).stem for one in painters.styles]
    strength = round(100 * painter.controls.strength)
    live = Live(source, _looks(painter), Wanted(strength=strength, steady=steady))
    window(live, titles, _saver(saved or Path())).run()
    say(f"{live.shown} frames shown, {live.dropped} dropped", running.quiet)
    return 0


def _window_class() -> Callable[..., Any]:
    """The window. Raises GessoError where this Python has none."""
    try:
        from gesso.video.window import Window
    except ImportError as error:
        line = "webcam: needs tkinter, which this Python lacks; the system's package python3-tk"
        raise GessoError(f"{line} brings it") from error
    return Window


def _looks(painter: Painter) -> Callable[[Wanted], Look]:
    """What paints what is wanted; the last few are kept."""
    from gesso.video.look import Stylized
    from gesso.video.steady import Steady

    known: OrderedDict[Wanted, Look] = OrderedDict()

    def look(wanted: Wanted) -> Look:
        if wanted not in known:
            parts = wanted.shares(len(painter.cards))
            weights = [share for _, share in parts] if len(parts) > 1 else None
            cards = [painter.cards[number] for number, _ in parts]
            strength = wanted.strength / 100
            plain = Stylized(painter.stylizer(cards, weights=weights, strength=strength))
            known[wanted] = Steady(plain, descends=painter.descends) if wanted.steady else plain
            if len(known) > KEPT:
                known.popitem(last=False)
        known.move_to_end(wanted)
        known[wanted].reset()
        return known[wanted]

    return look


def _saver(folder: Path) -> Callable[[Pixels], str]:
    """What saves a picture under the next free name."""
    from gesso.images.write import write_image

    def save(picture: Pixels) -> str:
        number = 1
        while (path := folder / f"gesso-{number:03}.png").exists():
            number += 1
        try:
            write_image(path, picture)
        except GessoError as error:
            return str(error)
        return f"{shown(path)} saved"

    return save
