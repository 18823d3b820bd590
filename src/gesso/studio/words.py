"""What requests hold, as JSON: the shapes that the API documents and checks."""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, create_model, model_validator

from gesso.controls.options import ControlOptions
from gesso.options import Declared, declared

MOST_STYLES = 16
MOST_ITEMS = 512  # pictures of one grid
LONGEST_SIDE = 20_000

Id = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$", description="Of what was sent or made.")]
Name = Annotated[str, Field(min_length=1, max_length=80)]
Seconds = Annotated[str, Field(pattern=r"^[0-9]{1,6}([:.][0-9]{1,6}){0,3}$")]
Format = Literal["png", "jpg", "webp", "avif", "tiff"]
Options = Annotated[
    dict[str, bool | int | float | str],
    Field(max_length=60, description="The method's own, by name; see `api/about`."),
]


class Words(BaseModel):
    """A request's JSON object; names that it does not know are refused."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


def _field(one: Declared) -> Any:
    kind: Any = one.kind
    if get_origin(kind) is not Literal and one.words:
        kind = Literal[one.words]
    ranged = kind in (int, float)
    least, most = (one.option.least, one.option.most) if ranged else (None, None)
    return kind | None, Field(None, description=one.option.help, ge=least, le=most)


ControlWords: Any = create_model(
    "ControlWords",
    __base__=Words,
    __doc__="The controls of every method; what is left out is the method's.",
    weights=(
        Annotated[list[float], Field(max_length=MOST_STYLES)] | None,
        Field(None, description="Shares of the styles in their order."),
    ),
    **{one.name: _field(one) for one in declared(ControlOptions)},
)
assert {"weights", "masks"} | set(ControlWords.model_fields) >= {
    one.name for one in fields(ControlOptions)
}


class Style(Words):
    """A style: exactly one of the three."""

    bundled: Name | None = Field(None, description="The name of a style of `api/styles`.")
    picture: Id | None = Field(None, description="A picture that was sent.")
    card: Name | None = Field(None, description="The name of a card of `api/cards`.")

    @model_validator(mode="after")
    def _one(self) -> Style:
        if [self.bundled, self.picture, self.card].count(None) != 2:
            raise ValueError("a style is one of bundled, picture and card")
        return self


class Look(Words):
    """How photos are painted."""

    method: Name | None = Field(None, description="See `api/about`; default: the card's, or ours.")
    preset: Name | None = Field(None, description="See `api/about`.")
    options: Options = {}
    controls: ControlWords = Field(default_factory=ControlWords)
    size: int | None = Field(None, ge=1, le=LONGEST_SIDE, description="Longer side in px.")

    def given_controls(self) -> dict[str, Any]:
        """The controls of which something was said."""
        found: dict[str, Any] = self.controls.model_dump(exclude_none=True)
        return found


class File(Words):
    """How a picture is written."""

    format: Format = "png"
    quality: int | None = Field(None, ge=1, le=100, description="Of jpg, webp and avif.")


class Picture(Look, File):
    """A photo in a style, or in several."""

    photo: Id
    styles: list[Style] = Field(min_length=1, max_length=MOST_STYLES)
    masks: list[Id] = Field([], max_length=MOST_STYLES, description="Where each style goes.")
    style_masks: list[Id | None] = Field([], max_length=MOST_STYLES)


class Grid(Look, File):
    """Every photo in every style: one picture for each pair."""

    photos: list[Id] = Field(min_length=1, max_length=MOST_ITEMS)
    styles: list[Style] = Field(min_length=1, max_length=MOST_ITEMS)

    @model_validator(mode="after")
    def _few(self) -> Grid:
        count = len(self.photos) * len(self.styles)
        if count > MOST_ITEMS:
            raise ValueError(f"{count} pictures; allowed are {MOST_ITEMS}")
        return self


class Film(Look):
    """A clip in a style, or in several."""

    clip: Id
    styles: list[Style] = Field(min_length=1, max_length=MOST_STYLES)
    format: Literal["mp4", "webm", "mov", "mkv", "gif", "webp"] = "mp4"
    steady: bool = True
    start: Seconds | None = Field(None, description="Where to begin, in seconds or mm:ss.")
    end: Seconds | None = Field(None, description="Where to end.")


class Adaptation(Words):
    """A card made of a style."""

    style: Style
    name: Name = Field(description="Of the card in the library.")
    method: Name | None = None
    preset: Name | None = None
    options: Options = {}
    style_mask: Id | None = None


class Mixture(Words):
    """A card mixed of several."""

    cards: dict[Name, float] = Field(min_length=1, max_length=MOST_STYLES)
    name: Name = Field(description="Of the card in the library.")


class Rename(Words):
    """A card's new name."""

    name: Name


def kind_of(one: Declared) -> str:
    """A word for the kind of an option's value."""
    if one.words:
        return "word"
    return {bool: "yes or no", int: "whole number", float: "number"}.get(one.kind, "")


def shown_option(one: Declared) -> dict[str, Any]:
    """What a page has to know to offer an option."""
    words = list(get_args(one.kind)) if get_origin(one.kind) is Literal else list(one.words)
    return {
        "name": one.name,
        "kind": kind_of(one),
        "default": one.default,
        "least": one.option.least,
        "most": one.option.most,
        "words": words,
        "help": one.option.help,
        "main": one.option.main,
        "on_pictures": one.option.on_pictures,
    }


def offered(kind: type) -> list[Declared]:
    """The options of a method that may be set from outside: numbers, words, yes and no. Texts that
    name files may not."""
    return [one for one in declared(kind) if kind_of(one) and one.option.shown]
