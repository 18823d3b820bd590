"""A transfer network with as many rows of γ and β as it has styles, and what its file says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from gesso.errors import GessoError
from gesso.methods.inputs import load_exactly
from gesso.nn.colors import Colors
from gesso.nn.layers import InstanceNorm
from gesso.nn.transfer import TransferNet, affine_parameters
from gesso.options import from_json

MOST_STYLES = 4096


@dataclass(frozen=True)
class Config:
    """What a bank holds; stored in its header.

    Attributes:
        width: of the transfer network.
        styles: their names, one for each row of γ and β; one more row gives back the photo.
        digests: SHA-256 of their files.
        palettes: their colours, as `Colors.numbers` gives them; none in banks of before these were
            kept, whose styles keep no palette when they are looked up by name.
    """

    width: int = 16
    styles: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    palettes: tuple[tuple[float, ...], ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= self.width <= 256:
            raise GessoError(f"a transfer network of width {self.width}: allowed are 1 to 256")
        if len(self.styles) > MOST_STYLES:
            raise GessoError(f"a bank of {len(self.styles)} styles: allowed are {MOST_STYLES}")
        if len(self.styles) != len(self.digests) or len(set(self.styles)) != len(self.styles):
            raise GessoError("a bank's styles: each has a name of its own and a digest")
        if self.palettes and len(self.palettes) != len(self.styles):
            raise GessoError(f"{len(self.palettes)} palettes of {len(self.styles)} styles")
        for row in self.palettes:
            Colors.from_numbers(list(row))

    def as_header(self) -> dict[str, Any]:
        """JSON values."""
        return {name: value for name, value in asdict(self).items() if name != "palettes" or value}

    @classmethod
    def from_header(cls, values: Any) -> Config:
        """The inverse of `as_header`; raises GessoError for values that make no bank."""
        return from_json(cls, values, "the configuration of a bank of styles")

    def build(self) -> Bank:
        """The network with random weights."""
        return Bank(self.width, len(self.styles))


class Bank(nn.Module):
    """Image in [0, 1] (B, 3, H, W) and the style of each, (B,), → images of the same shape.

    All convolutions are shared. Row i of every γ and β, (N + 1, C), is style i; row N gives back
    the photo.
    """

    def __init__(self, width: int, count: int) -> None:
        super().__init__()
        self.count = count
        self.net = TransferNet(width)
        for module in self.net.modules():
            if isinstance(module, InstanceNorm):
                for name in ("gamma", "beta"):
                    rows = getattr(module, name).detach().repeat(count + 1, 1)
                    setattr(module, name, nn.Parameter(rows))

    def rows(self, styles: Tensor) -> dict[str, Tensor]:
        """γ and β, (B, C) each, of styles (B,), by name; differentiable."""
        return {name: p[styles] for name, p in affine_parameters(self.net).items()}

    def row(self, style: int) -> dict[str, Tensor]:
        """A copy of one style's γ and β, (C,) each, on the CPU, by name."""
        found = affine_parameters(self.net).items()
        return {name: p[style].detach().cpu().clone() for name, p in found}

    def mean_row(self) -> dict[str, Tensor]:
        """The mean γ and β of all styles, (C,) each, by name."""
        return {n: p[: self.count].mean(0) for n, p in affine_parameters(self.net).items()}

    def forward(self, images: Tensor, styles: Tensor, raw: bool = False) -> Tensor:
        """The stylized images; with `raw` what the last sigmoid is applied to."""
        out: Tensor = functional_call(self.net, self.rows(styles), (images,), {"raw": raw})
        return out

    def single(self, row: Mapping[str, Tensor]) -> TransferNet:
        """The plain network of one style's γ and β."""
        net = TransferNet(self.net.width)
        load_exactly(net, {**self.net.state_dict(), **row}, "a style of the bank")
        return net.to(next(self.parameters()).device)

    @torch.no_grad()
    def begin(self, tensors: Mapping[str, Tensor], source: str) -> None:
        """Take weights over: those of a bank of as many styles, or of a plain transfer network,
        which all styles then begin with. Raises GessoError for others."""
        own = affine_parameters(self.net)
        whole = {name.removeprefix("net."): value for name, value in tensors.items()}
        for name, rows in own.items():
            if name in whole and whole[name].shape == rows.shape[1:]:
                whole[name] = whole[name].expand_as(rows)
        load_exactly(self.net, whole, source)
