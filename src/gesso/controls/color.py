"""Whose colours a picture has: matched to another's, or with only its luminance taken over.

After Gatys, Bethge, Hertzmann & Shechtman, "Preserving Color in Neural Artistic Style Transfer"
(2016). Pictures are (3, H, W) or (B, 3, H, W), sRGB-encoded RGB in [0, 1], as everywhere.
"""

from __future__ import annotations

import logging

import torch
from torch import Tensor

from gesso.controls.options import COLORS, Color
from gesso.errors import OptionError
from gesso.nn.colors import NOISE, Colors
from gesso.nn.pictures import luminance
from gesso.stylizers.progress import OnStep
from gesso.stylizers.stylizer import Stylizer

log = logging.getLogger(__name__)


def checked_color(word: str) -> Color:
    """`word`, if it is one of COLORS; raises OptionError if not."""
    for color in COLORS:
        if word == color:
            return color
    raise OptionError("color", f"{word} is unknown; allowed are {', '.join(COLORS)}")


def match_colors(image: Tensor, like: Tensor, clip: bool = True) -> Tensor:
    """`image` with the colours' mean and covariance of `like`: CORAL, a linear map of the colours.

    Colours that leave [0, 1] are clipped, which moves mean and covariance a little (the share of
    clipped values is logged); with `clip` False they stay as they are, and the match is exact.
    """
    matched = Colors.of(image).moved(image, Colors.of(like))
    if not clip:
        return matched
    outside = float(((matched < 0) | (matched > 1)).float().mean())
    log.info("colours matched; %.1f %% of the values were clipped to [0, 1]", 100 * outside)
    return matched.clamp(0, 1)


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
