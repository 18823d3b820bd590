"""Nearest neighbours: the search is brute force's, what is matched gets the gradient."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from gesso.losses.matching import cosine_distance, nearest, representatives


def vectors(count: int, seed: int, channels: int = 12) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, channels, generator=generator) + 3


def test_the_search_is_brute_forces() -> None:
    query, style = vectors(300, 1), vectors(170, 2)
    q, s = query - query.mean(0), style - style.mean(0)
    distances = 1 - F.cosine_similarity(q[:, None], s[None], dim=2)
    assert torch.equal(nearest(query, style), distances.argmin(1))


def test_bfloat16_finds_neighbours_as_good() -> None:
    query, style = vectors(300, 1), vectors(170, 2)
    q, s = query - query.mean(0), style - style.mean(0)
    exact, fast = (
        F.cosine_similarity(q, s[nearest(query, style, dtype=dtype)], dim=1)
        for dtype in (torch.float32, torch.bfloat16)
    )
    assert float((exact - fast).max()) < 0.01


def test_a_style_that_holds_the_vectors_gives_them_back() -> None:
    query = vectors(100, 3)
    order = torch.randperm(100, generator=torch.Generator().manual_seed(0))
    assert torch.equal(query[order][nearest(query, query[order])], query)


def test_a_part_of_a_style_is_centred_by_the_mean_of_the_whole() -> None:
    query, style = vectors(50, 4), vectors(80, 5)
    part, mean = style[:40], style.mean(0)
    q, s = query - query.mean(0), part - mean
    distances = 1 - F.cosine_similarity(q[:, None], s[None], dim=2)
    assert torch.equal(nearest(query, part, mean), distances.argmin(1))


def test_the_gathered_gradient_is_autograds() -> None:
    query, style = vectors(40, 6).requires_grad_(), vectors(30, 7)
    found = nearest(query.detach(), style)
    (gathered,) = torch.autograd.grad(cosine_distance(query, style[found]), query)
    dots = (query * style[found]).sum(1)
    norms = query.norm(dim=1) * style[found].norm(dim=1)
    (plain,) = torch.autograd.grad((1 - dots / norms).mean(), query)
    torch.testing.assert_close(gathered, plain)


def test_representatives_keep_what_is_rare() -> None:
    common = vectors(500, 8) * 0.01 + torch.ones(12)
    rare = -torch.eye(12)[:3] * 5
    kept = representatives(torch.cat([common, rare]), 20)
    assert len(kept) == 20
    assert all(bool((kept == row).all(1).any()) for row in rare)
    assert torch.equal(representatives(common, 600).sort(0).values, common.sort(0).values)
    assert torch.equal(representatives(common, 20), representatives(common, 20))


def test_the_first_half_of_representatives_has_the_statistics_of_all() -> None:
    first = torch.eye(12)[0]
    common, rare = first + 0.01 * vectors(3900, 9), 0.5 * vectors(100, 10) - 3 * first
    everything = torch.cat([rare, common])
    drawn, chosen = representatives(everything, 400).split(200)
    away = [float((half.mean(0) - everything.mean(0)).abs().mean()) for half in (drawn, chosen)]
    assert away[0] < 0.1 < 0.4 < away[1]
