"""A method that gesso does not know: one module, made known by GESSO_METHODS=toy_method."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor, nn

from gesso.cards.card import StyleCard, provenance
from gesso.methods.about import About, Needs
from gesso.methods.adapted import Adapted
from gesso.methods.base import ImageLike, Method, OnStep, Style
from gesso.options import Option
from gesso.stylizers.stylizer import Stylizer, of_network


@dataclass(frozen=True)
class Options:
    """What `Toy.adapt` takes."""

    tint: Annotated[float, Option("Share of the style's colour.", "SHARE", least=0, most=1)] = 0.5
    style_size: Annotated[int, Option("Longer side of the style.", "PX", least=16)] = 64


ABOUT = About(
    name="toy",
    title="Toy (a stranger, 2026)",
    summary="the photo under a glass of the style's mean colour",
    options=Options,
    needs=Needs(levels=("relu1_2",)),
)


class Glass(nn.Module):
    """content + share·(color − content)."""

    def __init__(self, color: Tensor, share: Tensor) -> None:
        super().__init__()
        self.color, self.share = nn.Parameter(color), nn.Parameter(share)

    def forward(self, content: Tensor) -> Tensor:
        return torch.lerp(content, self.color.reshape(3, 1, 1).expand_as(content), self.share)


class Toy(Method):
    """Lays the style's mean colour over the photo."""

    about = ABOUT

    def _adapt(
        self, style: Style, contents: list[Tensor], options: Options, on_step: OnStep | None
    ) -> Adapted:
        color = style.at(options.style_size).mean((1, 2)).cpu()
        return Adapted({"color": color, "share": torch.tensor([options.tint])}, {})

    def _stylizer(self, card: StyleCard) -> Stylizer:
        return of_network(Glass(card.tensors["color"], card.tensors["share"]))

    def neutral(self, content: ImageLike | None = None, like: StyleCard | None = None) -> StyleCard:
        """A glass that is clear."""
        color = torch.zeros(3) if like is None else like.tensors["color"]
        tensors = {"color": color, "share": torch.zeros(1)}
        return StyleCard(self.name, tensors, {}, provenance=provenance())
