"""What every method is: style → card → stylizer → image."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from threading import RLock
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn

from gesso import assets
from gesso.cards.blend import blend_tensors
from gesso.cards.card import StyleCard
from gesso.cards.vectors import KeptVectors
from gesso.encoders.base import Encoder
from gesso.encoders.levels import LEVELS
from gesso.errors import GessoError, MissingWeights, OptionError
from gesso.fitting.kept import kept_for_polish
from gesso.methods.about import About
from gesso.methods.adapted import Adapted
from gesso.methods.inputs import ImageLike, Style, practice_images
from gesso.methods.textures import Textures
from gesso.nn.checkpoint import load_file
from gesso.nn.masks import MaskLike, part
from gesso.nn.precision import compute_in, fast_dtype
from gesso.options import changed, of_pictures
from gesso.stylizers.any_style import AnyStyle
from gesso.stylizers.drawing import Drawing
from gesso.stylizers.progress import AdaptStep, OnStep
from gesso.stylizers.stylizer import OfRegions, Stylizer, composite

__all__ = ["AdaptStep", "Encoders", "ImageLike", "Method", "OnStep", "Style"]

THUMBNAIL_BYTES = 64 * 1024 - 1
Encoders = Any  # an Encoder, or a function without arguments that loads one


class Method(Textures, nn.Module):
    """Turns a style into a stylizer. Images are RGB in [0, 1]: (3, H, W), or (B, 3, H, W).

    A subclass sets `about` and writes `_adapt`, `_stylizer`, `neutral` and, with weights,
    `from_weights`; the frame around them is here. Its methods may be called from several threads.
    """

    about: ClassVar[About]
    engine: Callable[[Stylizer], Stylizer] | None = None  # what stylizers go through
    names: tuple[str, ...] = ()  # of the styles that the weights hold
    thumbnail_bytes = THUMBNAIL_BYTES  # the most that a card's thumbnail takes
    _place: Tensor

    def __init__(self, encoder: Encoders, base: str = "") -> None:
        super().__init__()
        self._encoder, self._encoder_lock = encoder, RLock()
        self.base = base  # SHA-256 of the weights the method was loaded with
        self.register_buffer("_place", torch.empty(0), persistent=False)

    @classmethod
    def load(cls, encoder: Encoders, weights: str | Path | None = None) -> Self:
        """The method with its bundled weights, or with those in a file.

        Raises:
            GessoError: a file that holds no weights of this method.
            MissingWeights: none are bundled.
        """
        about = cls.about
        if about.weights is None:
            if weights is not None:
                hint = "; its start is an option" if hasattr(about.options, "start") else ""
                raise OptionError("weights", f"{weights}: method {about.name} has none{hint}")
            return cls(encoder)
        path = Path(weights) if weights else assets.weights(about.weights)
        if weights is None and not path.is_file():
            raise MissingWeights(f"{about.name}: no weights are bundled; gesso train makes some")
        tensors, header = load_file(path, kind=about.kind, what=f"{about.name} weights")
        if header.get("method", about.name) != about.name:
            raise GessoError(f"{path}: weights of {header['method']}, not of {about.name}")
        return cls.from_weights(encoder, tensors, header, str(path))

    @classmethod
    def from_weights(
        cls, encoder: Encoders, tensors: dict[str, Tensor], header: dict[str, Any], source: str
    ) -> Self:
        """The method with these tensors of a weights' file; `source` is its path."""
        raise NotImplementedError

    @property
    def name(self) -> str:
        """The method's name."""
        return self.about.name

    @property
    def place(self) -> torch.device:
        """The device that it computes on."""
        return self._place.device

    @property
    def encoder(self) -> Encoder:
        """The encoder, loaded on first use if a function was given: many cards run without it.

        Raises:
            GessoError: an encoder that lacks a level the method needs.
        """
        with self._encoder_lock:
            if not isinstance(self._encoder, Encoder):
                self._encoder = self._encoder().to(self.place)
            found: Encoder = self._encoder
        found.require(self.about.needs.levels)
        return found

    def chosen(self, options: Any = None, changes: Mapping[str, Any] | None = None) -> Any:
        """The method's options with some changed, checked. Raises OptionError."""
        if options is not None and not isinstance(options, self.about.options):
            expected = f"{self.name}'s {self.about.options.__name__}"
            raise GessoError(f"options: a {type(options).__name__}; allowed are {expected}")
        return changed(options or self.about.options(), changes or {})

    def adapt_settings(self, options: Any = None, **changes: Any) -> dict[str, Any]:
        """All that decides what `adapt` with these options makes of given pictures, as JSON
        values: part of a cached card's key. Raises OptionError."""
        chosen = asdict(self.chosen(options, changes))
        return {n: v for n, v in chosen.items() if n not in of_pictures(self.about.options)}

    def practises(self, options: Any = None, **changes: Any) -> bool:
        """Whether `adapt` with these options looks at contents."""
        return False

    def style_size(self, options: Any) -> int:
        """The longer side in px at which the style is read."""
        size: int = options.style_size
        return size

    def keeps_vectors(self, options: Any = None, **changes: Any) -> bool:
        """Whether `adapt` with these options keeps what polishing needs of the style: by default
        for methods that are polished by default, but not for cards of γ and β, which are small."""
        chosen = self.chosen(options, changes)
        return self.about.polish > 0 and not getattr(chosen, "only_affine", False)

    def adapt(
        self,
        style: ImageLike,
        contents: Sequence[ImageLike] | None = None,
        options: Any = None,
        *,
        style_mask: MaskLike = None,
        on_step: OnStep | None = None,
        vectors: bool | None = None,
        exact: bool = False,
        **changes: Any,
    ) -> StyleCard:
        """The card of a style: what it costs depends on the method. Leaves the method unchanged.

        Args:
            style: the picture whose style to take on, or the name of a bundled one.
            contents: pictures to practise on, for methods that do; by default a small bundled set.
            options: the method's own (`about.options`); by default its defaults.
            style_mask: only the part of the picture where this is on is the style: numbers (h, w)
                in [0, 1] of any size, or a picture, as `gesso.read_mask` takes it.
            on_step: is given every step of an adaptation.
            vectors: whether to keep feature vectors of the style, which polishing needs; by
                default as `keeps_vectors` says.
            exact: keep float32. By default the card's numbers are rounded to float16, as its file
                holds them, so that a saved card gives the very same pictures.
            changes: single options by name.

        Raises:
            GessoError: a picture that cannot be read, an option that makes no sense.
        """
        chosen = self.chosen(options, changes)
        self.check_encoder()  # which loads it
        began = time.monotonic()
        found = Style(style, self.style_size(chosen), self.encoder, self.place, style_mask)
        practice: list[Tensor] = []
        if self.practises(chosen):
            images = practice_images(contents, getattr(chosen, "content_size", None))
            practice = [image.to(self.place) for image in images]
        with compute_in(fast_dtype(self.place)):
            made = self._adapt(found, practice, chosen, on_step)
        size, most = self.style_size(chosen), self.thumbnail_bytes
        card = made.card(self.name, found, size, asdict(chosen), time.monotonic() - began, most)
        card.settings.setdefault("encoder", self.encoder.name)
        if self.keeps_vectors(chosen) if vectors is None else vectors:
            self.keep_vectors(card, found, chosen)
        return card if exact else card.rounded()

    def look_up(self, name: str) -> StyleCard:
        """The card of a style that the weights hold, by its name. Raises OptionError for an
        unknown one."""
        raise OptionError("style", f"{name}: the weights of {self.name} hold no styles by name")

    def complete(
        self, card: StyleCard, style: ImageLike, options: Any = None, mask: MaskLike = None
    ) -> StyleCard:
        """A card with the style's feature vectors, which it lacks; rounded as `adapt` does."""
        chosen = self.chosen(options)
        found = Style(style, self.style_size(chosen), self.encoder, self.place, mask)
        self.keep_vectors(card, found, chosen)
        return card.rounded()

    def keep_vectors(self, card: StyleCard, style: Style, options: Any) -> None:
        """Put feature vectors of the style, as the encoder sees it, and its colours into its
        card."""
        size = self.style_size(options)
        pixels = part(style.at(size)[None], style.mask)[0]
        kept = kept_for_polish(style.of_part(size, LEVELS), pixels)
        card.vectors = KeptVectors(self.encoder.identity, kept)

    def check_encoder(self) -> None:
        """Raises GessoError where the weights were trained with another encoder."""
        trained, found = (
            getattr(getattr(self, "config", None), "encoder", ""),
            self.encoder.identity,
        )
        if trained and found != trained:
            raise GessoError(
                f"encoder {self.encoder.name} {found[:12]}: these weights of {self.name} were "
                f"trained with {trained[:12]}, and take no other"
            )

    def _adapt(
        self, style: Style, contents: list[Tensor], options: Any, on_step: OnStep | None
    ) -> Adapted:
        """The method's own part of `adapt`; contents (3, h, w) are on its device, as the style."""
        raise NotImplementedError

    def stylizer(self, card: StyleCard) -> Stylizer:
        """The stylizer of a card of this method, without any of the controls.

        Raises:
            GessoError: a card of another method or of other weights, or a damaged one.
        """
        if card.method != self.name:
            raise GessoError(f"a card of method {card.method}: {self.name} cannot run it")
        if card.base and card.base != self.base:
            raise GessoError(
                f"a card that needs the weights it was made with: base {card.base[:12]}, the "
                f"weights loaded are {self.base[:12] or 'none'}"
            )
        made = self._stylizer(card)
        return made if self.engine is None else self.engine(made)

    def _stylizer(self, card: StyleCard) -> Stylizer:
        """The method's own part of `stylizer`."""
        raise NotImplementedError

    def any_style(self) -> AnyStyle | None:
        """The method as two networks that take on any style, for export; None where it is not made
        of two. Raises GessoError for an encoder that the weights were not trained with."""
        return None

    def drawing(self) -> Drawing | None:
        """What draws the method's quickest pictures, those without steps, with a style's patches;
        None where nothing does."""
        return None

    def stylizer_of_regions(self, cards: Sequence[StyleCard]) -> OfRegions:
        """A function from contents (B, 3, H, W), shares (K, H, W), one for each card, that sum to
        1 at every pixel, and an `on_step` to pictures: put together in the picture, unless a
        method can do better (in feature space)."""
        return composite([self.stylizer(card) for card in cards])

    def neutral(self, content: ImageLike | None = None, like: StyleCard | None = None) -> StyleCard:
        """The card that changes nothing, or as little as the method can; of the kind of `like`,
        so that the two can be blended."""
        raise NotImplementedError

    def softened(
        self, card: StyleCard, strength: float, content: ImageLike | None = None
    ) -> StyleCard | None:
        """The card at a strength from 0 to 1: blended with the neutral one (of the content, where
        `about.neutral` says so); None where the two do not blend."""
        if self.about.blend == "none" or not self.blends_with_neutral(card):
            return None
        neutral = self.neutral(content, like=card)
        return self.blend([neutral, card], [1 - strength, strength])

    def blends_with_neutral(self, card: StyleCard) -> bool:
        """Whether the card can be blended with `neutral(like=card)`: both from the same weights."""
        neutral = self.neutral(like=card)
        return (neutral.base, neutral.config) == (card.base, card.config)

    def blend(self, cards: Sequence[StyleCard], weights: Sequence[float]) -> StyleCard:
        """Mix styles: the weighted mean of the cards' tensors.

        Raises:
            GessoError: cards that do not go together, or a method whose cards do not mix.
        """
        if self.about.blend == "none" and len(cards) > 1:
            raise GessoError(f"cards of method {self.name} cannot be mixed")
        return blend_tensors(cards, weights)

    def losses(self, batch: dict[str, Tensor], step: int) -> dict[str, Tensor]:
        """One training step's loss terms; the trainer minimises the sum of those whose names do
        not start with an underscore."""
        raise NotImplementedError
