"""The controls from the command line: shares, colour, masks, `gesso mix` and `gesso grid`."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from command_line import Gesso, refused
from gesso.cards.card import StyleCard
from gesso.cli import run
from gesso.images.write import write_image
from gesso.nn.pictures import luminance, read_image
from tiny import pictures
from tiny_files import TinyFiles, make_tiny_files, save_start


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> TinyFiles:
    files = make_tiny_files(tmp_path_factory.mktemp("tiny"))
    write_image(files.folder / "other.png", pictures(1, 70, seed=9)[0])
    half = torch.zeros(3, 30, 40)
    half[:, :, :20] = 1
    write_image(files.folder / "left.png", half)
    return files


@pytest.fixture(scope="module")
def cards(files: TinyFiles) -> list[Path]:
    paths = [files.folder / f"{name}.safetensors" for name in "ab"]
    for style, path in zip((files.style, files.folder / "other.png"), paths, strict=True):
        command = ["adapt", style, "-o", path, "-q", "--float32", *files.options]
        assert run([str(a) for a in command]) == 0
    return paths


def two(cards: list[Path]) -> list[object]:
    return ["--style", cards[0], "--style", cards[1]]


# several styles


def test_several_styles_are_mixed_as_gesso_mix_mixes_them(
    files: TinyFiles, cards: list[Path], cli: Gesso, tmp_path: Path
) -> None:
    command = ["stylize", files.photo, "--model", files.start, "-o"]
    assert cli(*command, tmp_path / "one.png", *two(cards), "--weights", "3,1")[0] == 0
    mixed = tmp_path / "mixed.safetensors"
    parts = [f"{cards[0]}=0.75", f"{cards[1]}=0.25"]
    code, out, err = cli("mix", *parts, "-o", mixed, "--float32")
    assert (code, out) == (0, "") and err.startswith(f"{mixed}: ") and "written" in err
    assert cli(*command, tmp_path / "two.png", "--style", mixed)[0] == 0
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
    assert cli("info", mixed)[0] == 0
    assert cli(*command, tmp_path / "equal.png", *two(cards))[0] == 0
    assert (tmp_path / "equal.png").read_bytes() != (tmp_path / "one.png").read_bytes()


def test_a_card_and_a_picture_are_mixed_too(
    files: TinyFiles, cards: list[Path], cli: Gesso, tmp_path: Path
) -> None:
    styles = ["-s", cards[0], "-s", files.folder / "other.png", "--weights", "0.5,0.5"]
    out = tmp_path / "out.png"
    code, _, err = cli("stylize", files.photo, *styles, *files.options, "-o", out)
    assert code == 0 and "other.png: adapted, 2 steps" in err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--weights", "0.6"], ("--weights: 1 numbers for 2 styles",)),
        (["--weights", "1,-1"], ("sum to 0",)),
        (["--weights", "1,nan"], ("--weights: '1,nan' is no list of numbers",)),
        (["--weights", "start.safetensors"], ("--weights: ", "a file of weights is --model FILE")),
        (["--color", "blue"], ("--color: blue is unknown; allowed are style, content, luminance",)),
        (["--feather", "3"], ("--feather: of no use without masks",)),
        (["--mask", "none.png"], ("none.png: no such file",)),
        (["--style-size", "64"], ("--style-size: of no use with", "a card")),
        (["--steps", "3", "--weights", "1,1"], ("--steps: of no use with",)),
    ],
)
def test_mistakes_are_one_line(
    files: TinyFiles, cards: list[Path], cli: Gesso, tmp_path: Path, options: list[str], words: str
) -> None:
    out = tmp_path / "out.png"
    command = ["stylize", files.photo, *two(cards), "--model", files.start, "-o", out]
    refused(cli(*command, *options), *words)
    assert not out.exists()


def test_cards_that_do_not_go_together_are_told_of_before_any_photo(
    files: TinyFiles, cards: list[Path], cli: Gesso, tmp_path: Path
) -> None:
    save_start(tmp_path / "other.safetensors", seed=1)
    foreign = tmp_path / "foreign.safetensors"
    options = [*files.options, "--model", tmp_path / "other.safetensors", "-o", foreign]
    assert cli("adapt", files.style, *options)[0] == 0
    styles = ["-s", cards[0], "-s", foreign]
    result = cli("stylize", files.photos, *styles, "-o", tmp_path / "out", "--model", files.start)
    refused(result, "cards 1 and 2 cannot be blended: configuration start is")
    assert not (tmp_path / "out").exists()
    refused(cli("mix", cards[0], foreign, "-o", tmp_path / "c.safetensors"), "a.safetensors, forei")
    result = cli("grid", files.photo, *styles, "-o", tmp_path / "g.png", "--model", files.start)
    refused(result, "cannot be blended")

    gatys = tmp_path / "gatys.safetensors"
    encoder = ["--encoder", files.encoder, "--style-size", 64]
    assert cli("adapt", files.style, "-o", gatys, "--method", "gatys", *encoder)[0] == 0
    styles = ["-s", cards[0], "-s", gatys]
    refused(
        cli("stylize", files.photo, *styles, "-o", tmp_path / "a.png"),
        "gatys.safetensors: a card of gatys, but ",
    )
    result = cli("mix", cards[0], gatys, "-o", tmp_path / "c.safetensors")
    refused(result, "cards of methods metastyle and gatys cannot be mixed")


@pytest.mark.parametrize("weights", ["1,-1", "1e308,-1e308", "0,0"])
def test_weights_that_cancel_out_are_told_of_before_adapting(
    files: TinyFiles, cli: Gesso, tmp_path: Path, weights: str
) -> None:
    styles = ["-s", files.style, "-s", files.folder / "other.png", "--weights", weights]
    out = tmp_path / "out.png"
    refused(cli("stylize", files.photo, *styles, *files.options, "-o", out), "sum to 0")
    assert not (tmp_path / "cache").exists()


# mix


def test_mix_refuses_what_it_cannot_mix_or_write(
    files: TinyFiles, cards: list[Path], cli: Gesso, tmp_path: Path
) -> None:
    before = cards[0].read_bytes()
    refused(cli("mix", *cards, "-o", cards[0]), str(cards[0]), "is an input")
    assert cards[0].read_bytes() == before
    out = tmp_path / "c.safetensors"
    refused(cli("mix", f"{cards[0]}=much", "-o", out), "'much' is no share")
    refused(cli("mix", files.style, cards[0], "-o", out), str(files.style), "a picture")
    refused(cli("mix", tmp_path / "no.safetensors", "-o", out), "no.safetensors")
    refused(cli("mix", *cards, "-o", tmp_path / "c.png"), "c.png", ".safetensors")
    refused(cli("mix", f"{cards[0]}=1", f"{cards[1]}=-1", "-o", out), "sum to 0")
    refused(cli("mix", files.start, "-o", out), str(files.start))
    assert not out.exists()
    assert cli("mix", *cards, "-o", out, "-q") == (0, "", "")
    refused(cli("mix", *cards, "-o", out, "--no-overwrite"), "exists; --overwrite replaces it")
    tensors = [StyleCard.load(path).tensors for path in (*cards, out)]
    name = next(iter(tensors[0]))
    mean = (tensors[0][name] + tensors[1][name]) / 2
    torch.testing.assert_close(tensors[2][name], mean, atol=1e-3, rtol=1e-3)


def test_a_name_with_an_equals_sign_is_a_name_if_it_is_a_file(
    cards: list[Path], cli: Gesso, tmp_path: Path
) -> None:
    odd = tmp_path / "a=1.safetensors"
    odd.write_bytes(cards[0].read_bytes())
    assert cli("mix", odd, f"{odd}=2", "-o", tmp_path / "c.safetensors")[0] == 0


# masks


def test_masks_give_every_style_its_region(
    files: TinyFiles, cards: list[Path], cli: Gesso, tmp_path: Path
) -> None:
    mask = files.folder / "left.png"
    command = ["stylize", files.photo, "--model", files.start, "-o"]
    both, first, second, half = (tmp_path / f"{n}.png" for n in ("both", "first", "second", "half"))
    assert cli(*command, both, *two(cards), "--mask", mask)[0] == 0
    assert cli(*command, first, "-s", cards[0])[0] == 0
    assert cli(*command, second, "-s", cards[1])[0] == 0
    found, one, other = (read_image(path) for path in (both, first, second))
    assert torch.equal(found[..., :32], one[..., :32])
    assert torch.equal(found[..., 36:], other[..., 36:])
    assert cli(*command, half, "-s", cards[0], "--mask", mask, "--feather", 4)[0] == 0
    assert torch.equal(read_image(half)[..., 50:], read_image(files.photo)[..., 50:])
    refused(cli(*command, both, *two(cards), *["--mask", mask] * 3), "mask: 3 given, for 2 styles")
    weights = ["--mask", mask, "--weights", "1,1"]
    refused(cli(*command, both, *two(cards), *weights), "weights: of no use with masks")
    before = mask.read_bytes()
    refused(cli(*command, mask, *two(cards), "--mask", mask), "is an input")
    assert mask.read_bytes() == before


# colour


def test_a_style_is_adapted_to_in_each_photos_colours_and_cached_by_them(
    files: TinyFiles, cli: Gesso, tmp_path: Path
) -> None:
    command = ["stylize", files.photo, "-s", files.style, *files.options, "--color"]
    one, two, plain, light = (tmp_path / f"{name}.png" for name in ("1", "2", "plain", "light"))
    assert cli(*command, "content", "-o", one)[0] == 0
    assert "1 styles" in cli("cache")[1]
    assert cli(*command, "content", "-o", two)[0] == 0
    assert "1 styles" in cli("cache")[1]  # the photo's colours are part of the key, and the same
    assert one.read_bytes() == two.read_bytes()
    assert cli(*command, "luminance", "-o", light)[0] == 0
    assert cli(*command, "style", "-o", plain)[0] == 0
    assert "3 styles" in cli("cache")[1]
    assert len({path.read_bytes() for path in (one, plain, light)}) == 3
    code, _, err = cli("stylize", files.photos, *command[2:], "content", "-o", tmp_path / "out")
    assert code == 1 and err.count("bad.jpg") == 1
    assert "5 styles" in cli("cache")[1]  # two more photos, two more sets of colours


def test_a_card_keeps_the_photos_colours_in_the_result(
    files: TinyFiles, cards: list[Path], cli: Gesso, tmp_path: Path
) -> None:
    out = tmp_path / "out.png"
    command = ["stylize", files.photo, "-s", cards[0], "--model", files.start, "-o", out]
    assert cli(*command, "--color", "content")[0] == 0
    picture, photo = read_image(out), read_image(files.photo)
    torch.testing.assert_close(picture.mean((1, 2)), photo.mean((1, 2)), atol=0.01, rtol=0)
    away = (picture - luminance(picture)) - (photo - luminance(photo))
    assert float(away.square().mean().sqrt()) < 0.05


def test_a_bad_style_is_told_once_and_not_for_every_photo(
    files: TinyFiles, cli: Gesso, tmp_path: Path
) -> None:
    command = ["stylize", files.photos, "-s", files.bad, "-o", tmp_path / "out", "--color"]
    refused(cli(*command, "content", *files.options), str(files.bad))
    assert not (tmp_path / "out").exists()


# grid


def test_a_grid_goes_from_style_to_style(
    files: TinyFiles, cards: list[Path], cli: Gesso, tmp_path: Path
) -> None:
    out, end = tmp_path / "grid.png", tmp_path / "end.png"
    command = ["grid", files.photo, "--model", files.start, "--size", 34, "-o", out]
    code, stdout, err = cli(*command, *two(cards), "--columns", 3)
    assert (code, stdout, err) == (0, "", f"{out}: written\n")
    row = read_image(out)
    assert row.shape == (3, 33, 3 * 34 + 2 * 4)
    last = ["-s", cards[1], "--size", 34, "--model", files.start, "-o", end]
    assert cli("stylize", files.photo, *last)[0] == 0
    torch.testing.assert_close(row[..., -34:], read_image(end), atol=1.5 / 255, rtol=0)
    four = [*two(cards), *two(cards)]
    assert cli(*command, *four, "--columns", 2, "--rows", 3, "--labels")[0] == 0
    assert read_image(out).shape == (3, 3 * (33 + 20) + 2 * 4, 2 * 34 + 4)
    refused(cli(*command, "-s", cards[0]), "1 styles: a grid has 2 (a row) or 4")
    refused(cli(*command, *two(cards), "--no-overwrite"), "exists")
    photo = ["grid", files.photo, *two(cards), "-o", files.photo]
    refused(cli(*photo), "is an input")
    folder = ["grid", files.photos, *two(cards), "-o", tmp_path / "g.png"]
    refused(cli(*folder), f"{files.photos}: a folder; one file is needed")
    texture = ["texture", files.photos, "-o", tmp_path / "t.png"]
    refused(cli(*texture), f"{files.photos}: a folder; one file is needed")
    assert not (tmp_path / "g.png").exists() and not (tmp_path / "t.png").exists()


# polish


def test_a_style_is_polished_by_default_and_as_asked(
    files: TinyFiles, cards: list[Path], cli: Gesso, tmp_path: Path
) -> None:
    def picture(*options: object) -> torch.Tensor:
        out = tmp_path / "out.png"
        assert cli("stylize", files.photo, "-o", out, *options)[0] == 0
        return read_image(out)

    made = ["--style", files.style, *files.options]
    network, default = picture(*made, "--polish", 0), picture(*made)
    assert torch.equal(default, picture(*made, "--polish", 8))
    assert not torch.equal(default, network)
    # A card: by its own encoder, which is not the one that is loaded by default.
    kept = ["--style", cards[0], "--model", files.start]
    assert torch.equal(picture(*kept), picture(*kept, "--polish", 0))
    assert not torch.equal(
        picture(*kept), picture(*kept, "--polish", 3, "--encoder", files.encoder)
    )
    command = ["stylize", files.photo, "-o", tmp_path / "out.png", *kept]
    refused(cli(*command, "--polish", 3), "--polish", "encoder")
    refused(cli(*command, "--encoder", files.encoder), "--encoder: of no use")


def test_a_card_without_vectors_is_run_but_not_polished(
    files: TinyFiles, cli: Gesso, tmp_path: Path
) -> None:
    card, out = tmp_path / "a.safetensors", tmp_path / "out.png"
    sizes = {}
    for option in ("--vectors", "--no-vectors"):
        assert cli("adapt", files.style, "-o", card, option, *files.options)[0] == 0
        sizes[option] = card.stat().st_size
    assert sizes["--vectors"] > sizes["--no-vectors"]
    command = ["stylize", files.photo, "-o", out, "--style", card, "--model", files.start]
    assert cli(*command)[0] == 0
    refused(cli(*command, "--polish", 3), "--polish: the card keeps no vectors")
