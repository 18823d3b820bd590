"""Meta Networks (Shen et al., CVPR 2018): one pass turns a style into a whole transfer network."""

from __future__ import annotations

import time
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn

from gesso import assets
from gesso.cards.card import StyleCard, provenance
from gesso.disk.atomic import sha256_file
from gesso.errors import GessoError
from gesso.fitting.network import FitConfig, fit
from gesso.losses.objectives import LEVELS, UnboundedObjective
from gesso.methods.base import AdaptStep, EncoderSource, ImageLike, Method, OnStep
from gesso.methods.inputs import (
    Stylizer,
    as_image,
    enlarged,
    fit_config,
    load_exactly,
    practice_images,
    thumbnail_within,
)
from gesso.methods.meta_networks.factorised import multiplied
from gesso.methods.meta_networks.generated import GeneratedNet
from gesso.methods.meta_networks.hypernetwork import (
    Config,
    HyperNetwork,
    meta_losses,
    style_statistics,
)
from gesso.nn import checkpoint
from gesso.nn.functional import compute_in, fast_dtype
from gesso.nn.pictures import resize

__all__ = ["Config", "MetaNetworks"]

STYLE_SIZE_PX = 384  # longer side of the style in the pass: closest to unseen styles at 512 px
THUMBNAIL_BYTES = 2000  # so that a card of a hidden vector stays below 8 kB
REFINED_STYLE_SIZE_PX = 512  # while refining, as MetaStyle's adaptation
REFINING = FitConfig(steps=0, lr=7e-4, affine_lr=2e-3, crop=384)  # few steps: large crops
REFINED = UnboundedObjective(style_weight=1.2, tv_weight=1.0)  # Gram matrices say more than means


