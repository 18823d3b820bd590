"""What the server is and offers."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse

from gesso.controls.options import ControlOptions
from gesso.images.styles import bundled_styles
from gesso.methods.registry import DEFAULT, about, methods
from gesso.options import declared
from gesso.pipeline.presets import PRESETS
from gesso.studio.app import Here
from gesso.studio.refusals import unknown
from gesso.studio.words import MOST_ITEMS, offered, shown_option
from gesso.version import __version__

router = APIRouter(prefix="/api")


@router.get("/about")
async def what_this_is(request: Request, studio: Here) -> dict[str, Any]:
    """What a page asks first: that there is a server, and what it can do. Without the token it says
    no more than that it is needed."""
    known = {"gesso": __version__}
    if not request.scope.get("gesso_trusted"):
        return {**known, "trusted": False}
    return {
        **known,
        "trusted": True,
        "limits": {**studio.limits.shown(), "items": MOST_ITEMS},
        "method": DEFAULT,
        "methods": [shown_method(name) for name in methods()],
        "presets": [
            {"name": name, "method": preset.method, "summary": preset.summary}
            for name, preset in PRESETS.items()
        ],
        "controls": [shown_option(one) for one in declared(ControlOptions)],
    }


def shown_method(name: str) -> dict[str, Any]:
    """What a page has to know of a method."""
    known = about(name)
    return {
        "name": name,
        "title": known.title,
        "summary": known.summary,
        "mixes": known.blend != "none",
        "steps_on": known.steps_on,
        "options": [shown_option(one) for one in offered(known.options)],
    }


@router.get("/styles")
async def styles() -> list[str]:
    """The names of the styles that come with gesso."""
    return list(bundled_styles())


@router.get("/styles/{name}/picture")
async def style_picture(name: str) -> FileResponse:
    """The picture of a style that comes with gesso."""
    found = bundled_styles().get(name)
    if found is None:
        raise unknown("bundled style")
    return FileResponse(found, media_type="image/jpeg")
