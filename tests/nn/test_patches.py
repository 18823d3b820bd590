"""Patches of features: found by normalised cross-correlation, and put together again."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from gesso.errors import GessoError
from gesso.nn import patches
from gesso.nn.patches import Bank, patches_of

SIZES = pytest.mark.parametrize("size", [1, 3, 5])


def features(height: int, width: int, seed: int = 0, channels: int = 6) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(channels, height, width, generator=generator)


def windows(x: Tensor, size: int) -> Tensor:
    """(N, C, size, size): all patches of (C, h, w), row by row."""
    return F.unfold(x[None], size)[0].T.reshape(-1, len(x), size, size)


def swapped_by_convolution(content: Tensor, style: Tensor, size: int) -> Tensor:
    """The paper's three layers: convolution with the normalised patches, arg max, transposed
    convolution divided by how often each place is covered."""
    kernels = windows(style, size)
    scores = F.conv2d(content[None], kernels / kernels.flatten(1).norm(dim=1)[:, None, None, None])
    one_hot = F.one_hot(scores.argmax(1), len(kernels)).permute(0, 3, 1, 2).float()
    covered = F.conv_transpose2d(torch.ones_like(one_hot[:, :1]), torch.ones(1, 1, size, size))
    return (F.conv_transpose2d(one_hot, kernels) / covered)[0]


@SIZES
def test_a_map_swapped_with_itself_is_itself(size: int) -> None:
    x = features(9, 12)
    bank = Bank([patches_of(x, size)])
    assert torch.equal(bank.nearest(x).flatten(), torch.arange(len(bank.styles[0])))
    torch.testing.assert_close(bank.swapped(x), x)


@SIZES
def test_it_is_the_papers_three_layers(size: int) -> None:
    content, style = features(11, 8), features(10, 13, seed=1)
    found = Bank([patches_of(style, size)]).swapped(content)
    torch.testing.assert_close(found, swapped_by_convolution(content, style, size))


@pytest.mark.parametrize("stride", [1, 1.7, 2, 3])
def test_the_search_equals_brute_force(stride: float) -> None:
    content, style = features(10, 9), features(12, 14, seed=1)
    made = patches_of(style, 3, stride)
    kept = windows(style, 3).view(10, 12, -1)[made.tops][:, made.lefts].flatten(0, 1)
    likeness = F.cosine_similarity(windows(content, 3).flatten(1)[:, None], kept[None], dim=2)
    assert torch.equal(Bank([made]).nearest(content).flatten(), likeness.argmax(1))


def test_only_a_direction_counts_not_its_length() -> None:
    content, style = features(7, 7), features(8, 8, seed=1)
    usual = Bank([patches_of(style, 3)]).nearest(content)
    assert torch.equal(Bank([patches_of(style, 3)]).nearest(5 * content), usual)
    brighter = torch.cat([style[:, :4], 9 * style[:, 4:]], 1)
    chosen = Bank([patches_of(brighter, 1)]).nearest(content)
    assert torch.equal(chosen, Bank([patches_of(style, 1)]).nearest(content))


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    content, styles = features(13, 17), [features(9, 11, seed) for seed in (1, 2)]
    bank = Bank([patches_of(styles[0], 3), patches_of(styles[1], 3, stride=2)])
    whole = bank.nearest(content)
    monkeypatch.setattr(patches, "BLOCK", 4)
    monkeypatch.setattr(patches, "STYLE_PLACES", 20)
    assert torch.equal(bank.nearest(content), whole)


def test_a_part_is_built_as_in_the_whole() -> None:
    bank = Bank([patches_of(features(9, 11), 3)])
    choice = bank.nearest(features(13, 17, seed=1))
    part = bank.built(choice, slice(2, 13), slice(0, 5))
    torch.testing.assert_close(part, bank.built(choice)[:, 2:13, 0:5])


def test_two_styles_are_searched_together() -> None:
    content = features(9, 9)
    one, other = features(8, 8, seed=1), features(6, 7, seed=2)
    both = Bank([patches_of(one, 3), patches_of(other, 3)]).nearest(content).flatten()
    kept = torch.cat([windows(one, 3), windows(other, 3)]).flatten(1)
    likeness = F.cosine_similarity(windows(content, 3).flatten(1)[:, None], kept[None], dim=2)
    assert torch.equal(both, likeness.argmax(1))


@pytest.mark.parametrize("most", [1, 7, 40, 99, 1000])
def test_there_are_at_most_so_many_patches(most: int) -> None:
    made = patches_of(features(12, 15), 3, most=most)
    assert 0.6 * min(most, 130) - 1 <= len(made) <= most
    assert len(made.weights.flatten()) == len(made.places) == len(made)


def test_only_patches_within_a_mask_count() -> None:
    x, mask = features(10, 10), torch.zeros(10, 10, dtype=torch.bool)
    mask[2:7, 3:9] = True
    made = patches_of(x, 3, mask=mask)
    assert made.on is not None and int(made.on.sum()) == 3 * 4
    chosen = Bank([made]).nearest(features(8, 8, seed=1))
    assert bool(made.on.flatten()[chosen].all())
    mask[:] = False
    mask[4, 4] = True  # no patch is within it: those that hold the place
    made = patches_of(x, 3, mask=mask)
    assert made.on is not None and int(made.on.sum()) == 9


def test_empty_patches_are_not_taken_for_like_ones() -> None:
    style = features(8, 8).abs()
    style[:, :, :4] = 0
    choice = Bank([patches_of(style, 3)]).nearest(features(6, 6, seed=1).abs())
    assert bool((patches_of(style, 3).weights.flatten()[choice] > 0).all())
    assert bool(torch.isfinite(Bank([patches_of(style * 0, 3)]).swapped(style)).all())


def test_maps_smaller_than_a_patch_are_refused() -> None:
    with pytest.raises(GessoError, match="2 × 9 places: smaller than a patch of 3"):
        patches_of(features(2, 9), 3)
    with pytest.raises(GessoError, match="9 × 2 places: smaller than a patch of 3"):
        Bank([patches_of(features(5, 5), 3)]).nearest(features(9, 2))


def test_half_precision_is_searched_in_float32() -> None:
    content, style = features(7, 7), features(8, 8, seed=1).half()
    bank = Bank([patches_of(style, 3)])
    assert torch.equal(bank.nearest(content), Bank([patches_of(style.float(), 3)]).nearest(content))
    assert bank.swapped(content).dtype == torch.float32


def test_patches_are_looked_for_by_their_keys_and_built_of_their_features() -> None:
    content, style, keys = features(9, 8), features(10, 11, seed=1), features(10, 11, seed=2)
    bank = Bank([patches_of(style, 3, 2, keys=keys)])
    found = bank.nearest(content)
    assert torch.equal(found, Bank([patches_of(keys, 3, 2)]).nearest(content))
    assert torch.equal(bank.built(found), Bank([patches_of(style, 3, 2)]).built(found))
    other = Bank([patches_of(style, 3, keys=features(10, 11, seed=1, channels=6))])
    assert torch.equal(other.nearest(content), Bank([patches_of(style, 3)]).nearest(content))
