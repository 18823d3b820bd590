"""What the bundled weights make of flat, smooth, one-coloured and dark pictures. The numbers are in
steps of 8 bits; those in comments were measured without `gesso.nn.surroundings`."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

import gesso
from gesso.assets import STYLES
from gesso.stylizers.stylizer import Stylizer

METHODS = ("adain", "avatar_net", "meta_networks", "metastyle", "wct")
HEIGHT, WIDTH = 64, 96


@pytest.fixture(scope="module", params=METHODS)
def stylizer(request: pytest.FixtureRequest) -> Stylizer:
    """In the style of a bundled painting; MetaStyle at its start, which takes no adaptation."""
    method = gesso.load(request.param)
    if request.param == "metastyle":
        return method.stylizer(method.neutral())
    style = STYLES / "impasto.jpg"
    return method.stylizer(method.adapt(style, style_size=128, vectors=False))


def of_one_color(*rgb: int) -> Tensor:
    return torch.tensor(rgb).view(1, 3, 1, 1).expand(1, 3, HEIGHT, WIDTH) / 255


def steps(image: Tensor) -> Tensor:
    """What separates neighbours at most, in steps of 8 bits."""
    return 255 * torch.stack([image.diff(dim=axis).abs().max() for axis in (2, 3)]).max()


def luminance(image: Tensor) -> Tensor:
    return 255 * torch.einsum("c,bchw->bhw", torch.tensor([0.299, 0.587, 0.114]), image)


def night() -> Tensor:
    """Lit windows below a sky with some noise: 28 of 255 in the mean, the sky 16."""
    photo = of_one_color(12, 14, 34).clone()
    noise = torch.randn(1, 1, 32, WIDTH, generator=torch.Generator().manual_seed(0))
    photo[:, :, :32] += 3 / 255 * noise
    for left in range(6, 90, 11):
        photo[:, :, 40:50, left : left + 5] = torch.tensor([250, 200, 110]).view(1, 3, 1, 1) / 255
    return (255 * photo.clamp(0, 1)).round() / 255


def grain(light: Tensor) -> float:
    """Deviation of what a 5 px average takes away."""
    smooth = torch.nn.functional.avg_pool2d(light, 5, 1, 2, count_include_pad=False)
    return float((light - smooth).std())


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_flat_picture_stays_flat(stylizer: Stylizer, level: int) -> None:
    picture = stylizer(of_one_color(level, level, level))
    assert float((picture.amax((2, 3)) - picture.amin((2, 3))).max()) < 0.5 / 255  # adain: 255


def test_a_soft_gradient_gets_no_stripes(stylizer: Stylizer) -> None:
    down = torch.linspace(0, 1, HEIGHT).view(-1, 1)
    across = torch.linspace(0, 1, WIDTH)
    sky = torch.stack(
        [90 + 20 * across + 0 * down, 120 + 25 * down + 5 * across, 170 + 40 * down + 0 * across]
    )
    picture = stylizer(sky.round().unsqueeze(0) / 255)
    assert float(steps(picture)) < 30  # 178, 125, 80


def test_pictures_of_one_colour_differ_by_it(stylizer: Stylizer) -> None:
    colors = (200, 40, 30), (40, 150, 60), (30, 60, 180), (230, 200, 60)
    made = 255 * torch.stack([stylizer(of_one_color(*rgb)).mean((0, 2, 3)) for rgb in colors])
    assert float(torch.pdist(made).min()) > 20  # 10, 0, 0
    assert bool((made[0, 0] > made[1:3, 0] + 20).all())  # the red one has most red: by 4, 0, 0


def test_the_style_has_a_say_in_pictures_of_one_colour() -> None:
    for name in ("adain", "meta_networks"):
        method, made = gesso.load(name), []
        for style in ("impasto", "ukiyo-e"):
            card = method.adapt(STYLES / f"{style}.jpg", style_size=128, vectors=False)
            made.append(method.stylizer(card)(of_one_color(200, 40, 30)).mean((0, 2, 3)))
        assert 255 * float((made[0] - made[1]).norm()) > 60  # meta_networks: 0


def test_a_night_stays_dark_and_its_noise_small(stylizer: Stylizer) -> None:
    photo = night()
    picture = stylizer(photo)
    before, after = luminance(photo), luminance(picture)
    assert float(after.mean()) < float(before.mean()) + 45  # 101, 124, 125 of 28
    sky, painted = (light[:, 4:28, 4:-4] for light in (before, after))
    assert grain(painted) < 1.7 * grain(sky)  # 2.3, 2.8, 3.1


def test_no_picture_depends_on_those_beside_it(stylizer: Stylizer) -> None:
    ordinary = torch.rand(1, 3, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(1))
    photos = [ordinary, night(), of_one_color(128, 128, 128)]
    together = stylizer(torch.cat(photos))
    for photo, picture in zip(photos, together, strict=True):
        torch.testing.assert_close(stylizer(photo)[0], picture, atol=1e-3, rtol=0)
