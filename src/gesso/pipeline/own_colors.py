"""Styles that are adapted to in the colours of the photo at hand, for every photo anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from gesso.cards.cache import CardCache
from gesso.controls.color import checked_color
from gesso.controls.controls import Controls
from gesso.methods.base import Method
from gesso.nn.pictures import read_image
from gesso.pipeline.style_cards import Adaptation, cached_card


class OwnColors:
    """A function of contents (B, 3, H, W) to pictures in the styles of some files, in which every
    content keeps its own colours: the styles are recoloured before they are adapted to.

    Args:
        method: any.
        styles: pictures.
        adaptation: how to adapt; without `practice` to each content itself.
        controls: with a `color` other than style.
        cache: where the cards are kept, by the content's colours as well; None: nowhere.

    Raises:
        GessoError: a style that cannot be read, controls that do not go with the styles.
    """

    def __init__(
        self,
        method: Method,
        styles: Sequence[Path],
        adaptation: Adaptation,
        controls: Controls,
        cache: CardCache | None = None,
    ) -> None:
        controls.check(len(styles))
        method.adapt_settings(**adaptation.arguments())
        for style in styles:  # told at once, and not for every photo
            read_image(style, max_pixels=adaptation.max_pixels)
        self.method, self.styles, self.adaptation = method, styles, adaptation
        self.controls, self.cache = controls, cache

    def __call__(self, contents: Tensor) -> Tensor:
        return torch.cat([self._one(content) for content in contents])

    def _one(self, content: Tensor) -> Tensor:
        color = checked_color(self.controls.color)
        how = replace(self.adaptation, photo=content, color=color)
        told = self.method.on_step
        cards = [cached_card(self.method, s, how, self.cache, told)[0] for s in self.styles]
        stylize = self.controls.stylizer(self.method, cards, matched=True)
        return stylize(content.unsqueeze(0))
