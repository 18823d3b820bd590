"""The settings of `gesso.fitting.painting`, and the scales at which a picture is painted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from gesso.fitting.recolor import Recolor
from gesso.fitting.terms import Weights
from gesso.graphs import drawing
from gesso.graphs.drawing import USUAL

CHEAP_PX, FEW = 384, 6  # see `Painting.fine`
FAITHFUL = 0.8  # alpha: where no step is taken at half the size
# Of outlines, a correlation. Without the term, pictures in The Scream had lost eyes and roofs, with
# 0.49 in the mean; those in six styles that lose little had 0.64 to 0.75.
KEPT, MOST_KEPT = 0.8, 0.95

DrawnBy = Literal["patches", "steps"]


@dataclass(frozen=True)
class Painting:
    """How to paint.

    Attributes:
        alpha: how much of the photo's drawing stays, from 0 to 1: its share in the query of a
            descent, and how large it is where patches begin.
        steps, fine_steps, final_steps: of Adam at every scale but the finest, at that one, and in
            the last pass; for None see `fine`.
        half_steps: of the last pass on a copy of half the size, before the others: they move
            strokes that single steps at full size are too short for. Where patches do not see such
            a copy, and above the usual `alpha` for some or all, a quarter as many at full size take
            their place, and their time.
        patches_above: scales of more px are redrawn with the style's patches, if they are known.
        drawn_by: patches: if those of the style are known, the photo is drawn with them at every
            scale above `first_px`, if it has one, and no step is taken up to the last pass; steps:
            descents, and patches above `patches_above`.
        key_blur: patches are looked for by what is left of the style in a copy whose sides are so
            many times shorter, see `gesso.nn.patches`; less where `patches` count less.
        palette_first: how far the photo's colours go to the style's before patches are looked for.
        lr: Adam's rate on the picture's bands.
        seed: of the places and shifts of the last pass, and of the places of the terms.
        transport, moments, palette, structure, content, centred: see `gesso.fitting.terms`.
        structure_last: whether `structure` counts in steps at full size, too: of pictures drawn by
            steps, and the more the further `alpha` is above the usual one. Else small letters
            become strokes; there they are the painting's in any case.
        structure_least: the share of `structure` that counts at full size in any case: enough for
            the features of a small face, and too little to pale strokes.
        outlines: how much it counts in the last pass that the photo's outlines are lost, see
            `gesso.fitting.outlines`.
        recolor: where the colours come from at the end, see `gesso.fitting.recolor`.
    """

    drawn_by: DrawnBy = "patches"
    alpha: float = USUAL
    steps: int = 40
    fine_steps: int | None = None
    half_steps: int = 10
    final_steps: int = 20
    patches_above: int = 384
    key_blur: float = 6.0
    palette_first: float = 0.5
    lr: float = 6e-3
    seed: int = 0
    transport: float = 1.0
    moments: float = 0.5
    palette: float = 0.0
    structure: float = 3.0
    outlines: float = 3.0
    content: float = 0.0
    centred: bool = True
    structure_last: bool = True
    structure_least: float = 0.1
    recolor: Recolor = "own"

    def fine(self, size: int) -> int:
        """Steps at the finest scale of a picture of so many px. By default these are `steps` up to
        384 px, where they cost little. Larger pictures get their shapes at the coarser scales, and
        few steps add what is fine: more of them make small strokes everywhere."""
        if self.fine_steps is not None:
            return self.fine_steps
        return self.steps if size <= CHEAP_PX else min(self.steps, FEW)

    @property
    def first_px(self) -> float:
        """Scales above it are drawn with patches and nothing else."""
        return drawing.first_px(self.alpha)

    def at_half(self, share: float) -> Painting:
        """The same with this share of its steps at half the size, and in the place of the others a
        quarter as many at full size, which take as long."""
        kept = round(share * self.half_steps)
        more = (self.half_steps - kept) // 4
        return replace(self, half_steps=kept, final_steps=self.final_steps + more)

    def at_full(self, share: float) -> Painting:
        """The same with this share of `structure`, if any is to count at full size."""
        kept = max(share, self.structure_least) if self.structure_last else 0.0
        return replace(self, structure=kept * self.structure)

    @property
    def half_share(self) -> float:
        """The share of its steps at half the size that leaves as much of the photo as `alpha` says:
        they move letters of 14 px, of which nothing is to be lost above `FAITHFUL`."""
        return min(1.0, max(0.0, (FAITHFUL - self.alpha) / (FAITHFUL - USUAL)))

    @property
    def last_lr(self) -> float:
        """The rate of the last pass on what patches drew: at the usual `alpha` two thirds more than
        elsewhere, which brings strokes their full contrast in the same time; letters need calm."""
        return self.lr * (1 + 2 / 3 * max(0.0, 2 * self.half_share - 1))

    @property
    def patches(self) -> float:
        """The share of patches in what is redrawn: the more of the photo is to stay, the less."""
        return drawing.patches(self.alpha)

    @property
    def blurred(self) -> float:
        """`key_blur`, as far as patches count."""
        return drawing.blurred(self.alpha, self.key_blur)

    @property
    def shade(self) -> float:
        """How far the lightness of what patches drew goes back to the photo's."""
        return drawing.shade(self.alpha)

    @property
    def outlines_kept(self) -> float:
        """The correlation with the photo's outlines that is to be kept."""
        return min(MOST_KEPT, KEPT * self.alpha / USUAL)

    @property
    def weights(self) -> Weights:
        """Those of the terms."""
        return Weights(**{name: getattr(self, name) for name in Weights.__dataclass_fields__})
