"""Paint a photo anew with a style's features, coarse to fine (Kolkin et al. 2022, "Neural Neighbor
Style Transfer").

At every scale each feature vector of a query, a mixture of the photo and of what the coarser scale
made, is replaced by its nearest one in the style, once; the picture then descends until its own
vectors point the same way. A last pass matches every level by itself, and anew at every step.

Whole patches of the style's features (Chen & Schmidt 2016) can take the place of all descents but
the last pass: they draw the photo at every scale, from a small copy up, and strokes are longer and
firmer than what steps at single places make, for the time of two steps a scale. Or they redraw the
larger scales of what smaller ones descended to.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from gesso.encoders.base import Encoder
from gesso.errors import GessoError
from gesso.fitting.apart import Apart
from gesso.fitting.carry import carried, coarse_to_fine
from gesso.fitting.outlines import Outlines
from gesso.fitting.pyramid import bands, descend, resized, summed
from gesso.fitting.recolor import recolored
from gesso.fitting.regions import Styles, put_together, regions_of, sized
from gesso.fitting.settings import Painting
from gesso.fitting.shading import shaded
from gesso.fitting.together import Together, check_fits
from gesso.graphs.drawing import scales, size_at
from gesso.nn.colors import Colors
from gesso.nn.strips import Striped
from gesso.nn.surroundings import shares

BLURRED_BANDS = 2  # of the photo, which the coarsest scale begins without

OnPaint = Callable[[int, int, float], None]
"""Is given the steps done, the steps in all and the loss."""

Redraw = Callable[[Tensor], Tensor]
"""Takes a picture (1, 3, H, W) in [0, 1], and returns it drawn with a style's patches."""

Begin = Callable[[Tensor], Tensor]
"""Takes a picture (1, 3, H, W) that was made of the photo so far, and returns one in its place."""


def paint(
    photo: Tensor,
    styles: Styles,
    encoder: Encoder,
    how: Painting,
    on_step: OnPaint | None = None,
    redraw: Redraw | None = None,
    begun: Begin | None = None,
) -> Tensor:
    """The photo (1, 3, H, W) in [0, 1], painted: a picture of the same shape. Several styles, each
    in its region, are painted in one descent.

    Args:
        redraw: what draws scales of more than `how.patches_above` px; None: they descend, too.
        begun: what the last pass begins with; None: what was painted so far.

    Raises:
        GessoError: `how` asks for the style's colours, and they are not known; a scale that steps
            draw does not fit into memory.
    """
    colors = [region.style.colors for region in regions_of(styles)]
    if how.recolor != "off" and None in colors:
        raise GessoError("a card without its style's colours: recolor needs them; adapt anew")
    sizes = scales(max(photo.shape[-2:]))
    seen_by_patches = [size for size in sizes if size > how.first_px]
    if how.drawn_by == "patches" and redraw is not None and seen_by_patches:
        seen = _in_palette(photo, styles, how.palette_first * how.patches)
        drawn = _drawn(seen, seen_by_patches, redraw, how)
        drawn = drawn if begun is None else begun(drawn)
        half = 0.0 if len(seen_by_patches) == 1 else how.half_share
        last = replace(how.at_half(half), lr=how.last_lr)
        total = last.half_steps + last.final_steps
        drawn = _half(drawn, photo, styles, encoder, last, partial(_heard, on_step, total, 0))
        report = partial(_heard, on_step, total, last.half_steps)
        last = last.at_full(1 - how.half_share)
        return finish(drawn, photo, styles, encoder, last, report)
    how = how.at_half(0.0)
    patched = [redraw is not None and size > max(how.patches_above, sizes[0]) for size in sizes]
    descents = [size for size, is_patched in zip(sizes, patched, strict=True) if not is_patched]
    counts = [how.steps] * (len(descents) - 1) + [how.fine(descents[-1])]
    levels = list(regions_of(styles)[0].style.levels)
    check_fits(encoder, levels, *_at(photo, descents[-1]).shape[-2:])
    total = sum(counts) + how.final_steps
    picture: Tensor | None = None
    random = torch.Generator().manual_seed(how.seed)
    done = 0

    for size, count in zip(descents, counts, strict=True):
        content = _at(photo, size)
        query, picture = _begin(content, picture, how.alpha)
        goal = Together(query, content, styles, size, encoder, how.weights, random)
        picture = descend(picture, goal, count, how.lr, partial(_heard, on_step, total, done))
        done += count
    assert picture is not None  # there is always a scale
    for size in sizes[len(descents) :]:
        assert redraw is not None
        own = 0.0 if size == sizes[-1] else how.alpha / 2
        picture = _redrawn(_at(photo, size), picture, redraw, how.patches, own)
    picture = picture if begun is None else begun(picture)
    return finish(
        picture, photo, styles, encoder, how.at_full(1.0), partial(_heard, on_step, total, done)
    )


