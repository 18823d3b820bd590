"""Gatys et al. (CVPR 2016): every picture is optimised by itself, slowly; the yardstick."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn

from gesso.cards.card import StyleCard, provenance
from gesso.disk.atomic import sha256_file
from gesso.encoders.base import Encoder
from gesso.encoders.vgg import DEEPEST
from gesso.errors import GessoError
from gesso.fitting.picture import Start, optimise
from gesso.images.write import thumbnail_bytes
from gesso.losses.objectives import Objective, grams
from gesso.methods.base import AdaptStep, EncoderSource, ImageLike, Method, OnStep
from gesso.methods.gatys.settings import INITS, Config, gram_scale, objective_for
from gesso.methods.inputs import as_image, enlarged, practice_images
from gesso.methods.registry import load_class
from gesso.nn.pictures import resize

STYLE_SIZE_PX = 512  # longer side of the style, as for MetaStyle


class Gatys(Method):
    """No network of its own: an encoder, and a descent on the pixels."""

    name = "gatys"
    options = ("contents", "style_size", *Config.__dataclass_fields__)
    deepest = DEEPEST
    runs_encoder = True
    neutral_of_content = True
    _place: Tensor

    def __init__(self, encoder: EncoderSource) -> None:
        super().__init__(encoder)
        self.register_buffer("_place", torch.empty(0), persistent=False)  # tells the device

    @classmethod
    def load(cls, encoder: EncoderSource, weights: str | Path | None = None) -> Self:
        """The method; raises GessoError for weights, as it has none."""
        if weights is not None:
            raise GessoError(f"weights {weights}: method {cls.name} has none; its encoder has")
        return cls(encoder)

    def practises(self, **options: Any) -> bool:
        """Only to begin with another method's picture."""
        return options.get("init") not in (None, *INITS)

    def adapt(
        self,
        style: ImageLike,
        contents: Sequence[ImageLike] | None = None,
        *,
        on_step: OnStep | None = None,
        style_size: int = STYLE_SIZE_PX,
        **options: Any,
    ) -> StyleCard:
        """Encode the style's Gram matrices; the work is the stylizer's.

        Args:
            style: the picture; its longer side becomes `style_size` px, which sets the size of
                its strokes in the results.
            contents: what another method that makes the first pictures practises on.
            on_step: told of that method's steps.
            options: fields of `Config`.

        Raises:
            GessoError: a picture that cannot be read, an option that makes no sense, an objective
                that the encoder does not serve.
        """
        config = Config.of(options)
        began = time.monotonic()
        picture = as_image(style)
        reference = enlarged(resize(picture, style_size))
        card = self._card(self._grams([reference], config), config)
        steps = None
        if config.init not in INITS:
            first = self._first(config.init)
            known = {"seed": config.seed} if "seed" in first.options else {}
            made = first.adapt(picture, contents, on_step=on_step, **known)
            _add_first(card, made)
            card.settings["init"] = made.settings
            steps = made.provenance.get("steps")
        source = style if isinstance(style, str | Path) else ""
        card.provenance = provenance(
            source,
            sha256=sha256_file(source) if source else "",
            steps=steps,  # of adaptation; those of the descent are the stylizer's
            seconds=time.monotonic() - began,
        )
        card.settings["style_size"] = style_size
        card.thumbnail = thumbnail_bytes(reference)
        return card

    def adapt_settings(self, *, style_size: int = STYLE_SIZE_PX, **options: Any) -> dict[str, Any]:
        """`Config` and sizes as `adapt` would use them, and another method's that it calls."""
        config = Config.of(options)
        settings: dict[str, Any] = {**config.as_header(), "style_size": style_size}
        if config.init not in INITS:
            first = self._first(config.init)
            settings["first"] = {"base": first.base, "settings": first.adapt_settings()}
        return settings

    def stylizer(self, card: StyleCard, start: Start | None = None) -> Stylizer:
        """A module that optimises every content it is given; its `on_step` is told of the steps.

        Args:
            card: one made with this method's encoder.
            start: any stylizer, whose pictures to begin with instead of the card's `init`.

        Raises:
            GessoError: a card of another method or encoder, or a damaged one.
        """
        if card.method != self.name:
            raise GessoError(f"a card of method {card.method}: {self.name} cannot run it")
        config = Config.from_header(card.config)
        self._check_encoder(card)
        objective = objective_for(config, self.encoder)
        target = self._target(card, objective)
        begin = start or self._start(card, config)
        module = Stylizer(self.encoder, objective, target, config, begin).to(self._place.device)
        module.on_step = self.on_step
        return module

    @torch.no_grad()
    def neutral(self, content: ImageLike | None = None, like: StyleCard | None = None) -> StyleCard:
        """The content as its own style; without a content the mean over the bundled ones."""
        config = Config.from_header(like.config) if like is not None else Config()
        pictures = [as_image(content)] if content is not None else practice_images(None, None)
        card = self._card(self._grams([enlarged(p) for p in pictures], config), config)
        if config.init not in INITS and like is not None:
            _add_first(card, self._first(config.init).neutral(content, like=_first_card(like)))
        return card

    def blends_with_neutral(self, card: StyleCard) -> bool:
        """Gram matrices always do; another method's card inside need not."""
        config = Config.from_header(card.config)
        return config.init in INITS or self._first(config.init).blends_with_neutral(
            _first_card(card)
        )

    def _card(self, tensors: dict[str, Tensor], config: Config) -> StyleCard:
        encoder = {"encoder": self.encoder.name, "encoder_sha256": self.encoder.identity}
        return StyleCard(self.name, tensors, {**config.as_header(), **encoder})

    @torch.no_grad()
    def _grams(self, pictures: list[Tensor], config: Config) -> dict[str, Tensor]:
        """The mean Gram matrices of pictures (3, H, W), as a card holds them."""
        levels = objective_for(config, self.encoder).style_levels
        total: dict[str, Tensor] = {}
        for picture in pictures:
            features = self.encoder(picture.unsqueeze(0).to(self._place.device), levels)
            for level, matrix in grams(features, levels).items():
                share = matrix[0].cpu() * (gram_scale(self.encoder) / len(pictures))
                total[f"gram.{level}"] = total.get(f"gram.{level}", 0) + share
        return total

    def _target(self, card: StyleCard, objective: Objective) -> dict[str, Tensor]:
        levels = objective.style_levels
        with torch.no_grad():
            blank = torch.zeros(1, 3, 64, 64, device=self._place.device)
            expected = grams(self.encoder(blank, levels), levels)
        target = {}
        for level, like in expected.items():
            found = card.tensors.get(f"gram.{level}", torch.empty(0))
            if found.shape != like.shape[1:]:
                raise GessoError(f"a card without a Gram matrix of {level} for this encoder")
            target[level] = found.unsqueeze(0) / gram_scale(self.encoder)
        return target

    def _start(self, card: StyleCard, config: Config) -> Start:
        if config.init == "content":
            return lambda content: content
        if config.init == "noise":
            return lambda content: _noise(content, config.seed)
        return self._first(config.init).stylizer(_first_card(card))

    def _first(self, name: str) -> Method:
        """The method whose pictures are begun with; it sees with this one's encoder."""
        return load_class(name).load(lambda: self.encoder).to(self._place.device)

    def _check_encoder(self, card: StyleCard) -> None:
        own, found = self.encoder, card.config
        if found.get("encoder_sha256") != own.identity:
            made = f"{found.get('encoder')} ({str(found.get('encoder_sha256'))[:12]}…)"
            raise GessoError(
                f"a card made with the encoder {made}: the one loaded, {own.name} "
                f"({own.identity[:12]}…), cannot run it"
            )


