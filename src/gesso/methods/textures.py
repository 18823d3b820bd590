"""Textures: what a style becomes where there is no photo."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from gesso.cards.card import StyleCard
from gesso.errors import OptionError
from gesso.methods.about import About
from gesso.stylizers.progress import OnStep
from gesso.stylizers.stylizer import Stylizer

LARGEST_PX = 8192  # side of a texture


class Textures:
    """The part of a method that makes textures.

    Every method makes some, by stylizing white noise. One with a better way says so in its `About`
    (`textures`, `tileable`) and writes `_texture`.
    """

    about: ClassVar[About]

    def stylizer(self, card: StyleCard) -> Stylizer:
        """The stylizer of a card (see `Method`)."""
        raise NotImplementedError

    def texture(
        self,
        card: StyleCard,
        height: int,
        width: int,
        *,
        seed: int = 0,
        tileable: bool = False,
        on_step: OnStep | None = None,
    ) -> Tensor:
        """A texture (3, height, width) of a card's style, RGB in [0, 1] on the CPU.

        Args:
            height, width: in px, from 1 to 8192.
            seed: of the noise: another one, another texture; the same one, the same texture.
            tileable: whether opposite sides are to fit, so that copies can be laid in rows.
            on_step: is given the steps of a method that takes some.

        Raises:
            OptionError: a size out of range, a method whose textures do not tile, or a size that
                it cannot tile.
            GessoError: a card of another method or of other weights, or a damaged one.
        """
        for side in (height, width):
            if type(side) is not int or not 1 <= side <= LARGEST_PX:
                allowed = f"whole numbers from 1 to {LARGEST_PX}"
                raise OptionError("size", f"{str(side)[:40]}; allowed are {allowed}")
        if tileable and not self.about.tileable:
            raise OptionError("tileable", f"textures of method {self.about.name} do not tile")
        made = self._texture(card, height, width, seed, tileable, on_step)
        return made.detach().float().clamp(0, 1).cpu()

    def _texture(
        self,
        card: StyleCard,
        height: int,
        width: int,
        seed: int,
        tileable: bool,
        on_step: OnStep | None,
    ) -> Tensor:
        """The method's own way, (3, height, width); `tileable` only where `About` allows it."""
        content = white_noise(height, width, seed).unsqueeze(0)
        return self.stylizer(card)(content, on_step)[0]


def white_noise(height: int, width: int, seed: int = 0) -> Tensor:
    """Gaussian white noise (3, height, width) around mid-grey: the content that shows a style's
    texture (Shen et al. 2018, figure 5)."""
    generator = torch.Generator().manual_seed(seed)
    return (0.5 + 0.25 * torch.randn(3, height, width, generator=generator)).clamp(0, 1)
