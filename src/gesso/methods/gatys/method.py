"""Gatys et al. (CVPR 2016): every picture is optimised by itself, slowly; the yardstick."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from gesso.cards.card import StyleCard, provenance
from gesso.errors import GessoError
from gesso.fitting.picture import OnTerms, Start, optimise
from gesso.losses.objectives import Objective
from gesso.losses.terms import grams
from gesso.methods.adapted import Adapted
from gesso.methods.base import ImageLike, Method, OnStep, Style
from gesso.methods.gatys.about import ABOUT, INITS, Options
from gesso.methods.gatys.settings import (
    as_header,
    check,
    descent,
    from_header,
    gram_scale,
    objective_for,
)
from gesso.methods.inputs import as_image, enlarged, practice_images
from gesso.methods.registry import load_class
from gesso.nn.masks import part
from gesso.nn.precision import compute_in
from gesso.stylizers.begun import Begun
from gesso.stylizers.progress import in_batch
from gesso.stylizers.stylizer import Stylizer


class Gatys(Method):
    """No network of its own: an encoder, and a descent on the pixels."""

    about = ABOUT

    def chosen(self, options: Any = None, changes: Any = None) -> Any:
        """The options with some changed, checked. Raises OptionError."""
        return check(super().chosen(options, changes))

    def practises(self, options: Any = None, **changes: Any) -> bool:
        """Only to begin with another method's picture."""
        return self.chosen(options, changes).init not in INITS

    def adapt_settings(self, options: Any = None, **changes: Any) -> dict[str, Any]:
        """The options, and those of the other method that makes the first pictures."""
        chosen = self.chosen(options, changes)
        settings = super().adapt_settings(chosen)
        if chosen.init not in INITS:
            first = self._first(chosen.init)
            settings["first"] = {"base": first.base, "settings": first.adapt_settings()}
        return settings

    def _adapt(
        self, style: Style, contents: list[Tensor], options: Options, on_step: OnStep | None
    ) -> Adapted:
        """Encode the style's Gram matrices; the work is the stylizer's."""
        tensors = self._mean_grams([style.at(options.style_size)], options, style.mask)
        made = Adapted(tensors, self._config(options))
        if options.init not in INITS:
            first = self._first(options.init)
            known = {"seed": options.seed} if hasattr(first.chosen(), "seed") else {}
            how = first.chosen(None, known)
            card = first.adapt(
                *(style.picture, contents, how),
                style_mask=style.mask,
                on_step=on_step,
                vectors=False,
            )
            made.settings["init"], made.steps = card.settings, card.provenance.get("steps")
            _put_first(made.tensors, made.config, card)
        return made

    def _config(self, options: Options) -> dict[str, Any]:
        encoder = {"encoder": self.encoder.name, "encoder_sha256": self.encoder.identity}
        return {**as_header(options), **encoder}

    def stylizer(self, card: StyleCard, start: Start | None = None) -> Stylizer:
        """A stylizer that optimises every content it is given.

        Args:
            card: one made with this method's encoder.
            start: any stylizer, whose pictures to begin with instead of the card's `init`.

        Raises:
            GessoError: a card of another method or encoder, or a damaged one.
        """
        whole = super().stylizer(card)
        return whole if start is None else self._begun_with(card, start)

    def _stylizer(self, card: StyleCard) -> Stylizer:
        return self._begun_with(card, self._start(card, from_header(card.config)))

    def _begun_with(self, card: StyleCard, start: Start) -> Stylizer:
        options = from_header(card.config)
        self._check_card(card)
        objective = objective_for(options, self.encoder)
        target, how = self._target(card, objective), descent(options)

        def one(content: Tensor, heard: OnTerms | None) -> Tensor:
            place, begun = content.to(self.place), Begun()
            fewer = replace(how, steps=begun.steps(how.steps))

            def first(small: Tensor) -> Tensor:
                return begun(start(small))

            made = optimise(place, first, self.encoder, objective, target, fewer, heard)
            return begun.keep(made)

        def run(contents: Tensor, on_step: OnStep | None) -> Tensor:
            rows = [  # one after the other, so that none depends on its neighbours
                one(content.unsqueeze(0), in_batch(on_step, number, len(contents)))
                for number, content in enumerate(contents)
            ]
            return torch.cat(rows).to(contents.device)

        return Stylizer(run, why_none="optimises every picture by itself")

    @torch.no_grad()
    def neutral(self, content: ImageLike | None = None, like: StyleCard | None = None) -> StyleCard:
        """The content as its own style; without a content the mean over the bundled ones."""
        options = from_header(like.config) if like is not None else Options()
        pictures = [as_image(content)] if content is not None else practice_images(None, None)
        tensors = self._mean_grams([enlarged(p) for p in pictures], options)
        card = StyleCard(self.name, tensors, self._config(options), provenance=provenance())
        if options.init not in INITS and like is not None:
            first = self._first(options.init).neutral(content, like=_first_card(like))
            _put_first(card.tensors, card.config, first)
        return card

    def blends_with_neutral(self, card: StyleCard) -> bool:
        """Gram matrices always do; another method's card inside need not."""
        options = from_header(card.config)
        return options.init in INITS or self._first(options.init).blends_with_neutral(
            _first_card(card)
        )

    @torch.no_grad()
    def _mean_grams(
        self, pictures: Sequence[Tensor], options: Options, mask: Tensor | None = None
    ) -> dict[str, Tensor]:
        """The mean Gram matrices of pictures (3, H, W), where a mask (h, w) is on, as a card holds
        them; computed in float32, since they are what others are measured by."""
        levels = objective_for(options, self.encoder).style_levels
        total: dict[str, Tensor] = {}
        for picture in pictures:
            with compute_in(torch.float32):
                found = self.encoder(picture.unsqueeze(0).to(self.place), levels)
            features = {level: part(x, mask) for level, x in found.items()}
            for level, matrix in grams(features, levels).items():
                share = matrix[0].cpu() * (gram_scale(self.encoder) / len(pictures))
                total[f"gram.{level}"] = total.get(f"gram.{level}", 0) + share
        return total

    def _target(self, card: StyleCard, objective: Objective) -> dict[str, Tensor]:
        levels = objective.style_levels
        with torch.no_grad():
            blank = torch.zeros(1, 3, 64, 64, device=self.place)
            expected = grams(self.encoder(blank, levels), levels)
        target = {}
        for level, like in expected.items():
            found = card.tensors.get(f"gram.{level}", torch.empty(0))
            if found.shape != like.shape[1:]:
                raise GessoError(f"a card without a Gram matrix of {level} for this encoder")
            target[level] = found.unsqueeze(0).to(self.place) / gram_scale(self.encoder)
        return target

    def _start(self, card: StyleCard, options: Options) -> Start:
        if options.init == "content":
            return lambda content: content
        if options.init == "noise":
            return lambda content: _noise(content, options.seed)
        return self._first(options.init).stylizer(_first_card(card))

    def _first(self, name: str) -> Method:
        """The method whose pictures are begun with; it sees with this one's encoder."""
        return load_class(name).load(lambda: self.encoder).to(self.place)

    def _check_card(self, card: StyleCard) -> None:
        own, found = self.encoder, card.config
        if found.get("encoder_sha256") != own.identity:
            made = f"{found.get('encoder')} ({str(found.get('encoder_sha256'))[:12]}…)"
            raise GessoError(
                f"a card made with the encoder {made}: the one loaded, {own.name} "
                f"({own.identity[:12]}…), cannot run it"
            )


def _noise(content: Tensor, seed: int) -> Tensor:
    """White noise, as in the paper; drawn on the CPU, so that it is the same on every device."""
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(content.shape, generator=generator).to(content.device)


def _put_first(tensors: dict[str, Tensor], config: dict[str, Any], first: StyleCard) -> None:
    """Put another method's card inside: a Gatys card is whole."""
    tensors |= {f"first.{name}": tensor for name, tensor in first.tensors.items()}
    config["first"] = {"method": first.method, "config": first.config, "base": first.base}


def _first_card(card: StyleCard) -> StyleCard:
    try:
        first = card.config["first"]
        method, config, base = first["method"], first["config"], first["base"]
    except (KeyError, TypeError):
        raise GessoError("a card that lacks the one its pictures begin with") from None
    prefix = "first."
    tensors = {n[len(prefix) :]: t for n, t in card.tensors.items() if n.startswith(prefix)}
    return StyleCard(str(method), tensors, dict(config), base=str(base))