class Stylizer(nn.Module):
    """Contents (B, 3, H, W) → optimised pictures of the same shape, one after the other, so that
    none depends on its neighbours; any H and W."""

    def __init__(
        self,
        encoder: Encoder,
        objective: Objective,
        style: dict[str, Tensor],
        config: Config,
        start: Callable[[Tensor], Tensor],
    ) -> None:
        super().__init__()
        self.encoder, self.objective, self.config, self.start = encoder, objective, config, start
        self.levels = list(style)
        for i, matrix in enumerate(style.values()):
            self.register_buffer(f"gram{i}", matrix)
        self.on_step: OnStep | None = None

    def forward(self, content: Tensor) -> Tensor:
        style = {level: getattr(self, f"gram{i}") for i, level in enumerate(self.levels)}
        device = next(self.encoder.parameters()).device
        count = len(content)

        def one(i: int) -> Tensor:
            def told(step: int, steps: int, losses: dict[str, float]) -> None:
                if self.on_step is not None:
                    self.on_step(AdaptStep(i * steps + step, count * steps, losses))

            picture = content[i : i + 1].to(device)
            return optimise(
                picture, self.start, self.encoder, self.objective, style, self.config,
                None if self.on_step is None else told,
            )  # fmt: skip

        return torch.cat([one(i) for i in range(count)]).to(content.device)


def _noise(content: Tensor, seed: int) -> Tensor:
    """White noise, as in the paper; drawn on the CPU, so that it is the same on every device."""
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(content.shape, generator=generator).to(content.device)


def _add_first(card: StyleCard, first: StyleCard) -> None:
    """Put another method's card inside: a Gatys card is whole."""
    card.tensors |= {f"first.{name}": tensor for name, tensor in first.tensors.items()}
    card.config["first"] = {"method": first.method, "config": first.config, "base": first.base}


def _first_card(card: StyleCard) -> StyleCard:
    try:
        first = card.config["first"]
        method, config, base = first["method"], first["config"], first["base"]
    except (KeyError, TypeError):
        raise GessoError("a card that lacks the one its pictures begin with") from None
    prefix = "first."
    tensors = {n[len(prefix) :]: t for n, t in card.tensors.items() if n.startswith(prefix)}
    return StyleCard(str(method), tensors, dict(config), base=str(base))
