"""`gesso studio`: the page in the browser, and the server behind it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from gesso.cli import options as opt
from gesso.cli.console import say
from gesso.cli.flags import Derived, Given, fields_shown, values_of
from gesso.options import changed
from gesso.studio.limits import Limits
from gesso.studio.needed import check_installed

OfLimits = Annotated[
    Given, Derived(lambda: {"": fields_shown(Limits)}, lambda flag: "What the server takes")
]


def studio(
    *,
    port: Annotated[int, opt.option("Where to listen; 0: any that is free.", "N", max=65535)] = 0,
    address: Annotated[
        str,
        opt.option(
            "Address of this machine to listen on; another than this one lets others reach the "
            "server, who need the token.",
            "IP",
        ),
    ] = "127.0.0.1",
    name: Annotated[
        list[str] | None,
        opt.option("A name by which browsers reach the server; may be repeated.", "HOST"),
    ] = None,
    cards: Annotated[
        Path | None,
        opt.option("Where cards are kept; default: the user's own folder for data.", "DIR"),
    ] = None,
    site: Annotated[
        Path | None, opt.option("The page, as `make web` builds it; default: ours.", "DIR")
    ] = None,
    browser: Annotated[bool, opt.option("Open the page in the browser.")] = True,
    limits: OfLimits,
    talk: opt.Talk,
) -> int:
    """Open the studio in the browser: photos and styles by drag and drop, on this machine only.

    The address that is printed holds a token, without which nothing is answered; it is new every
    time, or what the environment's GESSO_STUDIO_TOKEN says. Pictures stay in a folder of their own,
    which goes when the server does (Ctrl-C). docs/studio.md has the API for scripts.
    """
    check_installed()
    from gesso.studio.server import Server, Settings, chosen_token

    chosen = changed(Limits(), values_of(fields_shown(Limits), limits))
    settings = Settings(
        address=address, port=port, names=name or (), cards=cards, site=site, limits=chosen
    )
    server = Server(settings, chosen_token())
    page = bool(server.studio.site)

    def started() -> None:
        say(f"{server.url}", False)
        if not page:
            say("the page is not built (make web); scripts can use the API", talk.quiet)
        else:
            say("Ctrl-C ends it", talk.quiet)
            if browser:
                _open(server.url)

    server.run(started)
    return 0


def _open(url: str) -> None:
    """Open a page in the browser, where there is one; not waited for."""
    import threading
    import webbrowser

    threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()
