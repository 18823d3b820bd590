"""The training of a bank: one network for all styles of a folder at once."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, replace
from functools import partial
from pathlib import PurePosixPath

import numpy as np
import torch
from torch import Tensor

from gesso.encoders.base import Encoder
from gesso.errors import GessoError
from gesso.fitting.network import shifted, style_target
from gesso.losses.matched import ForNetworks, MatchingObjective, of_pairs
from gesso.losses.objectives import Objective
from gesso.methods.conditional_in.bank import Bank, Config
from gesso.methods.conditional_in.training_options import Training
from gesso.methods.metastyle.start import Config as Start
from gesso.nn.checkpoint import load_file
from gesso.nn.colors import Colors
from gesso.nn.pictures import read_image
from gesso.training.batches import STYLE_STREAM, Batches, MakeBatch
from gesso.training.recipe import Ingredients, Recipe, grid, weighted
from gesso.training.source import ImageSource

GIVE_BACK = Objective(style_weight=0.0, content_level="relu2_2")  # of the row that is the photo
PIXEL_WEIGHT = 10.0  # of its squared error
ROWS = 1024  # of a style's feature vectors that are searched: a crop of 128 px has as many
SHOWN = 6  # styles in a sample


def recipe(training: Training, given: Ingredients) -> Recipe:
    """A bank with a row of γ and β for every picture among the styles, and one for the photo."""
    named = named_styles(training.width, given.styles)
    bank = named.build()
    if given.start is not None and not given.resumed:
        bank.begin(load_file(given.start)[0], str(given.start))
    objective, encoder = _objective(training), given.encoder()
    pictures = [
        read_image(given.styles.read(i), size=training.style_size) for i in range(bank.count)
    ]
    config = replace(named, palettes=tuple(tuple(Colors.of(p).numbers()) for p in pictures))
    with given.fast():
        target = targets(encoder, objective, [p.to(given.device) for p in pictures])
    settings = ("batch", "crop", "resize_max", "style_size", "photo_steps")
    how = {name: getattr(training, name) for name in settings}

    def losses_of(batch: dict[str, Tensor], step: int) -> dict[str, Tensor]:
        return losses(bank, encoder, objective, target, batch, step >= training.photo_steps)

    return Recipe(
        bank,
        losses_of,
        batches(training, given.contents, bank.count),
        header={"kind": "bank", "method": "conditional_in", "config": config.as_header()},
        settings={
            **{"config": named.as_header(), "objective": asdict(objective)},
            **{"batch": how, "encoder": encoder.identity},
        },
        sample=partial(_sample, bank),
    )


def named_styles(width: int, styles: ImageSource) -> Config:
    """The bank's configuration: styles are named by their files, without folder and ending. Raises
    GessoError for two of one name."""
    names = [PurePosixPath(name.rpartition(":")[2]).stem for name in styles.names]
    if double := sorted({name for name in names if names.count(name) > 1}):
        raise GessoError(f"{styles.path}: two styles are named {double[0]}; each needs its own")
    digests = [hashlib.sha256(styles.read(i)).hexdigest() for i in range(len(styles))]
    return Config(width, tuple(names), tuple(digests))


def targets(encoder: Encoder, objective: ForNetworks, pictures: list[Tensor]) -> dict[str, Tensor]:
    """What the objective compares of all styles, (N, …) each; of their feature vectors ROWS, which
    styles with fewer repeat."""
    each = [style_target(encoder, objective, picture) for picture in pictures]
    for found in each:
        for name, rows in found.items():
            if name.startswith("rows."):
                found[name] = rows[:, torch.arange(ROWS, device=rows.device) % rows.shape[1]]
    return {name: torch.cat([one[name] for one in each]) for name in each[0]}


def batches(training: Training, contents: ImageSource, count: int) -> MakeBatch:
    """{"contents": (B / world, 3, crop, crop), "styles": (B / world,)}: all rows of the bank, the
    photo's too, take turns in a fresh order by (seed, turn)."""
    photos = Batches(
        *(contents, training.batch),
        crop=training.crop,
        resize_max=max(training.crop, training.resize_max),
        seed=training.seed,
    )

    def drawn(place: int) -> int:
        turn, at = divmod(place, count + 1)
        return int(
            np.random.default_rng([training.seed, STYLE_STREAM, turn]).permutation(count + 1)[at]
        )

    def make(step: int, rank: int = 0, world: int = 1) -> dict[str, Tensor]:
        share = training.batch // world
        first = step * training.batch + rank * share
        rows = [drawn(place) for place in range(first, first + share)]
        return {"contents": photos.batch(step, rank, world), "styles": torch.tensor(rows)}

    return make


def losses(
    bank: Bank,
    encoder: Encoder,
    objective: ForNetworks,
    target: dict[str, Tensor],
    batch: dict[str, Tensor],
    later: bool,
) -> dict[str, Tensor]:
    """Mean terms over the batch; in the `later` steps the last round's query is matched."""
    contents, rows = batch["contents"], batch["styles"]
    moves = torch.randint(objective.shift, (2,)).tolist()

    def net(images: Tensor, raw: bool) -> Tensor:
        out: Tensor = bank(images, rows, raw)
        return out

    raw, painted = shifted(net, contents, moves), rows < bank.count
    terms = {}
    if bool(painted.any()):
        photos, ours = contents[painted], raw[painted]
        style = {name: value[rows[painted]] for name, value in target.items()}
        found = of_pairs(objective, ours, encoder, style, photos, later and objective.rounds > 1)
        terms = {name: value.sum() / len(rows) for name, value in found.items()}
    if not bool(painted.all()):
        photos, ours = contents[~painted], raw[~painted]
        kept = GIVE_BACK.of_network(ours, encoder, GIVE_BACK.read(encoder, photos), {}, photos)
        pixels = (torch.sigmoid(ours) - photos).square().mean((1, 2, 3))
        back = (kept["content"] + PIXEL_WEIGHT * pixels).sum() / len(rows)
        terms["back"] = back
    zero = raw.new_zeros(())  # every step has the same terms
    names = [*_terms_of(objective), "back"]
    return {name: terms.get(name, zero) for name in names}


def _terms_of(objective: ForNetworks) -> list[str]:
    matching = isinstance(objective, MatchingObjective)
    rest = objective.rest if isinstance(objective, MatchingObjective) else objective
    names = ["matched"] if matching else []
    names += [n for n in ("content", "style") if getattr(rest, f"{n}_weight")]
    names += ["tv"]
    more = ("saturation", "evenness")
    return names + [n for n in more if getattr(rest, f"{n}_weight", 0)]


def _objective(training: Training) -> ForNetworks:
    chosen = Start().adapting_objective(training.objective)
    if isinstance(chosen, MatchingObjective):
        return replace(chosen, rest=weighted(chosen.rest, training))
    return weighted(chosen, training)


@torch.no_grad()
def _sample(bank: Bank, batch: dict[str, Tensor]) -> Tensor:
    """Photos above what the photo's row and some styles, spread over the bank, make of them."""
    photos = batch["contents"]
    some = torch.linspace(0, bank.count - 1, min(SHOWN, bank.count)).long().tolist()
    rows = [bank(photos, torch.full((len(photos),), row)) for row in (bank.count, *some)]
    return grid(torch.stack([photos, *rows]))
