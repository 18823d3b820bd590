"""MetaStyle (Zhang et al., AAAI 2019): a meta-learned start that any style is a few steps from."""

from __future__ import annotations

import time
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from torch import Tensor, nn

from gesso import assets
from gesso.cards.card import StyleCard, provenance
from gesso.disk.atomic import sha256_file
from gesso.errors import GessoError
from gesso.fitting.network import FitConfig, fit
from gesso.images.write import thumbnail_bytes
from gesso.losses.objectives import Objective
from gesso.methods.base import AdaptStep, EncoderSource, ImageLike, Method, OnStep
from gesso.methods.inputs import (
    Stylizer,
    as_image,
    enlarged,
    fit_config,
    load_exactly,
    practice_images,
)
from gesso.methods.metastyle.bilevel import InnerLoop, bilevel_losses
from gesso.methods.metastyle.reptile import reptile_losses
from gesso.nn import checkpoint
from gesso.nn.functional import compute_in, fast_dtype
from gesso.nn.pictures import resize
from gesso.nn.transfer import TransferNet, is_affine

STYLE_WEIGHT = 2.0  # while adapting: balances style gap and content distortion on unseen pairs
EVENNESS_WEIGHT = 25.0  # while adapting: takes moons out of walls and skies
STYLE_SIZE_PX = 512  # longer side of the style while adapting, as in the released code


@dataclass(frozen=True)
class Config:
    """What a MetaStyle start is made of; stored in its header."""

    width: int = 16  # 32 in the paper: 1,679,235 parameters
    objective: Objective = field(default_factory=Objective)
    inner: InnerLoop = field(default_factory=InnerLoop)
    reptile: int = 0  # Adam steps of the adaptations it is trained through; 0: Algorithm 1

    def as_header(self) -> dict[str, Any]:
        """JSON values."""
        return asdict(self)

    @classmethod
    def from_header(cls, values: dict[str, Any]) -> Config:
        """The inverse of `as_header`; raises GessoError for values that make no network."""
        try:
            objective = {**values["objective"], "levels": tuple(values["objective"]["levels"])}
            inner, reptile = InnerLoop(**values["inner"]), int(values.get("reptile", 0))
            config = cls(int(values["width"]), Objective(**objective), inner, reptile)
            if config.reptile < 0:
                raise ValueError(f"reptile {config.reptile}")
        except (KeyError, TypeError, ValueError) as error:
            raise GessoError(f"not the configuration of a MetaStyle start: {error!r}") from None
        if not 1 <= config.width <= 256:
            raise GessoError(f"a transfer network of width {config.width}: allowed are 1 to 256")
        return config


