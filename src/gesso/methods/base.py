"""What every method is: style → card → stylizer → image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, Self

from torch import Tensor, nn

from gesso.cards.blend import blend_tensors
from gesso.cards.card import StyleCard
from gesso.controls.regions import OfRegions, composite
from gesso.encoders.base import Encoder

ImageLike = Tensor | str | Path


@dataclass(frozen=True)
class AdaptStep:
    """Progress of an adaptation: steps done, steps in all, the terms of the objective."""

    step: int
    steps: int
    losses: dict[str, float] = field(default_factory=dict)


OnStep = Callable[[AdaptStep], None]
EncoderSource = Encoder | Callable[[], Encoder]


class Method(nn.Module):
    """Turns a style into a stylizer. Images are RGB in [0, 1]: (3, H, W), or (B, 3, H, W)."""

    name: str
    neutral_of_content = False  # whether the neutral card differs from content to content
    styles = "∞"  # how many styles one set of weights serves
    base: str = ""  # SHA-256 of the weights the method was loaded with
    options: tuple[str, ...] = ()  # what `adapt` takes besides the style and `on_step`
    deepest = "relu4_3"  # the last level of VGG that is loaded
    polish = 0  # steps of `gesso.polish` that `gesso stylize` adds by default
    runs_encoder = False  # whether a card is run with the encoder it was made with
    on_step: OnStep | None = None  # told of the steps of stylizers that optimise, made from now on

    def __init__(self, encoder: EncoderSource) -> None:
        super().__init__()
        self._encoder: EncoderSource = encoder

    @classmethod
    def load(cls, encoder: EncoderSource, weights: str | Path | None = None) -> Self:
        """The method with its bundled weights, or with those in a file."""
        raise NotImplementedError

    @property
    def encoder(self) -> Encoder:
        """The encoder, loaded on first use if a function was given: a card is run without it."""
        if not isinstance(self._encoder, Encoder):
            tensor = next(chain(self.parameters(), self.buffers()), None)
            device = "cpu" if tensor is None else tensor.device
            self._encoder = self._encoder().to(device)
        return self._encoder

    def adapt_settings(self, **options: Any) -> dict[str, Any]:
        """All that decides what `adapt` with these options makes of given pictures, as JSON
        values: part of a cached card's key. Raises GessoError for an option that makes no sense.
        """
        return {key: value for key, value in options.items() if value is not None}

    def practises(self, **options: Any) -> bool:
        """Whether `adapt` with these options looks at contents; where not, none need be read."""
        return True

    def adapt(
        self,
        style: ImageLike,
        contents: Sequence[ImageLike] | None = None,
        *,
        on_step: OnStep | None = None,
        **options: Any,
    ) -> StyleCard:
        """What a new style costs: nothing … seconds … minutes. Leaves the method unchanged."""
        raise NotImplementedError

    def stylizer(self, card: StyleCard) -> nn.Module:
        """A module from contents (B, 3, H, W) to stylized images of the same shape in [0, 1]."""
        raise NotImplementedError

    def stylizer_of_regions(self, cards: Sequence[StyleCard]) -> OfRegions:
        """A function from contents (B, 3, H, W) and shares (K, H, W), one for each card, that sum
        to 1 at every pixel, to pictures: put together in the picture, unless a method can do
        better (in feature space)."""
        return composite([self.stylizer(card) for card in cards])

    def neutral(self, content: ImageLike | None = None, like: StyleCard | None = None) -> StyleCard:
        """The card that changes nothing, or as little as the method can; of the kind of `like`,
        so that the two can be blended."""
        raise NotImplementedError

    def blends_with_neutral(self, card: StyleCard) -> bool:
        """Whether the card can be blended with `neutral(like=card)`: both from the same weights."""
        neutral = self.neutral(like=card)
        return (neutral.base, neutral.config) == (card.base, card.config)

    def blend(self, cards: Sequence[StyleCard], weights: Sequence[float]) -> StyleCard:
        """Mix styles: the weighted mean of the cards' tensors."""
        return blend_tensors(cards, weights)

    def losses(self, batch: dict[str, Tensor], step: int) -> dict[str, Tensor]:
        """One training step's loss terms; the trainer minimises the sum of those whose names do
        not start with an underscore."""
        raise NotImplementedError
