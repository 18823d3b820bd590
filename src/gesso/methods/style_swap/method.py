"""Style swap (Chen & Schmidt 2016): every patch of a photo's features is replaced by the painting's
most similar one; an inverse network, or a descent on the pixels, makes a picture of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from gesso.cards.card import StyleCard, provenance
from gesso.encoders import tiles
from gesso.encoders.coding import by_regions, decoded, encoded
from gesso.encoders.decoder import Decoder
from gesso.encoders.tiles import Change
from gesso.errors import GessoError
from gesso.fitting.carry import at_most
from gesso.fitting.inversion import Inversion, inverted
from gesso.fitting.pyramid import blurred
from gesso.methods.adapted import Adapted
from gesso.methods.base import ImageLike, OnStep, Style
from gesso.methods.inputs import as_image, enlarged
from gesso.methods.style_swap.about import ABOUT, LEVEL, Options
from gesso.methods.style_swap.cards import (
    SHARES,
    bank_of,
    kept,
    options_of,
    shared_stride,
    union,
)
from gesso.methods.style_swap.layer import Config, inverse_losses
from gesso.methods.style_swap.swapping import SwapNetwork, swapped
from gesso.methods.textures import white_noise
from gesso.methods.trained import Trained
from gesso.nn.masks import places
from gesso.nn.patches import Bank, patches_of
from gesso.stylizers.progress import in_batch
from gesso.stylizers.stylizer import OfRegions, Stylizer

MAX_PIXELS = 800_000
"""Above this many pixels a descent moves a smaller copy, and what changed in it is carried over."""

Swap = Callable[[Tensor], Change]
"""Features (B, C, h, w) of contents, with their margin → what is to be made of them."""


class StyleSwap(Trained):
    """An encoder, and the inverse network that was trained for it. With a descent that does not
    begin with the network's picture any other encoder serves."""

    about = ABOUT
    made_of = Config
    config: Config
    network: Decoder

    def losses(self, batch: dict[str, Tensor], step: int) -> dict[str, Tensor]:
        """The paper's loss on contents, styles and swaps."""
        return inverse_losses(self.network, self.encoder, self.config, batch)

    def check_encoder(self) -> None:
        """Nothing: an encoder that the network was not trained with serves a descent."""

    def encode(self, images: Tensor) -> Tensor:
        """Φ: images (B, 3, H, W) in [0, 1] → features (B, C, h, w) with a margin of the reflected
        image, see `gesso.encoders.coding`."""
        return encoded(self.encoder, images, [LEVEL], self._blocks, self.place)[LEVEL]

    @property
    def _stride(self) -> int:
        """Px in a place of the features."""
        return 1 << len(self._blocks) - 1

    @property
    def _blocks(self) -> tuple[tuple[int, ...], ...]:
        return self.encoder.widths(LEVEL)

    def _adapt(
        self, style: Style, contents: list[Tensor], options: Options, on_step: OnStep | None
    ) -> Adapted:
        """Encode the style; contents are not looked at."""
        tensors = self._features(style.at(options.style_size), style.mask)
        return Adapted(tensors, self._config(options))

    def _features(self, picture: Tensor, mask: Tensor | None = None) -> dict[str, Tensor]:
        """A card's tensors from a style (3, h, w), where a mask (h, w) is on."""
        return kept(*self._inner(picture, mask))

    def _inner(self, picture: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """A style's features (C, h', w') without a margin, and where of them the mask is on."""
        inner = tiles.without_margin({LEVEL: self.encode(picture[None])}, LEVEL)[LEVEL][0]
        on = None if mask is None else places(mask.to(inner.device), *inner.shape[1:])
        return inner, on

    def _config(self, options: Options, shares: Sequence[float] = (1.0,)) -> dict[str, Any]:
        encoder = {"encoder": self.encoder.name, "encoder_sha256": self.encoder.identity}
        values = {name: value for name, value in asdict(options).items() if name != "style_size"}
        return {**values, **encoder, SHARES: list(shares)}

    def _stylizer(self, card: StyleCard) -> Stylizer:
        how, bank = options_of(card), self._bank(card)
        swap = partial(swapped, bank, how.alpha)

        def run(contents: Tensor, on_step: OnStep | None) -> Tensor:
            return self._pictures(contents, lambda features, _: swap(features), how, on_step)

        if how.descends:
            return Stylizer(run, why_none="optimises every picture by itself")
        return Stylizer(run, SwapNetwork(self.encoder, self.network, bank, how.alpha))

    def stylizer_of_regions(self, cards: Sequence[StyleCard]) -> OfRegions:
        """Regions put together in feature space: every place of the features takes the patches of
        its region's style, and all are made into one picture."""
        ways = [options_of(card) for card in cards]
        if len({(way.descends, way.inverse, way.lr, way.tv_weight, way.seed) for way in ways}) > 1:
            return super().stylizer_of_regions(cards)
        swaps = [
            partial(swapped, self._bank(card), way.alpha)
            for card, way in zip(cards, ways, strict=True)
        ]

        def stylize(contents: Tensor, shares: Tensor, on_step: OnStep | None) -> Tensor:
            return self._pictures(contents, self._mixed(swaps, shares), ways[0], on_step)

        return stylize

    def _mixed(self, swaps: Sequence[Swap], shares: Tensor) -> Callable[..., Change]:
        """What swaps make of features in their shares (K, H, W) of a picture of some size."""

        def mixed(features: Tensor, size: Sequence[int]) -> Change:
            regions = shares
            if shares.shape[1:] != torch.Size(size):
                regions = F.interpolate(shares[None], tuple(size), mode="area")[0]
            changes = [swap(features) for swap in swaps]
            known = {self.network.deepest: features}
            return by_regions(changes, regions, known, self._stride)

        return mixed

    def bank(
        self,
        pictures: Sequence[tuple[Tensor, Tensor | None]],
        shares: Sequence[float],
        stride: float = 1.0,
        blur: float = 1.0,
    ) -> Bank:
        """The patches of pictures (3, h, w) in [0, 1], of each where its mask (h', w') is on, and
        as many fewer as its share is smaller than the largest; at every `stride`-th place of that
        one, down and across. They are looked for by what is left of a picture in a copy whose sides
        are `blur` times shorter."""
        styles = []
        for (picture, mask), share in zip(pictures, shares, strict=True):
            features, on = self._inner(picture, mask)
            apart = stride * shared_stride(share, shares)
            keys = None
            if blur > 1:
                keys, _ = self._inner(blurred(picture[None], blur)[0].clamp(0, 1), None)
            styles.append(patches_of(features, Options.patch_size, apart, mask=on, keys=keys))
        return Bank(styles)

    def redrawn(
        self, pictures: Tensor, banks: Sequence[Bank], shares: Tensor | None = None
    ) -> Tensor:
        """Pictures (B, 3, H, W) in [0, 1], drawn with patches: each bank's in its shares
        (K, h, w), which sum to 1 at every pixel; None: there is one bank."""
        swaps = [partial(swapped, bank, 1.0) for bank in banks]
        if shares is None:
            return self._decoded(pictures, lambda features, _: swaps[0](features))
        return self._decoded(pictures, self._mixed(swaps, shares))

    def _pictures(
        self,
        contents: Tensor,
        swap: Callable[[Tensor, Sequence[int]], Change],
        how: Options,
        on_step: OnStep | None,
    ) -> Tensor:
        """The pictures of contents (B, 3, H, W); `swap` is given their features and their size."""
        if not how.descends or how.inverse == "network":
            self._check_network()
        if not how.descends:
            return self._decoded(contents, swap).to(contents.device)
        rows = []
        for number, content in enumerate(contents):
            report = in_batch(on_step, number, len(contents))

            def descended(image: Tensor, report: Any = report) -> Tensor:
                return self._descended(image, swap, how, report)

            rows.append(at_most(MAX_PIXELS, content[None].to(self.place), descended))
        return torch.cat(rows).to(contents.device)

    @torch.no_grad()
    def _decoded(self, contents: Tensor, swap: Callable[[Tensor, Sequence[int]], Change]) -> Tensor:
        """By the inverse network."""
        features, (height, width) = self.encode(contents), contents.shape[-2:]
        return self._decode(features, height, width, swap(features, (height, width)))

    def _decode(self, features: Tensor, height: int, width: int, change: Change) -> Tensor:
        """f: features with their margin, changed → pictures (B, 3, height, width) in [0, 1]."""
        known = {self.network.deepest: features}
        return decoded(self.network, known, height, width, self.place, change)

    def _descended(
        self,
        content: Tensor,
        swap: Callable[[Tensor, Sequence[int]], Change],
        how: Options,
        report: Callable[[int, int, dict[str, float]], None] | None,
    ) -> Tensor:
        """By a descent on the pixels of one content and its margin."""
        height, width = content.shape[-2:]
        with torch.no_grad():
            features = self.encode(content)
            change = swap(features, (height, width))
            target = change(self.network.deepest, features, slice(None), slice(None))
            start = tiles.with_margin(self._start(content, features, change, how), self._stride)

        def heard(step: int, loss: float) -> None:
            if report is not None:
                report(step, how.descends, {"features": loss})

        inversion = Inversion(how.descends, how.lr, how.tv_weight)
        made = inverted(start, target, self.encoder, LEVEL, inversion, heard)
        edge = tiles.MARGIN_CELLS * self._stride
        return made[..., edge : edge + height, edge : edge + width]

    def _start(self, content: Tensor, features: Tensor, change: Change, how: Options) -> Tensor:
        """(1, 3, H, W): the picture that a descent begins with."""
        if how.inverse == "content":
            return content
        height, width = content.shape[-2:]
        if how.inverse == "noise":
            return white_noise(height, width, how.seed)[None].to(content)
        return self._decode(features, height, width, change)

    def _check_network(self) -> None:
        """Raises GessoError where the network was trained with another encoder."""
        trained, own = self.config.encoder, self.encoder
        if trained and trained != own.identity:
            raise GessoError(
                f"encoder {own.name} {own.identity[:12]}: the inverse network was trained with "
                f"{trained[:12]}, and takes no other; inverse content needs none"
            )

    def _bank(self, card: StyleCard) -> Bank:
        """The card's patches. Raises GessoError for one of another encoder, or a damaged one."""
        own, found = self.encoder, card.config
        if found.get("encoder_sha256") != own.identity:
            made = f"{found.get('encoder')} ({str(found.get('encoder_sha256'))[:12]}…)"
            raise GessoError(
                f"a card made with the encoder {made}: the one loaded, {own.name} "
                f"({own.identity[:12]}…), cannot run it"
            )
        return bank_of(card, self._blocks[-1][-1], self.place)

    def neutral(self, content: ImageLike | None = None, like: StyleCard | None = None) -> StyleCard:
        """A card with nothing of its style in the features: the photo through encoder and inverse
        network, or as near as the descent comes. Without `like` its style is the content, or
        grey."""
        if like is not None:
            return replace(like, config={**like.config, "alpha": 0.0}, provenance=provenance())
        picture = torch.full((3, 64, 64), 0.5) if content is None else as_image(content, 512)
        tensors = self._features(enlarged(picture).to(self.place))
        config = self._config(Options(alpha=0.0))
        return StyleCard(self.name, tensors, config, provenance=provenance())

    def softened(
        self, card: StyleCard, strength: float, content: ImageLike | None = None
    ) -> StyleCard | None:
        """The card with a smaller share of the patches in the features."""
        alpha = strength * options_of(card).alpha
        return replace(card, config={**card.config, "alpha": alpha})

    def blends_with_neutral(self, card: StyleCard) -> bool:
        """Always: strength is the share of the patches in the features."""
        return True

    def blend(self, cards: Sequence[StyleCard], weights: Sequence[float]) -> StyleCard:
        """The union of the cards' patches, as many of each as its share says; the shares have to be
        positive. Pictures are made as the first card says.

        Raises:
            GessoError: cards of other encoders, negative shares.
        """
        return union(cards, weights)
