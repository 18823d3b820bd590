"""The multi-scale generator of Ulyanov et al. (2016), with instance norm (2017)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gesso.methods.texture_nets.noise import noise
from gesso.nn.inference import channels_last
from gesso.nn.layers import Block, Convolution, InstanceNorm, extended
from gesso.nn.precision import widen


class Column(nn.Module):
    """Three convolutions, 3×3, 3×3 and 1×1, each with instance norm and ReLU. Whoever runs it runs
    its blocks one by one, so that no input is held longer than its block takes."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        sizes = ((inputs, 3), (outputs, 3), (outputs, 1))
        self.blocks = nn.ModuleList(Block(n, outputs, kernel) for n, kernel in sizes)


class Generator(nn.Module):
    """Content in [0, 1] (B, 3, H, W) and noise → picture in [0, 1] of the same shape, any H and W;
    or a texture of noise and nothing else.

    At every scale the content, shrunk to it, and noise go through a column of convolutions; from
    the coarsest scale on, what there is so far is enlarged twice, put beside the column of the
    next scale, each normalised, and both go through a column. So the width grows by `width` with
    every scale.

    Attributes:
        seed: of the noise in stylized pictures.
        share: what that noise is multiplied by; 0: pictures do not depend on the seed.
    """

    def __init__(self, scales: int = 5, width: int = 8, maps: int = 3) -> None:
        """`maps`: channels of noise beside the content's three."""
        super().__init__()
        self.scales, self.width, self.maps = scales, width, maps
        self.seed, self.share = 0, 1.0
        widths = [width * (n + 1) for n in range(scales)]
        self.reads = nn.ModuleList(Column(3 + maps, width) for _ in widths)
        self.deep = nn.ModuleList(InstanceNorm(n) for n in widths[:-1])
        self.shallow = nn.ModuleList(InstanceNorm(width) for _ in widths[1:])
        self.joins = nn.ModuleList(Column(n, n) for n in widths[1:])
        self.out = Convolution(widths[-1], 3, 1)

    @property
    def multiple(self) -> int:
        """The sides of textures that tile are multiples of this many px."""
        return 1 << (self.scales - 1)

    def forward(
        self, image: Tensor, raw: bool = False, seeds: Sequence[int] | None = None
    ) -> Tensor:
        """The stylized picture; with `raw` what the last sigmoid is applied to.

        Args:
            seeds: of the noise, one for each picture of the batch; None: `seed` for all.
        """
        height, width = image.shape[-2:]
        whole = extended(image, self.multiple, 2 * self.multiple)

        def read(scale: int) -> Tensor:
            times = 2 ** (self.scales - 1 - scale)
            small = F.avg_pool2d(whole, times) if times > 1 else whole
            maps = self._noise(seeds or [self.seed], scale, self.maps, small.shape[-2:], image)
            return torch.cat([small, (self.share * maps).expand(len(small), -1, -1, -1)], 1)

        out = self._run(read, circular=False)[..., :height, :width]
        return out if raw else torch.sigmoid(out)

    def texture(self, height: int, width: int, seeds: Sequence[int], raw: bool = False) -> Tensor:
        """Textures (B, 3, height, width), one for each seed. Those whose sides are multiples of
        `multiple` tile; others are cut out of one that does."""
        finest = [-(-n // self.multiple) * self.multiple for n in (height, width)]
        finest = [max(n, 2 * self.multiple) for n in finest]

        def read(scale: int) -> Tensor:
            small = torch.Size(n // 2 ** (self.scales - 1 - scale) for n in finest)
            return self._noise(seeds, scale, 3 + self.maps, small, self.out.weight)

        out = self._run(read, circular=True)[..., :height, :width]
        return out if raw else torch.sigmoid(out)

    def _run(self, read: Callable[[int], Tensor], circular: bool) -> Tensor:
        x = torch.empty(0)
        for scale in range(self.scales):
            new = channels_last(read(scale))
            for block in self.reads[scale].blocks:  # type: ignore[union-attr]
                new = block(new, circular)
            if scale == 0:
                x = new
                continue
            x = self._beside(x, new, scale - 1)
            del new
            for block in self.joins[scale - 1].blocks:  # type: ignore[union-attr]
                x = block(x, circular)
        return widen(self.out(x, circular))

    def _beside(self, deep: Tensor, new: Tensor, join: int) -> Tensor:
        """What there is so far, twice as large, and the column of the next scale."""
        deep = F.interpolate(self.deep[join](deep), scale_factor=2.0, mode="nearest")
        return channels_last(torch.cat([deep, self.shallow[join](new)], 1))

    def _noise(
        self, seeds: Sequence[int], scale: int, maps: int, size: torch.Size, like: Tensor
    ) -> Tensor:
        """(B, maps, h, w), one for each seed, independent at all scales."""
        first = 1000 * (self.scales - 1 - scale)
        rows = [
            torch.stack(
                [noise(seed, first + n, size[0], size[1], like.device) for n in range(maps)]
            )
            for seed in seeds
        ]
        return torch.stack(rows).to(like.dtype)
