"""What methods share: pictures as they take them, adaptation settings, frozen networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from gesso import assets
from gesso.errors import GessoError
from gesso.fitting.network import FitConfig
from gesso.images.write import thumbnail_bytes
from gesso.methods.base import ImageLike
from gesso.nn.functional import compute_in, fast_dtype
from gesso.nn.pictures import read_image, resize

SMALLEST_STYLE_PX = 64  # a smaller one is enlarged: the deepest level sees one pixel in eight


class Stylizer(nn.Module):
    """A frozen transfer network: contents (B, 3, H, W) → images (B, 3, H, W), any H and W."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net.requires_grad_(False).eval()

    @torch.inference_mode()
    def forward(self, content: Tensor) -> Tensor:
        device = next(self.net.parameters()).device
        with compute_in(fast_dtype(device)):
            out: Tensor = self.net(content.to(device))
        return out.float().to(content.device)


def load_exactly(net: nn.Module, tensors: dict[str, Tensor], what: str) -> None:
    """Load tensors whose names and shapes have to be those of `net`.

    Raises:
        GessoError: they are not; `what` says where they came from.
    """
    expected = {name: tuple(value.shape) for name, value in net.state_dict().items()}
    found = {name: tuple(value.shape) for name, value in tensors.items()}
    if expected != found:
        wrong = sorted(set(expected.items()) ^ set(found.items()))[0][0]
        raise GessoError(
            f"{what}: expected the {len(expected)} tensors of a transfer network, found "
            f"{len(found)}; the first difference is {wrong}"
        )
    net.load_state_dict({name: value.float() for name, value in tensors.items()})


def as_image(image: ImageLike) -> Tensor:
    """(3, H, W), read if it is a path."""
    tensor = image if isinstance(image, Tensor) else read_image(image)
    return tensor[0] if tensor.dim() == 4 and len(tensor) == 1 else tensor


def enlarged(image: Tensor) -> Tensor:
    """At least SMALLEST_STYLE_PX on the shorter side, so that every level has pixels."""
    shorter = min(image.shape[-2:])
    if shorter >= SMALLEST_STYLE_PX:
        return image
    target = [max(SMALLEST_STYLE_PX, n) for n in image.shape[-2:]]
    return nn.functional.interpolate(image.unsqueeze(0), target, mode="bilinear")[0]


def practice_images(contents: Sequence[ImageLike] | None, size: int | None) -> list[Tensor]:
    """The contents (3, h, w) to practise on, scaled to a longer side of `size` px if given; the
    bundled set by default."""
    pictures: Sequence[ImageLike] = contents or sorted(assets.CONTENTS.glob("*.jpg"))
    images = [as_image(picture) for picture in pictures]
    return [resize(image, size) if size else image for image in images]


def fit_config(default: FitConfig, options: dict[str, Any]) -> FitConfig:
    """`default` with the options given. Raises GessoError for one that makes no sense."""
    known = FitConfig.__dataclass_fields__
    for name in options:
        if name not in known:
            raise GessoError(f"option {name}: unknown; allowed are {', '.join(known)}")
    config = replace(default, **{k: v for k, v in options.items() if v is not None})
    if config.steps < 0 or config.batch < 1 or config.crop < 16 or config.lr < 0:
        raise GessoError(
            f"steps {config.steps}, batch {config.batch}, crop {config.crop}, lr {config.lr}: "
            "allowed are steps from 0, batch from 1, crop from 16 and lr from 0"
        )
    return config


def thumbnail_within(image: Tensor, most_bytes: int) -> bytes | None:
    """The largest thumbnail of (3, H, W) that takes at most `most_bytes`; None if none does."""
    for side in (96, 64, 48, 32):
        thumbnail = thumbnail_bytes(image, side)
        if len(thumbnail) <= most_bytes:
            return thumbnail
    return None
