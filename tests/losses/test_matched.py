"""The matching objective of networks: what is matched, with what, and what comes out of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from gesso.encoders.base import Encoder
from gesso.errors import GessoError
from gesso.fitting.config import FitOptions
from gesso.fitting.network import fit_network, style_target
from gesso.losses.columns import cells, hypercolumns
from gesso.losses.evenness import unevenness
from gesso.losses.matched import MatchingObjective, matched_pairs, of_pairs, shrunk
from gesso.losses.objectives import Objective, UnboundedObjective
from gesso.losses.terms import grams
from tiny import pictures, tiny_encoder, tiny_net

PLAIN = MatchingObjective(scales=(1,), rest=Objective(content_weight=0.0, style_weight=0.0))
BOTH = replace(PLAIN, scales=(1, 2))
PHOTOS, STYLES = pictures(2, 32, seed=1), pictures(2, 48, seed=5)


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return tiny_encoder()


def wanted_of(objective: MatchingObjective, encoder: Encoder, style: dict[str, Tensor]) -> Tensor:
    return objective.wanted(objective.read(encoder, PHOTOS), style, PHOTOS)


def vectors(encoder: Encoder, image: Tensor) -> Tensor:
    """(N, C), as the method that paints pictures takes them of (3, H, W)."""
    return hypercolumns(encoder(image[None]), *cells(image))[0]


@pytest.mark.parametrize("scale", [1, 2])
def test_every_vector_is_matched_with_its_own_style_at_its_own_scale(
    scale: int, encoder: Encoder
) -> None:
    style = style_target(encoder, BOTH, STYLES)
    found = torch.split(wanted_of(BOTH, encoder, style), [64, 16], 1)[scale - 1]
    for one, photo, painting in zip(range(2), PHOTOS, STYLES, strict=True):
        query, rows = (vectors(encoder, shrunk(p[None], scale)[0]) for p in (photo, painting))
        q, s = (F.normalize(v - v.mean(0), dim=1) for v in (query, rows))
        alike = q @ s.T
        chosen = style[f"rows.{scale}"][one][found[one]]
        apart = torch.cdist(chosen, rows)  # nothing from the one it is
        assert float(apart.amin(1).max()) < 0.01
        # Where the processor multiplies bfloat16 the search runs in it: as good, up to rounding.
        missed = alike.amax(1) - alike[torch.arange(len(q)), apart.argmin(1)]
        assert float(missed.max()) < 0.01


def test_the_term_is_the_mean_cosine_distance_over_vectors_and_scales(encoder: Encoder) -> None:
    style = style_target(encoder, BOTH, STYLES[0])
    wanted, raw = wanted_of(BOTH, encoder, style), torch.randn(2, 3, 32, 32)
    terms = BOTH.of_network(raw, encoder, wanted, style)
    assert set(terms) == {"matched", "tv"}
    for one, image in enumerate(raw.sigmoid()):
        means = []
        for scale, chosen in zip((1, 2), torch.split(wanted[one], [64, 16]), strict=True):
            ours = vectors(encoder, shrunk(image[None], scale)[0])
            goal = style[f"rows.{scale}"][0][chosen]
            means.append(1 - (F.normalize(ours, dim=1) * F.normalize(goal, dim=1)).sum(1).mean())
        torch.testing.assert_close(terms["matched"][one], torch.stack(means).mean())


def test_the_photo_as_its_own_style_has_nothing_to_change(encoder: Encoder) -> None:
    style = style_target(encoder, BOTH, PHOTOS[0])
    raw = PHOTOS[:1].clamp(1e-4, 1 - 1e-4).logit()
    wanted = BOTH.wanted(BOTH.read(encoder, PHOTOS[:1]), style, PHOTOS[:1])
    assert float(BOTH.of_network(raw, encoder, wanted, style)["matched"]) < 1e-4


def test_the_other_terms_are_those_of_the_rest(encoder: Encoder) -> None:
    rest = Objective(content_weight=0.0, style_weight=0.1, evenness_weight=3.0)
    objective, raw = replace(PLAIN, rest=rest), torch.randn(2, 3, 32, 32)
    style = style_target(encoder, objective, STYLES[0])
    wanted = wanted_of(objective, encoder, style)
    terms = objective.of_network(raw, encoder, wanted, style, PHOTOS)
    targets = grams(encoder(STYLES[:1]))
    expected = rest.of_network(raw, encoder, encoder(PHOTOS)["relu3_3"], targets, PHOTOS)
    assert set(terms) == {"matched", *expected} and "content" not in terms
    for name, value in expected.items():
        torch.testing.assert_close(terms[name], value)


def test_a_network_without_a_sigmoid_is_judged_by_what_it_puts_out(encoder: Encoder) -> None:
    rest = UnboundedObjective(content_weight=0.0, style_weight=0.0, range_weight=2.0)
    objective = replace(PLAIN, rest=rest)
    style = style_target(encoder, objective, STYLES[0])
    wanted = wanted_of(objective, encoder, style)
    raw = torch.randn(2, 3, 32, 32).sigmoid()
    terms = objective.of_network(raw, encoder, wanted, style)
    same = PLAIN.of_network(raw.logit(), encoder, wanted, style)
    torch.testing.assert_close(terms["matched"], same["matched"])
    assert float(objective.of_network(raw + 1, encoder, wanted, style)["range"].min()) > 0


def test_vectors_are_matched_anew_with_the_picture_in_every_round(encoder: Encoder) -> None:
    seen: list[tuple[int, float]] = []

    class Watched(MatchingObjective):
        def query(self, raw: Tensor, photos: Tensor) -> Tensor:
            found = super().query(raw, photos)
            torch.testing.assert_close(found, torch.lerp(raw.sigmoid(), photos, 0.25))
            seen.append((steps_done[0], float(found.mean())))
            return found

    steps_done = [0]
    objective = Watched(rounds=3, scales=(1,), rest=PLAIN.rest)
    options = FitOptions(crop=32, batch=1, pool=1, whole=0.0)
    fit_network(
        *(tiny_net(), encoder, objective, style_target(encoder, objective, STYLES[0])),
        *(list(PHOTOS[:1]), options, 6),
        on_step=lambda step, _: steps_done.__setitem__(0, step + 1),
    )
    assert [step for step, _ in seen] == [2, 4]
    assert len({mean for _, mean in seen}) == 2  # of the network as it was by then


def test_the_network_sees_the_photo_moved_in_every_step(encoder: Encoder) -> None:
    net, seen = tiny_net(), set[tuple[int, ...]]()
    net.register_forward_pre_hook(lambda _, given: seen.add(tuple(given[0].shape[-2:])))
    options = FitOptions(crop=32, batch=1, pool=1, whole=0.0)
    target = style_target(encoder, PLAIN, STYLES[0])
    fit_network(net, encoder, PLAIN, target, list(PHOTOS[:1]), options, 30)
    assert len(seen) > 10 and {n for size in seen for n in size} == {32, 33, 34, 35}


@pytest.mark.parametrize("objective", [PLAIN, BOTH], ids=["one scale", "two scales"])
def test_a_fit_lowers_it(objective: MatchingObjective, encoder: Encoder) -> None:
    seen: list[float] = []
    options = FitOptions(lr=5e-3, affine_lr=5e-3, crop=32, batch=1, pool=1, whole=0.0)
    fit_network(
        *(tiny_net(), encoder, objective, style_target(encoder, objective, STYLES[0])),
        *(list(PHOTOS[:1]), options, 20),
        on_step=lambda _, terms: seen.append(terms["matched"]),
    )
    assert seen[-1] < 0.8 * seen[0]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"alpha": 1.5}, "alpha 1.5"),
        ({"rounds": 0}, "rounds 0"),
        ({"shift": 0}, "shift 0"),
        ({"scales": (2,)}, "scales"),
        ({"match_weight": -1.0}, "match_weight"),
        ({"rest": Objective()}, "rest"),
    ],
)
def test_values_that_make_no_sense_are_refused(given: dict[str, object], message: str) -> None:
    with pytest.raises(GessoError, match=message):
        replace(PLAIN, **given)  # type: ignore[arg-type]


def test_a_texture_is_matched_by_its_own_vectors(encoder: Encoder) -> None:
    style = style_target(encoder, BOTH, STYLES[0])
    itself = torch.logit(STYLES[:1].clamp(1e-4, 1 - 1e-4))
    other = torch.randn(1, 3, 48, 48, generator=torch.Generator().manual_seed(0))
    same, far = (BOTH.of_texture(raw, encoder, style)["matched"] for raw in (itself, other))
    assert float(same) < 1e-3 < 0.1 * float(far)


def test_each_photo_of_a_pair_is_matched_with_its_own_style(encoder: Encoder) -> None:
    raw = pictures(4, 32, seed=9)
    photos = torch.cat([PHOTOS, PHOTOS.flip(3)])
    found = matched_pairs(raw, encoder, photos, STYLES, 3.0)
    rest = UnboundedObjective(content_weight=0, style_weight=0, range_weight=0)
    alone = MatchingObjective(rest=rest)
    for one in range(4):
        style = style_target(encoder, alone, STYLES[one // 2])
        part = slice(one, one + 1)
        terms = of_pairs(alone, raw[part], encoder, style, photos[part])
        torch.testing.assert_close(found["matched"][part], 3 * terms["matched"])
    torch.testing.assert_close(found["evenness"], 75 * unevenness(raw, photos))
    assert matched_pairs(raw, encoder, photos, STYLES, 0.0) == {}


def test_a_pair_is_matched_by_the_photo_or_by_what_came_of_it(encoder: Encoder) -> None:
    style, raw = style_target(encoder, BOTH, STYLES), torch.randn(2, 3, 32, 32)
    for own, query in ((False, PHOTOS), (True, BOTH.query(raw, PHOTOS))):
        wanted = BOTH.wanted(BOTH.read(encoder, query), style, PHOTOS)
        expected = BOTH.of_network(raw, encoder, wanted, style, PHOTOS)
        found = of_pairs(BOTH, raw, encoder, style, PHOTOS, own)
        torch.testing.assert_close(found["matched"], expected["matched"])
