"""What turns contents into pictures, whatever method made it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from gesso.errors import GessoError
from gesso.nn.precision import compute_in, fast_dtype
from gesso.nn.strips import Striped, narrow
from gesso.stylizers.ordinary import AmongOrdinary
from gesso.stylizers.progress import OnStep
from gesso.stylizers.tiled import in_tiles, reach_of, tile_side

Run = Callable[[Tensor, OnStep | None], Tensor]

RunStriped = Callable[[Striped, OnStep | None], Striped]

Finish = Callable[[Striped, Striped], Striped]
"""Takes a picture and its photo, and returns what is made of the picture."""

OfRegions = Callable[[Tensor, Tensor, OnStep | None], Tensor]
"""Contents (B, 3, H, W), shares (K, H, W) that sum to 1 at every pixel, and what steps are
reported to → pictures."""


class Stylizer:
    """Contents (B, 3, H, W), RGB in [0, 1] → pictures of the same shape in [0, 1], any H and W.

    Attributes:
        network: one plain module from contents to raw pictures that engines and export can take,
            frozen; None where there is no such module. What is done beyond it to flat and dark
            pictures, to large ones, to copies painted first and to empty ground is no part of it.
        why_none: the reason then, in one sentence without a subject ("optimises every picture").
        plain: whether `network` as it is makes the pictures, but for flat and dark ones.
    """

    def __init__(
        self,
        run: Run,
        network: nn.Module | None = None,
        why_none: str = "",
        striped: RunStriped | None = None,
        plain: bool = False,
    ) -> None:
        self._run, self.network, self.why_none = run, network, why_none
        self._striped, self.plain = striped, plain

    def striped(self, photo: Striped, on_step: OnStep | None = None) -> Striped:
        """The picture of a photo of any size; its strips are made when they are asked for, as far
        as it was not painted at its own size."""
        if self._striped is None:
            return Striped.of(self(photo.whole(), on_step))
        return self._striped(photo, on_step)

    def __call__(self, contents: Tensor, on_step: OnStep | None = None) -> Tensor:
        """The pictures of the contents.

        Args:
            contents: (B, 3, H, W), RGB in [0, 1].
            on_step: is given the steps of a stylizer that takes some.

        Raises:
            GessoError: contents of another shape or type.
        """
        check_contents(contents)
        return self._run(contents, on_step)


def check_contents(contents: Tensor) -> None:
    """Raises GessoError unless `contents` are floating-point pictures (B, 3, H, W)."""
    if not isinstance(contents, Tensor):
        kind = type(contents).__name__
        raise GessoError(f"contents: a {kind}; allowed is a tensor (B, 3, H, W) in [0, 1]")
    shape = tuple(contents.shape)
    if contents.dim() != 4 or shape[1] != 3 or 0 in shape or not contents.is_floating_point():
        raise GessoError(
            f"contents: {contents.dtype} of shape {shape}; allowed is a floating-point tensor "
            "(B, 3, H, W) in [0, 1]"
        )


def of_network(net: nn.Module) -> Stylizer:
    """The stylizer of a transfer network, which is frozen; it runs where the network is. Flat,
    smooth and dark contents are normalised among ordinary pictures (`gesso.nn.surroundings`).
    Photos too large for the memory that may be taken are computed in tiles."""
    net.requires_grad_(False).eval()
    device = next(net.parameters()).device
    stylized = AmongOrdinary(net)

    @torch.inference_mode()
    def run(contents: Tensor, on_step: OnStep | None) -> Tensor:
        with compute_in(fast_dtype(device)):
            out = stylized(contents.to(device))
        return out.float().to(contents.device)

    @torch.inference_mode()
    def striped(photo: Striped, on_step: OnStep | None) -> Striped:
        side = tile_side(net, photo)
        if side is None:
            return Striped.of(run(photo.whole(), on_step))
        around = stylized.around(photo, device)
        with compute_in(fast_dtype(device)):
            made = in_tiles(lambda x: net(x.to(device)), photo, side, reach_of(net), around)
        return narrow(made)

    return Stylizer(run, net, striped=striped, plain=True)


def finished_by(
    stylizer: Stylizer,
    finish: Finish,
    why_none: str = "",
    *,
    before: Callable[[Tensor], Tensor] | None = None,
    network: nn.Module | None = None,
) -> Stylizer:
    """A stylizer whose pictures are finished one by one, in strips where they are large.

    Args:
        before: what is done to photos, or parts of them, before they are stylized.
        network, why_none: as for `Stylizer`.
    """

    def run(contents: Tensor, on_step: OnStep | None) -> Tensor:
        pictures = stylizer(before(contents) if before else contents, on_step)
        pairs = zip(torch.split(pictures, 1), torch.split(contents, 1), strict=True)
        return together([finish(Striped.of(p), Striped.of(c)).whole() for p, c in pairs])

    def striped(photo: Striped, on_step: OnStep | None) -> Striped:
        seen = photo.changed(lambda strip, _: before(strip)) if before else photo
        return finish(stylizer.striped(seen, on_step), photo)

    return Stylizer(run, network, why_none, striped)


def together(rows: list[Tensor]) -> Tensor:
    """Pictures (1, 3, H, W) in a batch; a single one, which may be large, is not copied."""
    return rows[0] if len(rows) == 1 else torch.cat(rows)


def composite(stylizers: Sequence[Stylizer]) -> OfRegions:
    """Puts regions together in the picture: every stylizer does the whole content, and its share
    of it is taken; one without a share anywhere is not run."""

    def made(one: Stylizer, contents: Tensor, on_step: OnStep | None) -> Tensor:
        if len(contents) > 1:
            return one(contents, on_step)
        return one.striped(Striped.of(contents), on_step).whole()  # which may be too large

    def stylize(contents: Tensor, shares: Tensor, on_step: OnStep | None) -> Tensor:
        total = torch.zeros_like(contents)
        for one, share in zip(stylizers, shares.to(contents), strict=True):
            if bool((share > 0).any()):
                total += share * made(one, contents, on_step)
        return total

    return stylize
