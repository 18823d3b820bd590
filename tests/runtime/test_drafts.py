"""Matching without torch: the pictures of its preset draft, and one line where it needs steps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import gesso
from command_line import python, refused, without_torch
from gesso import assets
from gesso.cards.cache import CardCache
from gesso.cards.card import StyleCard
from gesso.controls.controls import Controls
from gesso.controls.options import ControlOptions
from gesso.environment import PRECISION
from gesso.errors import GessoError
from gesso.images.read import read_image, read_photo
from gesso.images.write import eight_bits, write_image
from gesso.methods.matching.method import Matching
from gesso.methods.registry import about
from gesso.nn.patches import Bank, patches_of
from gesso.options import changed
from gesso.pipeline.presets import PRESETS
from gesso.pipeline.session import Session
from gesso.runtime import kept, patches
from gesso.runtime.drafts import Drafts, styles_of
from gesso.runtime.stylize import stylize

NEAR, ENOUGH = 2 / 255, 0.99  # a nearest patch may be another one by rounding
DRAFT = PRESETS["draft"].options
STYLES = sorted(assets.STYLES.glob("*.jpg"))
PHOTOS = sorted(assets.CONTENTS.glob("*.jpg"))
IMPASTO, GLASS = assets.STYLES / "impasto.jpg", assets.STYLES / "stained-glass.jpg"
NEEDS = "needs torch, which is not installed: pip install 'gesso[torch]'"


@pytest.fixture(autouse=True)
def in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PRECISION, "float32")


@pytest.fixture(scope="module")
def method() -> Matching:
    made = gesso.load("matching")
    assert isinstance(made, Matching)
    return made


def photo_of(number: int, size: int) -> Any:
    return read_photo(PHOTOS[number], size=size).rgb


def assert_alike(found: Any, made: Any, what: Any = "") -> None:
    assert found.shape == made.shape
    assert (np.abs(found - made) <= NEAR).mean() >= ENOUGH, what


def by_torch(method: Matching, styles: list[Any], photo: Any, size: int = 256, **how: Any) -> Any:
    """What torch draws with new cards."""
    cards = [method.adapt(style, style_size=size, **DRAFT) for style in styles]
    return with_cards(method, cards, photo, **how)


def with_cards(method: Matching, cards: list[StyleCard], photo: Any, **how: Any) -> Any:
    stylizer = Controls(polish=0, **how).stylizer(method, cards)
    return stylizer(torch.from_numpy(np.ascontiguousarray(photo))[None])[0].numpy()


@pytest.mark.parametrize(("number", "size"), [(0, 333), (3, 256)])
def test_pictures_are_those_that_torch_draws(method: Matching, number: int, size: int) -> None:
    photo, style = photo_of(number, size), IMPASTO if number else GLASS
    found = Drafts("matching").look([style])(photo)
    assert_alike(found, by_torch(method, [style], photo, 512))


def pencil() -> Any:
    """A style of one faint tint."""
    rows = np.random.default_rng(0).random((1, 96, 129), np.float32)
    return np.concatenate([rows, rows, np.float32(0.96) * rows])


def on_white() -> Any:
    """Something that stands before white."""
    picture = np.ones((3, 230, 260), np.float32)
    picture[:, 60:170, 70:190] = photo_of(3, 400)[:, :110, :120]
    return picture


def test_controls_are_those_of_torch(method: Matching) -> None:
    photo, light = photo_of(0, 230), Drafts("matching")
    cases: tuple[tuple[list[Any], Any, dict[str, Any]], ...] = (
        ([STYLES[1], STYLES[9]], photo, {"weights": [0.3, 0.7]}),
        ([STYLES[3]], photo, {"strength": 0.8}),
        ([STYLES[9]], photo_of(6, 420), {"stroke": 1.5}),
        ([STYLES[5]], photo * np.float32(0.12), {}),
        ([STYLES[7]], photo_of(4, 480), {"paint_size": 240, "color_share": 0.9}),
        ([STYLES[6]], photo, {"ground": "painted"}),
        ([STYLES[5]], photo, {"strength": 0.0}),
        ([STYLES[9]], photo_of(6, 420), {"strength": 0.3, "stroke": 0.9}),
        ([pencil()], photo[:, 90:150], {}),
        ([IMPASTO], on_white(), {}),
    )
    for styles, picture, how in cases:
        found = light.look(styles, how.get("weights"), ControlOptions(**how), 256)(picture)
        assert_alike(found, by_torch(method, styles, picture, **how), (styles, how))


def halves() -> list[Any]:
    """Two masks that leave something to the photo, soft in between."""
    ramp = np.linspace(0, 1, 40, dtype=np.float32)[None].repeat(30, 0)
    return [(1 - ramp).clip(0, 0.9), (ramp - 0.3).clip(0, 1)]


def test_regions_and_colours_are_those_of_torch(method: Matching) -> None:
    photo, light = photo_of(0, 230), Drafts("matching")
    session = Session(
        "matching", changed(about("matching").options(), {**DRAFT, "style_size": 256}), cache=None
    )
    cases: tuple[tuple[list[Path], dict[str, Any]], ...] = (
        (STYLES[3:5], {"masks": halves(), "feather": 9.0}),
        (STYLES[3:5], {"masks": halves()[:1], "strength": 0.8}),
        ([STYLES[3]], {"color": "content"}),
        ([STYLES[9]], {"color": "luminance"}),
    )
    for styles, how in cases:
        found = light.look(styles, None, ControlOptions(**how), 256)(photo)
        told = how | {"masks": [torch.from_numpy(mask) for mask in how.get("masks", ())]}
        stylizer = session.stylizer(styles, Controls(**told))
        made = stylizer(torch.from_numpy(photo)[None])[0].numpy()
        assert_alike(found, made, (styles, how))


def test_cards_of_torch_are_drawn(method: Matching, tmp_path: Path) -> None:
    photo, light = photo_of(0, 230), Drafts("matching")
    mask = torch.zeros(20, 20)
    mask[:, :12] = 1
    cards = [
        method.adapt(STYLES[3], style_size=256),
        method.adapt(STYLES[5], style_size=256, alpha=0.7, style_mask=mask, recolor="off"),
        method.adapt(STYLES[7], style_size=256),
    ]
    del cards[2].config["key_blur"], cards[2].config["palette_first"]  # as older ones
    cards.append(gesso.mix(cards[:2], [1, 3]))
    paths = [tmp_path / f"{number}.safetensors" for number in range(len(cards))]
    for card, path in zip(cards, paths, strict=True):
        card.save(path)
    for numbers, weights in (([0], None), ([1], None), ([2], None), ([3], None), ([0, 3], [1, 2])):
        found = light.look([paths[n] for n in numbers], weights)(photo)
        drafts = [
            StyleCard(**{**vars(cards[n]), "config": {**cards[n].config, **DRAFT}}) for n in numbers
        ]
        assert_alike(found, with_cards(method, drafts, photo, weights=weights), numbers)


def test_cards_that_cannot_be_drawn_are_refused_in_one_line(
    method: Matching, tmp_path: Path, own_cache: Path
) -> None:
    card, path = method.adapt(STYLES[3], style_size=64), tmp_path / "card.safetensors"
    words = ("stylize", PHOTOS[0], "-s", path, "-o", tmp_path / "out.png")
    vectors = {n: t for n, t in card.tensors.items() if not n.startswith("painting")}
    for change, line in (
        ({"tensors": vectors}, "a card without its painting, which needs torch"),
        ({"config": {**card.config, "encoder_sha256": "0" * 64}}, "a card of another encoder"),
        ({"tensors": card.tensors | {"painting.0": torch.ones(5)}}, "a damaged painting.0"),
        ({"config": {**card.config, "drawn_by": "steps"}}, "a card with drawn_by steps"),
        ({"config": {**card.config, "recolor": "photo"}}, "recolor photo, which needs torch"),
        ({"config": {**card.config, "alpha": 7}}, "a card with a damaged alpha"),
        ({"config": {**card.config, "paintings": [0]}}, "damaged shares of its paintings"),
        ({"tensors": card.tensors | {"colors.mean": torch.ones(2)}}, "damaged colours: colors.me"),
    ):
        StyleCard(**{**vars(card), **change}).save(path)
        refused(without_torch(*words), "card.safetensors: ", line)


def test_the_command_draws_by_default_and_says_so(tmp_path: Path, own_cache: Path) -> None:
    out = tmp_path / "out.png"
    words = ("stylize", PHOTOS[0], "--style", IMPASTO, "-o", out, "--size", 210, "--overwrite")
    code, _, err = without_torch(*words)
    line = f"painted by matching, the preset draft; the preset balanced {NEEDS}"
    assert code == 0 and err.splitlines()[0] == line
    assert np.array_equal(eight_bits(read_photo(out).rgb), stylize(PHOTOS[0], IMPASTO, size=210))
    whole = gesso.stylize(PHOTOS[0], IMPASTO, preset="draft", size=210, cache=False)
    assert_alike(read_photo(out).rgb.transpose(1, 2, 0), whole / 255)
    for more in (["--preset", "draft"], ["--method", "matching"]):
        code, _, err = without_torch(*words, *more)
        assert code == 0 and ("painted by" in err) == (more[0] == "--method")
    for more, line in (
        (["--preset", "balanced"], f"--preset: {NEEDS}"),
        (["--preset", "best", "--method", "matching"], f"--preset: {NEEDS}"),
        (["--alpha", "0.5"], f"--alpha: {NEEDS}"),
        (["--final-steps", "0", "--preset", "draft"], f"--final-steps: {NEEDS}"),
        (["--preset", "draft", "--method", "adain"], "draft is made of matching"),
        (["--weights", "2", "--strength", "2"], "--strength"),
        (["--method", "wct"], "adain, meta_networks, matching run without"),
    ):
        refused(without_torch(*words, *more), line)


PYTHON = """
import sys; sys.modules["torch"] = None
import gesso
photo, out = sys.argv[1:]
made = gesso.stylize(photo, ["impasto", "neon"], out, preset="draft", size=80, strength=0.8)
assert made.shape == (80, 80, 3)
for more in ({"preset": "best"}, {"alpha": 0.3}, {"preset": "draft", "method": "adain"}):
    try:
        gesso.stylize(photo, "impasto", **more)
    except gesso.GessoError as error:
        print(error)
