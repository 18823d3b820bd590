"""Whose colours a picture has: matched to another's, or with only its luminance taken over.

After Gatys, Bethge, Hertzmann & Shechtman, "Preserving Color in Neural Artistic Style Transfer"
(2016). Pictures are (3, H, W) or (B, 3, H, W), sRGB-encoded RGB in [0, 1], as everywhere.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

import torch
from torch import Tensor

from gesso.controls.options import COLORS, Color
from gesso.errors import OptionError
from gesso.stylizers.progress import OnStep
from gesso.stylizers.stylizer import Stylizer

log = logging.getLogger(__name__)

LUMA = (0.299, 0.587, 0.114)  # Y of YIQ, the colour space of the paper (ITU-R BT.601)
NOISE = (2 / 255) ** 2  # a variance; two grey levels of deviation are a file's noise, not colour


def checked_color(word: str) -> Color:
    """`word`, if it is one of COLORS; raises OptionError if not."""
    for color in COLORS:
        if word == color:
            return color
    raise OptionError("color", f"{word} is unknown; allowed are {', '.join(COLORS)}")


@dataclass(frozen=True)
class Colors:
    """The mean (3,) of a picture's colours and their covariance (3, 3), float64 on the CPU."""

    mean: Tensor
    covariance: Tensor

    @classmethod
    def of(cls, image: Tensor) -> Colors:
        """The colours of all pixels of (3, H, W) or (B, 3, H, W)."""
        pixels = image.detach().cpu().double().movedim(-3, 0).reshape(3, -1)
        mean = pixels.mean(1)
        away = pixels - mean.unsqueeze(1)
        return cls(mean, away @ away.T / pixels.shape[1])

    def numbers(self) -> list[float]:
        """Both in one row, rounded to 1e-6: part of a cached card's key."""
        return [round(float(n), 6) for n in torch.cat([self.mean, self.covariance.flatten()])]

    def transform(self, target: Colors) -> tuple[Tensor, Tensor]:
        """A (3, 3) and b (3,): colours A·x + b have mean and covariance of `target`.

        This is CORAL, A = Σt^½ Σ^-½ by eigendecomposition (the paper's "image analogies" choice).
        Where these colours vary by less than NOISE, as all but the luminance of a grey picture do,
        they are not spread any further, and reach less than the target's covariance.
        """
        spread = _power(target.covariance, 0.5) @ _power(self.covariance, -0.5)
        return spread, target.mean - spread @ self.mean


def _power(covariance: Tensor, exponent: float) -> Tensor:
    """A symmetric matrix to a power; where they would divide, eigenvalues are at least NOISE."""
    values, vectors = torch.linalg.eigh(covariance)
    least = NOISE if exponent < 0 else 0.0
    powers: Tensor = values.clamp(min=least) ** exponent
    root: Tensor = vectors @ powers.diag() @ vectors.T
    return root


def match_colors(image: Tensor, like: Tensor, clip: bool = True) -> Tensor:
    """`image` with the colours' mean and covariance of `like`: CORAL, a linear map of the colours.

    Colours that leave [0, 1] are clipped, which moves mean and covariance a little (the share of
    clipped values is logged); with `clip` False they stay as they are, and the match is exact.
    """
    spread, shift = Colors.of(image).transform(Colors.of(like))
    spread, shift = spread.to(image), shift.to(image)
    matched = torch.einsum("ij,...jhw->...ihw", spread, image) + shift.reshape(3, 1, 1)
    if not clip:
        return matched
    outside = float(((matched < 0) | (matched > 1)).float().mean())
    log.info("colours matched; %.1f %% of the values were clipped to [0, 1]", 100 * outside)
    return matched.clamp(0, 1)


def luminance(image: Tensor) -> Tensor:
    """(…, 1, H, W) of (…, 3, H, W), in [0, 1]."""
    weights = torch.tensor(LUMA, dtype=image.dtype, device=image.device).reshape(3, 1, 1)
    return (weights * image).sum(-3, keepdim=True)


def grey(image: Tensor) -> Tensor:
    """`image` without its colours: three equal channels of its luminance."""
    return luminance(image).expand_as(image).contiguous()


def match_luminance(image: Tensor, like: Tensor) -> Tensor:
    """The luminance of `image` (…, 1, H, W), shifted and scaled to that of `like` in mean and
    deviation (the paper, section 5); clipped to [0, 1]."""
    own, target = luminance(image), luminance(like)
    deviation = own.std(correction=0).clamp(min=NOISE**0.5)
    matched = (own - own.mean()) * (target.std(correction=0) / deviation) + target.mean()
    return matched.clamp(0, 1)


def with_luminance(image: Tensor, light: Tensor) -> Tensor:
    """The colours of `image` at the luminance `light` (…, 1, H, W).

    In YIQ that adds the same to R, G and B. Where the result would leave [0, 1] its saturation
    falls until it fits: luminance and hue stay.
    """
    light = light.clamp(0, 1)
    chroma = image - luminance(image)
    room = torch.where(chroma > 0, 1 - light, light) / chroma.abs().clamp(min=1e-6)
    kept = room.amin(-3, keepdim=True).clamp(max=1)
    return (light + kept * chroma).clamp(0, 1)


def recolored(style: Tensor, photo: Tensor, color: Color) -> Tensor:
    """A style picture (3, h, w) as it is adapted to, to keep the colours of `photo` (3, H, W):
    matched to them (content), or grey, with the luminance matched (luminance)."""
    if color == "content":
        return match_colors(style, photo)
    if color == "luminance":
        return match_luminance(style, photo).expand_as(style).contiguous()
    return style


def with_color(stylizer: Stylizer, color: Color, matched: bool) -> Stylizer:
    """A stylizer that keeps the contents' colours.

    Args:
        stylizer: what makes the pictures.
        color: style leaves it as it is; content matches every result's colours to its content's;
            luminance stylizes the content without its colours and puts them back.
        matched: the style itself was `recolored`, so that the result needs no further matching.
    """
    if color == "style" or (color == "content" and matched):
        return stylizer

    def content_colors(contents: Tensor, on_step: OnStep | None) -> Tensor:
        pairs = zip(stylizer(contents, on_step), contents, strict=True)
        return torch.stack([match_colors(picture, content) for picture, content in pairs])

    def content_chroma(contents: Tensor, on_step: OnStep | None) -> Tensor:
        pictures = stylizer(grey(contents), on_step)
        pairs = zip(pictures, contents, strict=True)
        light = [luminance(p) if matched else match_luminance(p, c) for p, c in pairs]
        return with_luminance(contents, torch.stack(light))

    run = content_colors if color == "content" else content_chroma
    return Stylizer(run, why_none="gives every picture its photo's colours")
