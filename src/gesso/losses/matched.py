"""The objective of a network that paints: the feature vectors of its picture point the way of the
style's vectors that those of the photo are nearest to (Kolkin et al. 2022, "Neural Neighbor Style
Transfer", whose descent moves a picture; here it moves a network's weights)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor

from gesso.errors import GessoError
from gesso.losses.columns import cells, hypercolumns
from gesso.losses.matching import nearest
from gesso.losses.objectives import NetworkObjective, Objective, UnboundedObjective, check_weights
from gesso.losses.terms import Encode, Features, Seen
from gesso.nn.precision import fast_dtype

EVENNESS = 25.0  # weight of unevenness for each unit of the distance to the matched vectors
ROWS = 4096  # of a style's vectors that are searched at a scale, drawn at random


def shrunk(image: Tensor, times: int) -> Tensor:
    """(B, 3, H // times, W // times) of (B, 3, H, W)."""
    if times == 1:
        return image
    size = [max(1, n // times) for n in image.shape[-2:]]
    return F.interpolate(image, size, mode="bilinear", antialias=True)


@dataclass(frozen=True)
class MatchingObjective:
    """Mean 1 − cos to the matched vectors, over the scales, plus what `rest` asks for.

    Matching leaves magnitudes open, which a share of the Gram terms in `rest` settles, and keeps
    the photo's content by the query, so that `rest` has no content term.

    Attributes:
        match_weight: of the distance to the matched vectors.
        alpha: the photo's share in the query from the second round on, from 0 to 1; the rest of it
            is the network's picture.
        rounds: how often in a fit the vectors of a crop are matched; first with the photo itself.
        scales: by how much pictures are shrunk, and the style with them; 1 comes first.
        shift: in every step of a fit the network sees its photos moved by less than this many px,
            so that its grid is not the encoder's: no stripes of 4 px are learned.
        rest: the other terms, and what the network puts out (with or without a sigmoid).

    Raises:
        GessoError: values that make no sense.
    """

    match_weight: float = 1.0
    alpha: float = 0.25
    rounds: int = 2
    scales: tuple[int, ...] = (1, 2)
    shift: int = 4
    rest: Objective = field(default_factory=lambda: Objective(content_weight=0.0, style_weight=0.1))

    def __post_init__(self) -> None:
        check_weights(self)
        if not 0 <= self.alpha <= 1:
            raise GessoError(f"alpha {self.alpha}: allowed are numbers from 0 to 1")
        if self.rounds < 1:
            raise GessoError(f"rounds {self.rounds}: allowed are whole numbers from 1")
        if self.shift < 1:
            raise GessoError(f"shift {self.shift}: allowed are whole numbers from 1")
        if self.scales[:1] != (1,) or min(self.scales) < 1:
            raise GessoError(f"scales {self.scales}: allowed are whole numbers, 1 first")
        if self.rest.content_weight:
            raise GessoError("rest: has a content weight; the query is what keeps the content")

    def of_style(self, seen: Seen) -> dict[str, Tensor]:
        """What pictures are compared with: rows.K (S, M, C) of each scale K, mean.K (S, C) of all
        its vectors, and Gram matrices."""
        found = self.rest.of_style(seen)
        for scale in self.scales:
            features = seen(scale, self.rest.levels)
            rows = hypercolumns(features, *cells(features[self.rest.levels[0]]))
            generator = torch.Generator().manual_seed(scale)
            some = torch.randperm(rows.shape[1], generator=generator)[:ROWS].to(rows.device)
            found |= {f"rows.{scale}": rows[:, some], f"mean.{scale}": rows.mean(1)}
        return found

    def read(self, encode: Encode, photos: Tensor) -> Tensor:
        """The vectors (B, N, C) of photos (B, 3, H, W), one scale after the other."""
        return torch.cat([rows for rows, _ in self._columns(encode, photos)], 1)

    @torch.no_grad()
    def wanted(self, read: Tensor, style: Mapping[str, Tensor], photos: Tensor) -> Tensor:
        """(B, N): for every vector that was read the number of the nearest one of 1 or B styles."""
        counts, dtype = self._counts(photos), fast_dtype(read.device)
        parts = zip(self.scales, torch.split(read, counts, 1), strict=True)
        found = []
        for scale, queries in parts:
            rows, means = (
                style[f"{name}.{scale}"].expand(len(read), *[-1] * dims)
                for name, dims in (("rows", 2), ("mean", 1))
            )
            each = zip(queries, rows, means, strict=True)
            found.append(torch.stack([nearest(q, row, mean, dtype) for q, row, mean in each]))
        return torch.cat(found, 1)

    def query(self, raw: Tensor, photos: Tensor) -> Tensor:
        """What is matched from the second round on, (B, 3, H, W): the picture, of which the network
        put out `raw`, and the photo's share."""
        return torch.lerp(self.rest.picture(raw), photos, self.alpha).clamp(0, 1)

    def picture(self, raw: Tensor) -> Tensor:
        """The picture as the encoder sees it."""
        return self.rest.picture(raw)

    def of_network(
        self,
        raw: Tensor,
        features_of: Encode,
        wanted: Tensor,
        style: Mapping[str, Tensor],
        photo: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Weighted terms, each (B,), of what a network puts out, (B, 3, H, W), for a photo; `style`
        and `wanted` are what the methods of these names gave."""
        image = self.rest.picture(raw)
        seen = self._columns(features_of, image)
        numbers = torch.split(wanted, self._counts(image), 1)
        gaps = []
        for scale, (columns, _), chosen in zip(self.scales, seen, numbers, strict=True):
            rows = style[f"rows.{scale}"].expand(len(raw), -1, -1)
            goal = rows.gather(1, chosen[..., None].expand(-1, -1, rows.shape[2]))
            gaps.append((1 - F.cosine_similarity(columns, goal, dim=2)).mean(1))
        terms = {"matched": self.match_weight * torch.stack(gaps).mean(0)}
        terms |= self.rest(image, seen[0][1], wanted, style)
        return terms | self.rest.of_raw(raw, image, photo)

    def of_texture(
        self, raw: Tensor, features_of: Encode, style: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        """`of_network` of what a network puts out for noise: its own vectors are matched."""
        own = self.rest.picture(raw).detach()
        with torch.no_grad():
            wanted = self.wanted(self.read(features_of, own), style, own)
        return self.of_network(raw, features_of, wanted, style)

    def _columns(self, encode: Encode, images: Tensor) -> list[tuple[Tensor, Features]]:
        """Vectors (B, N, C) and features of each scale."""
        found = []
        for scale in self.scales:
            small = shrunk(images, scale)
            features = encode(small, self.rest.levels)
            found.append((hypercolumns(features, *cells(small)), features))
        return found

    def _counts(self, images: Tensor) -> list[int]:
        grids = [cells(shrunk(images[:1], scale)) for scale in self.scales]
        return [rows * columns for rows, columns in grids]


ForNetworks = NetworkObjective | MatchingObjective
"""What a network can be fitted by."""


def of_pairs(
    objective: ForNetworks,
    raw: Tensor,
    features_of: Encode,
    style: Mapping[str, Tensor],
    photos: Tensor,
    own: bool = True,
) -> dict[str, Tensor]:
    """The objective's `of_network` of what a network puts out for photos, in 1 or B styles; what is
    wanted is asked with `query`, in which its own picture has a say, or else with the photos."""
    with torch.no_grad():
        asked = objective.query(raw.detach(), photos) if own else photos
        wanted = objective.wanted(objective.read(features_of, asked), style, photos)
    return objective.of_network(raw, features_of, wanted, style, photos)


def matched_pairs(
    raw: Tensor, encoder: Encode, photos: Tensor, styles: Tensor, weight: float
) -> dict[str, Tensor]:
    """What a network is trained for besides statistics, when it serves any style: terms (B,) of
    what it puts out, without a sigmoid, for photos (B, 3, H, W) in styles (S, 3, h, w), of which
    each has B / S photos one after the other. They are the distance to the matched vectors, times
    `weight`, and `unevenness`; {} for no weight."""
    if not weight:
        return {}
    rest = UnboundedObjective(
        content_weight=0.0,
        style_weight=0.0,
        range_weight=0.0,
        evenness_weight=EVENNESS * weight,
    )
    objective = MatchingObjective(match_weight=weight, rest=rest)
    with torch.no_grad():
        style = objective.of_style(lambda times, levels: encoder(shrunk(styles, times), levels))
    times = len(photos) // len(styles)
    style = {name: value.repeat_interleave(times, 0) for name, value in style.items()}
    terms = of_pairs(objective, raw, encoder, style, photos)
    return {name: terms[name] for name in ("matched", "evenness")}
