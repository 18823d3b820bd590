"""Whose colours a picture has: matched to another's, or with only its luminance taken over.

After Gatys, Bethge, Hertzmann & Shechtman, "Preserving Color in Neural Artistic Style Transfer"
(2016). Pictures are (3, H, W) or (B, 3, H, W), sRGB-encoded RGB in [0, 1], as everywhere.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable

import torch
from torch import Tensor

from gesso.controls.options import COLORS, Color
from gesso.errors import OptionError
from gesso.nn.colors import NOISE, Colors
from gesso.nn.pictures import LUMA, luminance
from gesso.nn.strips import Striped
from gesso.stylizers.stylizer import Stylizer, finished_by

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
    return _clipped(matched) if clip else matched


def _clipped(matched: Tensor) -> Tensor:
    outside = float(((matched < 0) | (matched > 1)).float().mean())
    log.info("colours matched; %.1f %% of the values were clipped to [0, 1]", 100 * outside)
    return matched.clamp(0, 1)


def grey(image: Tensor) -> Tensor:
    """`image` without its colours: three equal channels of its luminance."""
    return luminance(image).expand_as(image).contiguous()


def match_luminance(image: Tensor, like: Tensor) -> Tensor:
    """The luminance of `image` (…, 1, H, W), shifted and scaled to that of `like` in mean and
    deviation (the paper, section 5); clipped to [0, 1]."""
    own, target = Striped.of(image[None]), Striped.of(like[None])
    return _light(own, target)(image)


def _light(own: Striped, target: Striped) -> Callable[[Tensor], Tensor]:
    """What gives parts of a picture their luminance, shifted and scaled to that of another."""
    (mean, deviation), (wanted, spread) = _brightness(own), _brightness(target)
    scale = spread / max(deviation, NOISE**0.5)
    return lambda image: ((luminance(image) - mean) * scale + wanted).clamp(0, 1)


def _brightness(picture: Striped) -> tuple[float, float]:
    """Mean and deviation of a picture's luminance."""
    colors, luma = Colors.of_strips(picture), torch.tensor(LUMA, dtype=torch.float64)
    variance = float(luma @ colors.covariance @ luma)
    return float(luma @ colors.mean), math.sqrt(max(0.0, variance))


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

    def as_content(picture: Striped, photo: Striped) -> Striped:
        moved = Colors.of_strips(picture).mover(Colors.of_strips(photo))
        return picture.changed(lambda strip, _: _clipped(moved(strip)))

    def content_chroma(picture: Striped, photo: Striped) -> Striped:
        light = luminance if matched else _light(picture, photo)
        return photo.changed(lambda strip, rows: with_luminance(strip, light(picture.at(rows))))

    why = "gives every picture its photo's colours"
    if color == "content":
        return finished_by(stylizer, as_content, why)
    return finished_by(stylizer, content_chroma, why, before=grey)
