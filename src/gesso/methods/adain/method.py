"""AdaIN (Huang & Belongie, ICCV 2017): features take on a style's mean and deviation, and one
decoder for all styles turns them into a picture."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gesso import assets
from gesso.cards.card import StyleCard, provenance
from gesso.controls.regions import OfRegions
from gesso.disk.atomic import sha256_file
from gesso.encoders import tiles
from gesso.encoders.decoder import Decoder
from gesso.errors import GessoError
from gesso.losses.objectives import Features
from gesso.methods.adain.layer import LEVEL, Config, Statistics, adain, adain_losses, affine
from gesso.methods.base import EncoderSource, ImageLike, Method, OnStep
from gesso.methods.inputs import (
    as_image,
    enlarged,
    load_exactly,
    practice_images,
    thumbnail_within,
)
from gesso.nn import checkpoint
from gesso.nn.functional import compute_in, fast_dtype
from gesso.nn.pictures import resize

__all__ = ["AdaIN", "Config"]

STYLE_SIZE_PX = 512  # longer side of the style, as in the paper's training
THUMBNAIL_BYTES = 4000  # so that a card stays below 8 kB
MEAN, DEVIATION = "mean", "deviation"


class AdaIN(Method):
    """An encoder, and the decoder that was trained for it (`config` None: no decoder).

    A picture is `decode(transfer(encode(content), card))`.
    """

    name = "adain"
    options = ("style_size",)
    deepest = LEVEL
    runs_encoder = True
    neutral_of_content = True
    _place: Tensor

    def __init__(self, encoder: EncoderSource, config: Config | None, base: str = "") -> None:
        super().__init__(encoder)
        self.config = config or Config()
        self.decoder = None if config is None else config.build()
        self.base = base  # SHA-256 of the weights' file, which cards belong to
        self.register_buffer("_place", torch.empty(0), persistent=False)

    @classmethod
    def load(cls, encoder: EncoderSource, weights: str | Path | None = None) -> Self:
        """The bundled weights, if there are any, or those `gesso train adain` wrote."""
        if weights is None and not assets.weights("adain").is_file():
            return cls(encoder, None)
        path = Path(weights or assets.weights("adain"))
        tensors, header = checkpoint.load_file(path, kind="weights", what="adain weights")
        if header.get("method") != cls.name:
            raise GessoError(f"{path}: weights of {header.get('method')}, not of {cls.name}")
        method = cls(encoder, Config.from_header(header.get("config", {})), str(header["sha256"]))
        load_exactly(method.network, tensors, str(path))
        return method

    @property
    def network(self) -> Decoder:
        """The decoder. Raises GessoError where no weights were loaded."""
        if self.decoder is None:
            raise GessoError(
                "adain: no weights are bundled; train some (gesso train adain) and give them with "
                "--model"
            )
        return self.decoder

    def losses(self, batch: dict[str, Tensor], step: int) -> dict[str, Tensor]:
        """ℒ_c + λℒ_s on pairs of contents and styles."""
        return adain_losses(self.network, self.encoder, self.config, batch)

    @torch.no_grad()
    def encode(self, images: Tensor) -> dict[str, Tensor]:
        """f: images (B, 3, H, W) in [0, 1] → features (B, C, h, w) for each level on which AdaIN
        works, in the dtype convolutions are computed in, with a margin of the reflected image at
        every side; at relu4_1 h = ⌈H/8⌉ + 2·MARGIN_CELLS, and twice that a block shallower."""
        place, c = self._place.device, self.config
        with compute_in(fast_dtype(place)):
            return tiles.encode(self.encoder, images, c.levels, c.blocks, place)

    def transfer(self, features: Features, card: StyleCard) -> dict[str, Tensor]:
        """t = AdaIN(f(c), f(s)): features by level with the means and deviations in the card, in
        float32.

        Raises:
            GessoError: a card of another method, other weights or another shape.
        """
        styles, own = self._statistics(card), self.statistics(features)
        return {
            level: adain(features[level], *styles[level], own=own[level])
            for level in self.config.levels
        }

    def statistics(self, features: Features) -> dict[str, Statistics]:
        """μ and σ, (B, C) each, by level: those of `encode`'s features without the margin."""
        inner = tiles.without_margin(features, self.config.level)
        return {level: tiles.mean_and_deviation(x) for level, x in inner.items()}

    @torch.no_grad()
    def decode(
        self,
        features: Features,
        height: int,
        width: int,
        change: tiles.Change = tiles.unchanged,
    ) -> Tensor:
        """g: features by level, with their margin → pictures (B, 3, height, width) in [0, 1];
        `change` is made to the features, a tile at a time."""
        with compute_in(fast_dtype(self._place.device)):
            return tiles.decode(self.network, features, height, width, change)

    def to_style(self, features: Features, card: StyleCard) -> dict[str, Statistics]:
        """`transfer` as an affine map of each channel: what to multiply it by and what to add
        then, (B, C) each, by level."""
        styles, own = self._statistics(card), self.statistics(features)
        return {level: affine(own[level], styles[level]) for level in self.config.levels}

    def adapt(
        self,
        style: ImageLike,
        contents: Sequence[ImageLike] | None = None,
        *,
        on_step: OnStep | None = None,
        style_size: int = STYLE_SIZE_PX,
        **options: Any,
    ) -> StyleCard:
        """Encode the style; contents are not looked at.

        Args:
            style: the picture whose style to take on; its longer side becomes `style_size` px,
                which sets the size of its strokes in the results.

        Raises:
            GessoError: a picture that cannot be read, an option that makes no sense, an encoder
                other than the one the decoder was trained for.
        """
        self._check(options)
        self._check_encoder()  # which loads it
        began = time.monotonic()
        picture = enlarged(resize(as_image(style), style_size))
        card = self._card([picture])
        source = style if isinstance(style, str | Path) else ""
        card.provenance = provenance(
            source,
            sha256=sha256_file(source) if source else "",
            seconds=time.monotonic() - began,
        )
        card.settings = {"encoder": self.encoder.name, "style_size": style_size}
        card.thumbnail = thumbnail_within(picture, THUMBNAIL_BYTES)
        return card

    def practises(self, **options: Any) -> bool:
        """Never."""
        return False

    def adapt_settings(self, *, style_size: int = STYLE_SIZE_PX, **options: Any) -> dict[str, Any]:
        """The style's size."""
        self._check(options)
        return {"style_size": style_size}

    def neutral(self, content: ImageLike | None = None, like: StyleCard | None = None) -> StyleCard:
        """The content's own statistics, with which AdaIN changes nothing; without a content the
        mean over the bundled ones."""
        self._check_encoder()
        pictures = [as_image(content)] if content is not None else practice_images(None, None)
        return self._card(pictures)

    def blends_with_neutral(self, card: StyleCard) -> bool:
        """Only with the decoder's own encoder."""
        return self.decoder is not None and card.base == self.base

    def stylizer(self, card: StyleCard) -> Stylizer:
        """The card's. Raises GessoError for a card of another method or other weights, or another
        encoder than the one the decoder was trained for."""
        self._statistics(card)
        self._check_encoder()
        return Stylizer(self, card)

    def stylizer_of_regions(self, cards: Sequence[StyleCard]) -> OfRegions:
        """Regions put together in feature space (the paper's spatial control): every place of the
        features takes the statistics of its region's style, and all are decoded together."""
        for card in cards:
            self.stylizer(card)  # which refuses what cannot be run

        @torch.inference_mode()
        def stylize(contents: Tensor, shares: Tensor) -> Tensor:
            features = self.encode(contents)
            maps = [self.to_style(features, card) for card in cards]
            padded = tiles.with_margin(
                shares.unsqueeze(0).to(self._place.device), self.network.stride
            )
            small = {
                level: F.adaptive_avg_pool2d(padded, (x.shape[-2], x.shape[-1]))[0]
                for level, x in features.items()
            }
            del padded

            def mixed(level: str, x: Tensor, rows: slice, columns: slice) -> Tensor:
                parts = zip(small[level][:, rows, columns], maps, strict=True)
                return sum(
                    (share * tiles.mapped(x, one[level]) for share, one in parts),
                    x.new_zeros((), dtype=torch.float32),
                )

            height, width = contents.shape[-2:]
            return self.decode(features, height, width, mixed).to(contents.device)

        return stylize

    def _card(self, pictures: Sequence[Tensor]) -> StyleCard:
        """The mean statistics of pictures (3, H, W)."""
        encoded = [self.statistics(self.encode(picture.unsqueeze(0))) for picture in pictures]
        tensors: dict[str, Tensor] = {}
        for level in self.config.levels:
            rows = [torch.cat(found[level]) for found in encoded]
            mean, deviation = torch.stack(rows).mean(0).cpu()
            tensors |= dict(zip(_names(level), (mean, deviation), strict=True))
        config = {"level": self.config.level}
        return StyleCard(self.name, tensors, config, base=self.base, provenance=provenance())

    def _statistics(self, card: StyleCard) -> dict[str, tuple[Tensor, Tensor]]:
        """Mean and deviation (C,) of every level, from a card of these weights."""
        if card.method != self.name:
            raise GessoError(f"a card of method {card.method}: {self.name} cannot run it")
        if card.base != self.base or self.decoder is None:
            raise GessoError(
                "a card of adain: other weights made it than those loaded"
                if self.decoder is not None
                else "a card of adain: needs the weights it was made with (--model)"
            )
        expected = {level: self.decoder.width(level) for level in self.config.levels}
        found = {n: card.tensors.get(n) for level in expected for n in _names(level)}
        for name, tensor in found.items():
            channels = expected[name.partition(".")[2]]
            if tensor is None or tensor.shape != (channels,):
                raise GessoError(f"a card without {name} of {channels} channels")
        place = self._place.device
        return {
            level: (card.tensors[mean].to(place), card.tensors[deviation].to(place))
            for level in expected
            for mean, deviation in [_names(level)]
        }

    def _check_encoder(self) -> None:
        _ = self.network
        trained, found = self.config.encoder, self.encoder.identity
        if trained and found != trained:
            raise GessoError(
                f"encoder {self.encoder.name} {found[:12]}: these weights of adain were trained "
                f"with {trained[:12]}, and take no other"
            )

    def _check(self, options: dict[str, Any]) -> None:
        for name in options:
            raise GessoError(f"option {name}: unknown; allowed are {', '.join(self.options)}")


class Stylizer(nn.Module):
    """Encoder, AdaIN with the card's statistics and decoder: contents (B, 3, H, W) in [0, 1] →
    pictures of the same shape, any H and W."""

    def __init__(self, method: AdaIN, card: StyleCard) -> None:
        super().__init__()
        self.method, self.card = method, card

    @torch.inference_mode()
    def forward(self, content: Tensor) -> Tensor:
        method = self.method
        features = method.encode(content)
        maps = method.to_style(features, self.card)

        def styled(level: str, x: Tensor, rows: slice, columns: slice) -> Tensor:
            return tiles.mapped(x, maps[level])

        height, width = content.shape[-2:]
        return method.decode(features, height, width, styled).to(content.device)


def _names(level: str) -> tuple[str, str]:
    """Of a level's tensors in a card."""
    return f"{MEAN}.{level}", f"{DEVIATION}.{level}"