class MetaStyle(Method):
    """A transfer network at its meta-learned start, and the encoder that judges it."""

    name = "metastyle"
    polish = 8  # a second and a quarter at 512 px on two cores
    options = ("contents", "style_size", "content_size", *FitConfig.__dataclass_fields__)

    def __init__(
        self, encoder: EncoderSource, config: Config | None = None, base: str = ""
    ) -> None:
        super().__init__(encoder)
        self.config = config or Config()
        self.net = TransferNet(self.config.width)
        self.base = base  # SHA-256 of the start's file, which cards of γ and β alone need
        self.trained_steps = 0  # at which the inner rate had fallen to what `adapt` begins with

    @classmethod
    def load(cls, encoder: EncoderSource, weights: str | Path | None = None) -> Self:
        """The bundled start, or the one in a file that `gesso train metastyle` wrote."""
        path = Path(weights or assets.weights("metastyle"))
        tensors, header = checkpoint.load_file(path, kind="start")
        config = Config.from_header(header.get("config", {}))
        method = cls(encoder, config, str(header["sha256"]))
        method.trained_steps = _trained_steps(header)
        load_exactly(method.net, tensors, str(path))
        return method

    def losses(self, batch: dict[str, Tensor], step: int) -> dict[str, Tensor]:
        """Algorithm 1: the outer loss after the inner steps, exact to second order; or, by
        Reptile, the loss after an adaptation and the way back to it."""
        c = self.config
        if c.reptile:
            rate = c.inner.lr_at(step) if c.inner.steps else 0.0
            fit = replace(self.default_fit(), steps=c.reptile, inner_lr=rate)
            return reptile_losses(self.net, self.encoder, self.default_objective(), batch, fit)
        return bilevel_losses(self.net, self.encoder, c.objective, batch, c.inner, step)

    def adapt(
        self,
        style: ImageLike,
        contents: Sequence[ImageLike] | None = None,
        *,
        on_step: OnStep | None = None,
        objective: Objective | None = None,
        style_size: int = STYLE_SIZE_PX,
        content_size: int | None = None,
        **options: Any,
    ) -> StyleCard:
        """A few gradient steps from the start towards one style (the paper's "fast").

        Args:
            style: the picture whose style to take on; its longer side becomes `style_size` px.
            contents: what to practise on: the pictures to be stylized, at the size they will have
                (or with a longer side of `content_size` px). By default a small bundled set.
            on_step: told of every step and its losses.
            objective: what to minimise; by default `default_objective()`.
            options: fields of `gesso.fit.FitConfig` (steps, lr, only_affine, crop, batch, seed, …).

        Raises:
            GessoError: a picture that cannot be read, an option that makes no sense.
        """
        config = fit_config(self.default_fit(), options)
        began = time.monotonic()
        reference = enlarged(resize(as_image(style), style_size))
        practice = practice_images(contents, content_size)
        device = next(self.net.parameters()).device
        net = deepcopy(self.net)
        trace: list[float] = []

        def report(step: int, terms: dict[str, float]) -> None:
            trace.append(sum(terms.values()))
            if on_step is not None:
                on_step(AdaptStep(step, config.steps, terms))

        with compute_in(fast_dtype(device)):
            final = fit(
                net,
                self.encoder,
                objective or self.default_objective(),
                reference.to(device),
                [content.to(device) for content in practice],
                config,
                report,
            )
        source = style if isinstance(style, str | Path) else ""
        origin = provenance(
            source,
            sha256=sha256_file(source) if source else "",
            steps=config.steps,
            seconds=time.monotonic() - began,
            loss_before=trace[0],
            loss_after=sum(final.values()),
        )
        settings = {**asdict(config), "encoder": self.encoder.name}
        return self._card(net, config.only_affine, settings, origin, thumbnail_bytes(reference))

    def adapt_settings(
        self,
        *,
        objective: Objective | None = None,
        style_size: int = STYLE_SIZE_PX,
        content_size: int | None = None,
        **options: Any,
    ) -> dict[str, Any]:
        """`FitConfig`, objective and sizes as `adapt` would use them."""
        return {
            **asdict(fit_config(self.default_fit(), options)),
            "objective": asdict(objective or self.default_objective()),
            "style_size": style_size,
            "content_size": content_size,
        }

    def default_objective(self) -> Objective:
        """What `adapt` minimises: the start's objective, with more weight on the style and some on
        evenness; one that is not relative as it is, for its weights are in other units."""
        if not self.config.objective.relative:
            return self.config.objective
        return replace(
            self.config.objective, style_weight=STYLE_WEIGHT, evenness_weight=EVENNESS_WEIGHT
        )

    def default_fit(self) -> FitConfig:
        """The settings `adapt` starts from."""
        inner = self.config.inner
        if not inner.steps:
            return FitConfig()
        return FitConfig(
            inner_lr=inner.lr_at(self.trained_steps),
            inner_steps=inner.steps,
            inner_logarithm=inner.logarithm,
        )

    def _card(
        self,
        net: nn.Module,
        only_affine: bool,
        settings: dict[str, Any],
        origin: dict[str, Any],
        thumbnail: bytes | None = None,
    ) -> StyleCard:
        tensors = {
            name: value.detach().cpu()
            for name, value in net.state_dict().items()
            if is_affine(name) or not only_affine
        }
        return StyleCard(
            method=self.name,
            tensors=tensors,
            # Whole networks blend only when they descend from the same start.
            config={"width": self.config.width, "start": self.base},
            settings=settings,
            base=self.base if only_affine else "",
            thumbnail=thumbnail,
            provenance=origin,
        )

    def stylizer(self, card: StyleCard) -> Stylizer:
        """The card's network. Raises GessoError for a card of another method, width or start."""
        if card.method != self.name:
            raise GessoError(f"a card of method {card.method}: {self.name} cannot run it")
        if card.base and card.base != self.base:
            raise GessoError(
                "a card of γ and β alone: it completes another start than the one loaded"
            )
        net = TransferNet(Config.from_header({**self.config.as_header(), **card.config}).width)
        tensors = {**self.net.state_dict(), **card.tensors} if card.base else card.tensors
        load_exactly(net, tensors, "style card")
        return Stylizer(net.to(next(self.net.parameters()).device))

    def neutral(self, content: ImageLike | None = None, like: StyleCard | None = None) -> StyleCard:
        """The start itself, style-neutral (γ and β alone if `like` is such a card)."""
        return self._card(self.net, bool(like and like.base), {}, provenance())


def _trained_steps(header: dict[str, Any]) -> int:
    """Iterations of the run that wrote a start; 0 where its header does not say."""
    trained = header.get("trained")
    steps = trained.get("steps", 0) if isinstance(trained, dict) else 0
    return steps if type(steps) is int and steps >= 0 else 0