def _half(
    picture: Tensor,
    photo: Tensor,
    styles: Styles,
    encoder: Encoder,
    how: Painting,
    on_step: Callable[[int, float], None],
) -> Tensor:
    """(1, 3, h, w), changed as the last pass changes a copy with half the sides. The picture keeps
    its own finest detail."""
    if not how.half_steps:
        return picture
    height, width = picture.shape[-2:]
    small, seen = (resized(image, height // 2, width // 2) for image in (picture, photo))
    last = _last(small, seen, styles, encoder, how)
    made = descend(small, last, how.half_steps, how.lr, on_step)
    return picture + resized(made - small, height, width)


def _last(
    picture: Tensor, photo: Tensor, styles: Styles, encoder: Encoder, how: Painting
) -> Callable[[Tensor], Tensor]:
    """The loss of the last pass, of pictures of this one's and this photo's size."""
    apart = Apart(sized(styles, picture), encoder, how.weights, how.seed, picture, photo)
    if not how.outlines:
        return apart
    kept, weight = Outlines(photo, how.outlines_kept), how.outlines * len(apart.sight.levels)
    return lambda image: apart(image) + weight * kept(image)


def finish(
    picture: Tensor,
    photo: Tensor,
    styles: Styles,
    encoder: Encoder,
    how: Painting,
    on_step: Callable[[int, float], None],
) -> Tensor:
    """The last pass and what follows: colours in order.

    Args:
        picture: (1, 3, h, w) with sides of SMALLEST_PX at least, as made of the photo so far.
        photo: (1, 3, H, W), of the size that is returned.
        on_step: is given the step and the loss.
    """
    if how.final_steps:
        seen = resized(photo, *picture.shape[-2:])
        last = _last(picture, seen, styles, encoder, how)
        picture = descend(picture, last, how.final_steps, how.lr, on_step)
    picture = resized(picture, *photo.shape[-2:]).clamp(0, 1)
    colors = [region.style.colors for region in regions_of(styles)]
    finished = [picture if c is None else recolored(picture, photo, c, how.recolor) for c in colors]
    return put_together(styles, finished)


def _heard(on_step: OnPaint | None, total: int, before: int, step: int, value: float) -> None:
    if on_step is not None:
        on_step(before + step, total, value)


def _at(photo: Tensor, size: int) -> Tensor:
    height, width = photo.shape[-2:]
    return resized(photo, *size_at(height, width, size))


@torch.no_grad()
def _begin(content: Tensor, coarser: Tensor | None, alpha: float) -> tuple[Tensor, Tensor]:
    """The query of a scale, and the picture to begin with."""
    if coarser is None:
        parts = bands(content, BLURRED_BANDS)
        return content, summed([*(torch.zeros_like(band) for band in parts[:-1]), parts[-1]])
    begun = resized(coarser, *content.shape[-2:])
    query = torch.lerp(begun + bands(content, 1)[0], content, alpha)
    return query.clamp(0, 1), begun


@torch.no_grad()
def _in_palette(photo: Tensor, styles: Styles, way: float) -> Tensor:
    """The photo (1, 3, H, W), its colours moved that way to those of the style of each region; less
    where it is flat or dark, as all its colours are then."""
    colors = [region.style.colors for region in regions_of(styles)]
    way *= 1 - float(shares(photo))
    if not way or None in colors:
        return photo
    own = Colors.of(photo[0])
    targets = [Colors.of(c.pixels.T[:, None]) for c in colors if c is not None]
    return put_together(styles, [own.nearer(photo, target, way) for target in targets])


@torch.no_grad()
def _drawn(photo: Tensor, sizes: Sequence[int], redraw: Redraw, how: Painting) -> Tensor:
    """The photo, drawn with patches at these sizes, each carried over to the next."""
    copies = [_at(photo, size) for size in sizes]

    def drawn(number: int, begun: Striped) -> Striped:
        seen = begun.whole()
        made = seen.lerp(redraw(seen), how.patches)
        return Striped.of(shaded(made, copies[number], how.shade))

    return coarse_to_fine([Striped.of(copy) for copy in copies], drawn).whole()


@torch.no_grad()
def _redrawn(content: Tensor, coarser: Tensor, redraw: Redraw, share: float, own: float) -> Tensor:
    """A scale's picture: what the coarser one made of the photo, carried over and then drawn with
    patches. Patches are looked for with a share `own` of the photo in the picture's colours, which
    has outlines that the coarser one lacks. Their network pales colours, so the picture gets back
    the mean and covariance it had."""
    small = resized(content, *coarser.shape[-2:])
    begun = carried(content, small, coarser.clamp(0, 1))
    if not share:
        return begun
    colors = Colors.of(begun[0])
    drawn = redraw(begun.lerp(Colors.of(content[0]).nearer(content, colors), own))
    return begun.lerp(Colors.of(drawn[0]).nearer(drawn, colors), share)
