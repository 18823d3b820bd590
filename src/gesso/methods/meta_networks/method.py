"""Meta Networks (Shen et al., CVPR 2018): one pass turns a style into a whole transfer network."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import asdict, replace
from typing import Any, Self

import torch
from torch import Tensor

from gesso.cards.card import StyleCard, provenance
from gesso.encoders.levels import LEVELS
from gesso.errors import GessoError, OptionError
from gesso.fitting.network import fit_network, style_target
from gesso.graphs.graph import Graph, Name
from gesso.losses.matched import ForNetworks, MatchingObjective
from gesso.losses.objectives import UnboundedObjective
from gesso.losses.terms import Features
from gesso.methods.adapted import Adapted, reporter, tensors_of
from gesso.methods.base import Encoders, ImageLike, Method, OnStep, Style
from gesso.methods.inputs import load_exactly, practice_images
from gesso.methods.meta_networks.about import (
    ABOUT,
    PASS_STYLE_SIZE_PX,
    REFINED_STYLE_SIZE_PX,
    Options,
)
from gesso.methods.meta_networks.factorised import multiplied
from gesso.methods.meta_networks.generated import GeneratedNet
from gesso.methods.meta_networks.hypernetwork import (
    Config,
    HyperNetwork,
    meta_losses,
    style_statistics,
)
from gesso.nn.precision import compute_in, fast_dtype
from gesso.stylizers.any_style import AnyStyle
from gesso.stylizers.stylizer import Stylizer, of_network

__all__ = ["Config", "MetaNetworks"]

REFINED: dict[str, ForNetworks] = {  # Gram matrices say more than means
    "relative": UnboundedObjective(style_weight=1.2, tv_weight=1.0),
    "matching": MatchingObjective(
        rest=UnboundedObjective(content_weight=0.0, style_weight=0.1, evenness_weight=25.0)
    ),
}


class MetaNetworks(Method):
    """A hypernetwork and the encoder whose statistics it reads."""

    about = ABOUT
    thumbnail_bytes = 1900  # so that a card stays below 8 kB, or 230 kB with its kernels

    def __init__(self, encoder: Encoders, config: Config, base: str = "") -> None:
        super().__init__(encoder, base)
        self.config = config
        self.network: HyperNetwork = config.build()

    @classmethod
    def from_weights(
        cls, encoder: Encoders, tensors: dict[str, Tensor], header: dict[str, Any], source: str
    ) -> Self:
        """The method with weights that `gesso train meta_networks` wrote."""
        method = cls(encoder, Config.from_header(header.get("config", {})), str(header["sha256"]))
        load_exactly(method.network, multiplied(tensors, method.network.state_dict()), source)
        return method

    def losses(self, batch: dict[str, Tensor], step: int) -> dict[str, Tensor]:
        """Algorithm 1: the generated networks' objective on a batch of contents and styles."""
        c = self.config
        weights = c.spike_weight, c.match_weight
        return meta_losses(self.network, self.encoder, c.objective, batch, *weights)

    def practises(self, options: Any = None, **changes: Any) -> bool:
        """Only to refine."""
        return bool(self.chosen(options, changes).refine)

    def style_size(self, options: Options) -> int:
        """The size for the pass, or for refining where there is some."""
        if options.style_size is not None:
            return options.style_size
        return REFINED_STYLE_SIZE_PX if options.refine else PASS_STYLE_SIZE_PX

    def hidden(self, image: ImageLike, style_size: int = PASS_STYLE_SIZE_PX) -> Tensor:
        """The hidden vector (14·128,) of a picture (3, H, W) in [0, 1], or of a file's.

        Raises:
            GessoError: a picture that cannot be read; an encoder other than the trained one.
        """
        self.check_encoder()
        style = Style(image, style_size, self.encoder, self.place)
        return self._hidden(style.features(style_size, LEVELS))

    @torch.no_grad()
    def _hidden(self, features: Features) -> Tensor:
        statistics = style_statistics(features, LEVELS)
        if statistics.shape[1] != self.network.encode.in_features:
            raise GessoError(
                f"encoder {self.encoder.name}: {statistics.shape[1]} statistics, these weights "
                f"take {self.network.encode.in_features}: another encoder was trained with"
            )
        return self.network.hidden(statistics)[0]

    def _adapt(
        self, style: Style, contents: list[Tensor], options: Options, on_step: OnStep | None
    ) -> Adapted:
        """One pass of encoder and hypernetwork, and the steps of `refine` on all the generated
        network's weights."""
        size = options.style_size or PASS_STYLE_SIZE_PX
        card = self._hidden_card(self._hidden(style.of_part(size, LEVELS)))
        if options.kernels or options.refine:
            card = self.with_kernels(card)
        if options.refine:
            reference = style.at(self.style_size(options))
            return self._refined(card, reference, contents, options, on_step)
        return Adapted(card.tensors, card.config, base=card.base)

    def refined(
        self,
        card: StyleCard,
        style: ImageLike,
        contents: Sequence[ImageLike] | None = None,
        options: Options | None = None,
        *,
        on_step: OnStep | None = None,
        **changes: Any,
    ) -> StyleCard:
        """A card of the network of `card`, after `refine` gradient steps on all its weights.

        Args:
            card: where to begin: `adapt`'s, a mixed or an invented one.
            style: the picture to come closer to.
            contents: what to practise on; by default a small bundled set.
            options, changes: as for `adapt`; by default 20 steps.

        Raises:
            GessoError: a card of another method or other weights, a picture that cannot be read.
        """
        known = options is not None and options.refine > 0
        chosen = self.chosen(options, changes if known else {"refine": 20, **changes})
        size = self.style_size(chosen)
        found = Style(style, size, self.encoder, self.place)
        pictures = [c.to(self.place) for c in practice_images(contents, chosen.content_size)]
        whole = self.with_kernels(card)
        with compute_in(fast_dtype(self.place)):
            made = self._refined(whole, found.at(size), pictures, chosen, on_step)
        before, after = made.losses or (None, None)
        origin = provenance(steps=made.steps, loss_before=before, loss_after=after)
        return replace(
            whole,
            tensors=made.tensors,
            settings={**whole.settings, **asdict(chosen)},
            provenance={**origin, **whole.provenance, **origin},
        ).rounded()

    def _refined(
        self,
        card: StyleCard,
        reference: Tensor,
        contents: list[Tensor],
        options: Options,
        on_step: OnStep | None,
    ) -> Adapted:
        net = self._net(card).requires_grad_(True)
        objective, trace = REFINED[options.objective], list[float]()
        final = fit_network(
            *(net, self.encoder, objective, style_target(self.encoder, objective, reference)),
            *(contents, options, options.refine),
            on_step=reporter(options.refine, on_step, trace),
        )
        losses = trace[0], sum(final.values())
        return Adapted(tensors_of(net), card.config, losses=losses, steps=options.refine)

    def _hidden_card(self, hidden: Tensor) -> StyleCard:
        c = self.config
        config = {"width": c.width, "hidden": c.hidden, "upsample": c.upsample}
        tensors = {"hidden": hidden.cpu()}
        return StyleCard(self.name, tensors, config, base=self.base, provenance=provenance())

    def with_kernels(self, card: StyleCard) -> StyleCard:
        """A card of a hidden vector as one of the whole network it generates.

        Raises:
            GessoError: a card of another method or other weights.
        """
        if "hidden" not in card.tensors:
            return card
        self.stylizer(card)  # which refuses a card that cannot be run
        # Whole networks blend when the same weights generated them, hence "start".
        config = {"width": card.config["width"], "upsample": card.config["upsample"]}
        whole = deepcopy(card)
        whole.tensors, whole.base = tensors_of(self._net(card)), ""
        whole.config = {**config, "start": self.base}
        return whole

    def _stylizer(self, card: StyleCard) -> Stylizer:
        return of_network(self._net(card))

    def any_style(self) -> AnyStyle:
        """Encoder and hypernetwork, and the network that they generate the kernels of."""
        self.check_encoder()

        def style(g: Graph, picture: Name) -> dict[str, Name]:
            return self.network.written(g, self.encoder.written(g, picture, LEVELS))

        shared, shapes = self.network.shared, self.network.shapes
        size = PASS_STYLE_SIZE_PX
        return AnyStyle(style, shared.written, shapes, style_size=size, neutral_size=size)

    @torch.no_grad()
    def _net(self, card: StyleCard) -> GeneratedNet:
        try:
            width, upsample = card.config["width"], card.config["upsample"]
        except KeyError as error:
            raise GessoError(f"a card whose configuration lacks {error}") from None
        config = Config(width, self.config.hidden, upsample)
        net = GeneratedNet(config.width, config.upsample)
        generated = "hidden" in card.tensors
        load_exactly(net, self._generated(card) if generated else card.tensors, "style card")
        return net.to(self.place)

    def _generated(self, card: StyleCard) -> dict[str, Tensor]:
        network, hidden = self.network, card.tensors["hidden"].to(self.place)
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
        card = self._hidden_card(hidden)
        return self.with_kernels(card) if like is not None and not like.base else card

    def blends_with_neutral(self, card: StyleCard) -> bool:
        """Only with the weights that generated the card."""
        return self.base == (card.base or card.config.get("start"))

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
            raise OptionError("count", f"{count} styles; allowed are numbers from 1")
        rows = self.network.drawn(count, torch.Generator().manual_seed(seed), uniform)
        cards = [self._hidden_card(row).rounded() for row in rows]
        for number, card in enumerate(cards, start=1):
            card.settings = {"seed": seed, "uniform": uniform, "number": number}
            card.provenance = provenance("invented")
        return cards