class MetaNetworks(Method):
    """A hypernetwork and the encoder whose statistics it reads.

    Without a hypernetwork (`config` None) it still runs cards that hold whole networks.
    """

    name = "meta_networks"
    neutral_of_content = True
    options = (
        *("contents", "style_size", "content_size", "refine", "kernels"),
        *(name for name in FitConfig.__dataclass_fields__ if name != "steps"),
    )
    _place: Tensor

    def __init__(self, encoder: EncoderSource, config: Config | None, base: str = "") -> None:
        super().__init__(encoder)
        self.config = config or Config()
        self.hyper = None if config is None else config.build()
        self.base = base  # SHA-256 of the weights' file, which cards of a hidden vector need
        self.register_buffer("_place", torch.empty(0), persistent=False)

    @classmethod
    def load(cls, encoder: EncoderSource, weights: str | Path | None = None) -> Self:
        """The bundled weights, if there are any, or those `gesso train meta_networks` wrote."""
        if weights is None and not assets.weights("meta_networks").is_file():
            return cls(encoder, None)
        path = Path(weights or assets.weights("meta_networks"))
        tensors, header = checkpoint.load_file(path, kind="weights", what="meta_networks weights")
        if header.get("method") != cls.name:
            raise GessoError(f"{path}: weights of {header.get('method')}, not of {cls.name}")
        method = cls(encoder, Config.from_header(header.get("config", {})), str(header["sha256"]))
        whole = multiplied(tensors, method.network.state_dict())
        load_exactly(method.network, whole, str(path))
        return method

    @property
    def network(self) -> HyperNetwork:
        """The hypernetwork. Raises GessoError where no weights were loaded."""
        if self.hyper is None:
            raise GessoError(
                "meta_networks: no weights are bundled; train some (gesso train meta_networks) "
                "and give them with --model"
            )
        return self.hyper

    def losses(self, batch: dict[str, Tensor], step: int) -> dict[str, Tensor]:
        """Algorithm 1: the generated networks' objective on a batch of contents and styles."""
        c = self.config
        return meta_losses(self.network, self.encoder, c.objective, batch, c.spike_weight)

    @torch.no_grad()
    def hidden(self, image: ImageLike, style_size: int = STYLE_SIZE_PX) -> Tensor:
        """The hidden vector (14·128,) of a picture (3, H, W) in [0, 1], or of a file's.

        Raises:
            GessoError: a picture that cannot be read; an encoder other than the trained one.
        """
        network = self.network
        self._check_encoder()
        picture = enlarged(resize(as_image(image), style_size)).to(self._place.device)
        with compute_in(fast_dtype(self._place.device)):
            features = self.encoder(picture.unsqueeze(0), LEVELS)
        statistics = style_statistics(features, LEVELS)
        if statistics.shape[1] != network.encode.in_features:
            raise GessoError(
                f"encoder {self.encoder.name}: {statistics.shape[1]} statistics, these weights "
                f"take {network.encode.in_features}: another encoder was trained with"
            )
        return network.hidden(statistics)[0]

    def _check_encoder(self) -> None:
        _ = self.network
        trained, found = self.config.encoder, self.encoder.identity
        if trained and found != trained:
            raise GessoError(
                f"encoder {self.encoder.name} {found[:12]}: these weights of meta_networks were "
                f"trained with {trained[:12]}, and take no other"
            )

    def adapt(
        self,
        style: ImageLike,
        contents: Sequence[ImageLike] | None = None,
        *,
        on_step: OnStep | None = None,
        style_size: int | None = None,
        content_size: int | None = None,
        kernels: bool = False,
        refine: int = 0,
        **options: Any,
    ) -> StyleCard:
        """One pass of encoder and hypernetwork.

        Args:
            style: the picture whose style to take on; its longer side becomes `style_size` px:
                by default 384 for the pass and 512 for `refine`.
            contents: what `refine` practises on; by default a small bundled set.
            kernels: the card holds the whole generated network, not the hidden vector: larger, and
                runs without the hypernetwork.
            refine: continue with this many gradient steps on the generated network's weights,
                which are what the card holds then.
            options: fields of `gesso.fit.FitConfig` for `refine`, but `steps`.

        Raises:
            GessoError: a picture that cannot be read, an option that makes no sense.
        """
        _refining(refine, options)
        self._check_encoder()  # which loads it, once and for all
        began = time.monotonic()
        sizes = _style_sizes(style_size, refine)
        picture = as_image(style)
        card = self._card(self.hidden(picture, sizes[0]), provenance())
        if kernels:
            card = self.with_kernels(card)
        if refine:
            contents = practice_images(contents, content_size)
            sized = {"style_size": sizes[-1], "on_step": on_step, **options}
            card = self.refined(card, picture, contents, steps=refine, **sized)
        known = {k: v for k, v in card.provenance.items() if k in ("loss_before", "loss_after")}
        source = style if isinstance(style, str | Path) else ""
        card.provenance = known | provenance(
            source,
            sha256=sha256_file(source) if source else "",
            steps=refine or None,
            seconds=time.monotonic() - began,
        )
        card.settings |= {"encoder": self.encoder.name, "style_size": sizes[-1]}
        card.thumbnail = thumbnail_within(enlarged(resize(picture, sizes[-1])), THUMBNAIL_BYTES)
        return card

    def refined(
        self,
        card: StyleCard,
        style: ImageLike,
        contents: Sequence[ImageLike] | None = None,
        *,
        steps: int = 20,
        style_size: int = REFINED_STYLE_SIZE_PX,
        on_step: OnStep | None = None,
        **options: Any,
    ) -> StyleCard:
        """A card of the network of `card`, after `steps` gradient steps on all its weights.

        Args:
            card: where to begin: `adapt`'s, a mixed or an invented one.
            style: the picture to come closer to; its longer side becomes `style_size` px.
            contents: what to practise on; by default a small bundled set.
            options: fields of `gesso.fit.FitConfig`.

        Raises:
            GessoError: a card of another method or other weights, a picture that cannot be read.
        """
        config = _refining(steps, options)
        place = self._place.device
        whole = self.with_kernels(card)
        net = self._net(whole).requires_grad_(True)
        reference = enlarged(resize(as_image(style), style_size)).to(place)
        pictures = [content.to(place) for content in practice_images(contents, None)]
        trace: list[float] = []

        def report(step: int, terms: dict[str, float]) -> None:
            trace.append(sum(terms.values()))
            if on_step is not None:
                on_step(AdaptStep(step, config.steps, terms))

        with compute_in(fast_dtype(place)):
            final = fit(net, self.encoder, REFINED, reference, pictures, config, report)
        losses = {"loss_before": trace[0], "loss_after": sum(final.values())}
        rounded = {name: float(f"{loss:.6g}") for name, loss in losses.items()}
        settings = {**whole.settings, **asdict(config)}
        origin = {**whole.provenance, **rounded, "steps": steps}
        return replace(whole, tensors=_on_cpu(net), settings=settings, provenance=origin)

    def practises(self, **options: Any) -> bool:
        """Only to refine."""
        return bool(options.get("refine"))

    def adapt_settings(
        self,
        *,
        style_size: int | None = None,
        content_size: int | None = None,
        kernels: bool = False,
        refine: int = 0,
        **options: Any,
    ) -> dict[str, Any]:
        """All that `adapt` would use; of the options for `refine`, if it takes steps at all.
        `style_size` is the larger one that the picture has to be read at."""
        config = _refining(refine, options)
        sizes = _style_sizes(style_size, refine)
        settings = {"style_size": sizes[-1], "kernels": bool(kernels or refine)}
        if not refine:
            return settings
        refining = {"content_size": content_size, "objective": asdict(REFINED), "pass": sizes[0]}
        return settings | asdict(config) | refining

    def _card(self, hidden: Tensor, origin: dict[str, Any]) -> StyleCard:
        c = self.config
        config = {"width": c.width, "hidden": c.hidden, "upsample": c.upsample}
        return StyleCard(
            self.name, {"hidden": hidden.cpu()}, config, base=self.base, provenance=origin
        )

    @torch.no_grad()
    def with_kernels(self, card: StyleCard) -> StyleCard:
        """A card of a hidden vector as one of the whole network it generates.

        Raises:
            GessoError: a card of another method or other weights.
        """
        if "hidden" not in card.tensors:
            return card
        # Whole networks blend when the same weights generated them, hence "start".
        config = {"width": card.config["width"], "upsample": card.config["upsample"]}
        whole = deepcopy(card)
        whole.tensors, whole.base = _on_cpu(self._net(card)), ""
        whole.config = {**config, "start": self.base}
        return whole

    def stylizer(self, card: StyleCard) -> Stylizer:
        """The card's network. Raises GessoError for a card of another method or other weights."""
        return Stylizer(self._net(card))

    @torch.no_grad()
    def _net(self, card: StyleCard) -> GeneratedNet:
        if card.method != self.name:
            raise GessoError(f"a card of method {card.method}: {self.name} cannot run it")
        generated = "hidden" in card.tensors
        if generated and (card.base != self.base or self.hyper is None):
            raise GessoError(
                "a card of a hidden vector: other weights made it than those loaded"
                if self.hyper is not None
                else "a card of a hidden vector: needs the weights that made it (--model)"
            )
        own = self.config
        try:
            config = Config(card.config["width"], own.hidden, card.config["upsample"])
        except KeyError as error:
            raise GessoError(f"a card whose configuration lacks {error}") from None
        net = GeneratedNet(config.width, config.upsample)
        load_exactly(net, self._generated(card) if generated else card.tensors, "style card")
        return net.to(self._place.device)

    def _generated(self, card: StyleCard) -> dict[str, Tensor]:
        network, hidden = self.network, card.tensors["hidden"].to(self._place.device)
        if hidden.shape != (network.groups * network.group,):
            raise GessoError(f"a card of a hidden vector of shape {list(hidden.shape)}")
        (kernels,) = network.kernels(hidden.unsqueeze(0))
        tensors = {f"shared.{name}": t for name, t in network.shared.state_dict().items()}
        return tensors | {f"kernels.{name}": kernel for name, kernel in kernels.items()}

    def neutral(self, content: ImageLike | None = None, like: StyleCard | None = None) -> StyleCard:
        """The content as its own style, which the paper calls the identity network; without a
        content the mean over the bundled ones. Of the kind of `like`."""
        pictures = [content] if content is not None else practice_images(None, None)
        hidden = torch.stack([self.hidden(picture) for picture in pictures]).mean(0)
        card = self._card(hidden, provenance())
        return self.with_kernels(card) if like is not None and not like.base else card

    def blends_with_neutral(self, card: StyleCard) -> bool:
        """Only with the weights that generated the card."""
        return self.hyper is not None and self.base == (card.base or card.config.get("start"))

    @torch.no_grad()
    def invent(self, count: int, seed: int = 0, uniform: bool = False) -> list[StyleCard]:
        """Cards of styles that no picture has: random hidden vectors, the same for the same seed.

        By default normally distributed with mean and covariance of the last styles of the
        training; with `uniform` as in the paper, every number drawn for itself, uniformly between
        its least and its greatest value among those styles.

        Raises:
            GessoError: fewer than 1 card, or weights too little trained to draw from.
        """
        if count < 1:
            raise GessoError(f"invent: {count} styles; allowed are numbers from 1")
        rows = self.network.drawn(count, torch.Generator().manual_seed(seed), uniform)
        settings = {"seed": seed, "uniform": uniform}
        cards = [self._card(row, provenance("invented")) for row in rows]
        for i, card in enumerate(cards):
            card.settings = {**settings, "number": i + 1}
        return cards


def _style_sizes(style_size: int | None, refine: int) -> list[int]:
    """Of the style in the pass and, if there are steps, while refining."""
    sizes = [STYLE_SIZE_PX, REFINED_STYLE_SIZE_PX] if refine else [STYLE_SIZE_PX]
    return sizes if style_size is None else [style_size] * len(sizes)


def _refining(refine: int, options: dict[str, Any]) -> FitConfig:
    if options.get("steps") is not None:
        raise GessoError("steps: meta_networks takes none, but one pass; refine adds some")
    if refine < 0:
        raise GessoError(f"refine: {refine} steps; allowed are numbers from 0")
    return fit_config(REFINING, {**options, "steps": refine})


def _on_cpu(net: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().cpu().clone() for name, value in net.state_dict().items()}