"""


def test_python_draws(tmp_path: Path, own_cache: Path) -> None:
    done = python("-c", PYTHON, str(PHOTOS[0]), str(tmp_path / "out.png"))
    first, second, third = done.stdout.splitlines()
    assert (first, second) == (f"preset: {NEEDS}", f"alpha: {NEEDS}"), done.stderr
    assert third.startswith("preset: draft is made of matching")


def test_the_engine_draws_by_name_where_torch_is(tmp_path: Path, own_cache: Path) -> None:
    words = ["stylize", PHOTOS[0], "--style", IMPASTO, "-o", tmp_path / "out.png", "--size", 64]
    script = "import sys; from gesso.cli import run; code = run(sys.argv[1:]); "
    script += "sys.exit(code or 9 * ('torch' in sys.modules))"
    done = python("-c", script, *map(str, words), "--engine", "onnxruntime")
    assert done.returncode == 0, done.stderr
    assert "the preset draft; the preset balanced needs --engine torch" in done.stderr


def test_a_painting_is_kept_as_torch_keeps_it(
    method: Matching, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache, photo = CardCache(tmp_path), photo_of(2, 70)
    first = Drafts("matching", cache).look([STYLES[4]], style_size=96)(photo)
    (entry,) = cache.entries()
    assert (entry.style, entry.method) == (STYLES[4].name, "matching") and entry.bytes < 500_000
    card, found = method.adapt(STYLES[4], style_size=96), cache.get(entry.path.stem)
    assert found is not None and found.tensors.keys() == card.tensors.keys()
    for name, tensor in card.tensors.items():
        assert np.allclose(found.tensors[name], tensor, atol=1e-3), name
    assert torch.equal(found.tensors["colors.pixels"], card.tensors["colors.pixels"])
    monkeypatch.setattr(Drafts, "_found", None)
    known = Drafts("matching", cache)
    assert np.array_equal(known.look([STYLES[4]], style_size=96)(photo), first)


@pytest.mark.parametrize(("stride", "masked"), [(1.0, False), (2.0, True), (2.7, False)])
def test_patches_are_those_that_torch_finds(
    stride: float, masked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patches, "ACROSS", 7)
    monkeypatch.setattr(patches, "PRODUCTS", 64)
    random = np.random.default_rng(0)
    content = random.random((11, 19, 5), np.float32)
    maps, keys = ([random.random(s, np.float32) for s in ((13, 9, 5), (8, 12, 5))] for _ in "ab")
    keys[0][..., 2] = 0
    mask = np.zeros((13, 9), bool)
    mask[2:8, 1:6] = True
    ons = [mask if masked else None, None]
    mine = patches.Bank(
        [patches.patches_of(f, k, stride, on) for f, k, on in zip(maps, keys, ons, strict=True)]
    )
    first = [torch.from_numpy(x).permute(2, 0, 1) for x in (*maps, *keys)]
    told = [None if on is None else torch.from_numpy(on) for on in ons]
    theirs = Bank(
        [patches_of(first[n], 3, stride, mask=told[n], keys=first[n + 2]) for n in (0, 1)]
    )
    choice = mine.nearest(content)
    wanted = theirs.nearest(torch.from_numpy(content).permute(2, 0, 1))
    assert np.array_equal(choice, wanted.numpy())
    built = theirs.built(wanted).permute(1, 2, 0).numpy()
    assert np.allclose(mine.built(choice, 0, 11), built, atol=1e-6)
    assert np.allclose(mine.built(choice, 3, 8), built[3:8], atol=1e-6)
    with pytest.raises(GessoError, match="smaller than a patch"):
        mine.nearest(content[:2])
    with pytest.raises(GessoError, match="features of 2 × 19 places: smaller than a patch of 3"):
        patches.patches_of(content[:2], content[:2])


def test_numbers_are_drawn_as_torch_draws_them() -> None:
    for most, count, seed in ((1000, 512, 0), (300, 512, 7), (1, 5, 0)):
        wanted = torch.randperm(most, generator=torch.Generator().manual_seed(seed))[:count]
        assert kept.drawn(most, count, seed) == wanted.tolist()


def test_a_small_photo_is_drawn_all_the_same() -> None:
    light = styles_of("matching")
    for size in (7, 33, 150):
        picture = read_image(PHOTOS[0], size=size)
        made = light.look([IMPASTO], style_size=128)(picture)
        assert made.shape == picture.shape and np.isfinite(made).all()
        assert np.abs(made - picture).max() > 0.05


def test_a_folder_of_photos_is_drawn(tmp_path: Path, own_cache: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in (0, 3):
        write_image(folder / f"{number}.png", photo_of(number, 64))
    words = ("stylize", folder, "-s", IMPASTO, "-o", tmp_path / "made")
    assert without_torch(*words)[0] == 0
    assert len(list((tmp_path / "made").iterdir())) == 2
