"""`gesso stylize`: files in, files out."""

from __future__ import annotations

import io
import os
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from PIL import Image

from command_line import Gesso, refused
from gesso.cards.card import StyleCard
from gesso.nn.pictures import read_image
from tiny_files import TinyFiles


def test_stylize_adapts_once_and_then_takes_the_card_from_the_cache(
    files: TinyFiles, cli: Gesso, tmp_path: Path
) -> None:
    command = ["stylize", files.photo, "--style", files.style, *files.options, "-o"]
    code, out, err = cli(*command, tmp_path / "one.png")
    assert (code, out) == (0, "") and "adapted, 2 steps in" in err
    code, _, err = cli(*command, tmp_path / "two.png")
    assert code == 0 and "card taken from the cache" in err
    one = (tmp_path / "one.png").read_bytes()
    assert (tmp_path / "two.png").read_bytes() == one
    assert read_image(tmp_path / "one.png").shape == read_image(files.photo).shape
    code, _, err = cli(*command, tmp_path / "three.png", "--no-cache")
    assert "adapted, 2 steps in" in err
    assert (tmp_path / "three.png").read_bytes() == one
    code, _, err = cli(*command, tmp_path / "four.png", "--contents", files.photos, "--quiet")
    assert (code, err) == (0, "")
    assert (tmp_path / "four.png").read_bytes() != one


def test_a_card_of_the_bundled_contents_serves_any_photo(
    files: TinyFiles, cli: Gesso, tmp_path: Path
) -> None:
    command = ["--style", files.style, *files.options, "--contents", "bundled", "-o"]
    code, _, err = cli("stylize", files.photo, *command, tmp_path / "one.png")
    assert code == 0 and "adapted, 2 steps in" in err
    code, _, err = cli("stylize", files.photos / "a.jpg", *command, tmp_path / "two.png")
    assert code == 0 and "card taken from the cache" in err
    for name, chosen in (("a", []), ("b", ["--contents", "bundled"])):
        out = tmp_path / f"{name}.safetensors"
        assert cli("adapt", files.style, *files.options, *chosen, "-o", out)[0] == 0
    one, other = (StyleCard.load(tmp_path / f"{name}.safetensors") for name in "ab")
    assert all(torch.equal(value, other.tensors[name]) for name, value in one.tensors.items())


def test_a_folder_is_done_but_for_its_bad_files(
    files: TinyFiles, card: Path, cli: Gesso, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    results = tmp_path / "out"
    command = ["stylize", files.photos, "--style", card, "--model", files.start, "-o", results]
    code, _, err = cli(*command)
    assert code == 1
    lines = err.splitlines()
    assert lines[0] == f"{results}: 3 of 4 pictures written"
    assert lines[1].startswith(f"{files.bad}: damaged") and len(lines) == 2
    found = {p.relative_to(results).as_posix(): p for p in results.rglob("*") if p.is_file()}
    assert set(found) == {"a.jpg", "a.png", "sub/c.webp"}
    cli("stylize", files.photo, "--style", card, "--model", files.start, "-o", tmp_path / "a.png")
    assert found["a.png"].read_bytes() == (tmp_path / "a.png").read_bytes()

    found["a.png"].write_bytes(b"mine")
    found["a.jpg"].unlink()
    code, _, err = cli(*command, "--no-overwrite", "--quiet")
    assert code == 1 and err.splitlines() == lines[1:]
    assert found["a.png"].read_bytes() == b"mine" and found["a.jpg"].exists()


def test_a_photo_that_decodes_slowly_is_named_and_the_rest_is_done(
    files: TinyFiles, card: Path, cli: Gesso, tmp_path: Path
) -> None:
    photo = (files.photos / "a.jpg").read_bytes()
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "good.jpg").write_bytes(photo)
    slow = tmp_path / "in" / "a.jpg"
    slow.write_bytes(photo[:2] + b"\xff" * (24 * 2**20) + photo[2:])  # fill bytes before a marker
    out = tmp_path / "out"
    command = ["stylize", slow.parent, "--style", card, "--model", files.start, "-o", out]
    code, _, err = cli(*command, "--decode-timeout", 0.5)
    line = f"{slow}: takes longer than 0.5 s to decode (decode_timeout)"
    assert code == 1 and err.splitlines() == [f"{out}: 1 of 2 pictures written", line]
    assert [path.name for path in out.iterdir()] == ["good.jpg"]
    one = ["stylize", slow, *command[2:6], "-o", tmp_path / "one.png", "--decode-timeout"]
    refused(cli(*one, 0.5), f"{slow}: takes longer")
    refused(cli(*one, 0), "--decode-timeout")


def test_entries_that_cannot_be_looked_at_are_named_and_the_rest_is_done(
    files: TinyFiles, card: Path, cli: Gesso, tmp_path: Path
) -> None:
    photos, out = tmp_path / "photos", tmp_path / "out"
    photos.mkdir()
    (photos / "good.png").write_bytes(files.photo.read_bytes())
    (photos / "loop.jpg").symlink_to("loop.jpg")
    (photos / "nowhere.jpg").symlink_to("missing.jpg")
    os.mkfifo(photos / "pipe.jpg")
    command = ["stylize", photos, "--style", card, "--model", files.start, "-o", out]
    code, _, err = cli(*command)
    assert code == 1 and (out / "good.png").is_file()
    first, *lines = err.splitlines()
    assert first == f"{out}: 1 of 1 pictures written"
    names = ["loop.jpg", "nowhere.jpg", "pipe.jpg"]
    assert [line.partition(": ")[0] for line in lines] == [str(photos / name) for name in names]


def test_photos_of_one_name_are_reported_under_their_new_ones(
    files: TinyFiles, card: Path, cli: Gesso, tmp_path: Path
) -> None:
    photos = [tmp_path / year / "a.png" for year in ("2023", "2024")]
    for photo in photos:
        photo.parent.mkdir()
        photo.write_bytes(files.photo.read_bytes())
    command = ["stylize", *photos, "--style", card, "--model", files.start, "-o"]
    code, _, err = cli(*command, tmp_path / "out")
    new = [tmp_path / "out" / photo.relative_to(tmp_path) for photo in photos]
    assert code == 0 and all(path.is_file() for path in new)
    assert all(f"{old}: goes to {out}" in err for old, out in zip(photos, new, strict=True))
    refused(cli(*command, tmp_path / "x.png"), "x.png: names one file")


def test_verbose_says_where_the_seconds_went(files: TinyFiles, cli: Gesso, tmp_path: Path) -> None:
    command = ["stylize", files.photo, "-s", files.style, *files.options, "--no-cache", "-o"]
    before = torch.get_num_threads()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        code, _, err = cli(*command, tmp_path / "out.png", "-v", "--threads", 1)
        torch.set_num_threads(before)
    last = err.splitlines()[-1]
    assert code == 0 and re.search(r"adapting \d+\.\d\d s, stylizing \d+\.\d\d s, 1 threads$", last)
    assert "threads" not in cli(*command, tmp_path / "out.png")[2]


def test_when_no_photo_can_be_read_each_is_named(
    files: TinyFiles, cli: Gesso, tmp_path: Path
) -> None:
    command = ["--style", files.style, *files.options, "-o"]
    refused(cli("stylize", files.bad, *command, tmp_path / "out.png"), str(files.bad))
    missing = tmp_path / "missing.jpg"
    code, _, err = cli("stylize", missing, files.bad, *command, tmp_path / "out", "-q")
    assert code == 1
    assert [line.partition(": ")[0] for line in err.splitlines()] == [str(missing), str(files.bad)]


def test_a_bad_style_is_one_line_and_leaves_nothing(
    files: TinyFiles, cli: Gesso, tmp_path: Path
) -> None:
    for style in (files.bad, tmp_path / "missing.jpg", files.start):
        result = cli("stylize", files.photos, "-s", style, *files.options, "-o", tmp_path / "out")
        refused(result, str(style))
    assert not (tmp_path / "out").exists()


def test_an_existing_output_is_replaced_unless_told_not_to_and_an_input_never(
    files: TinyFiles, card: Path, cli: Gesso, tmp_path: Path
) -> None:
    out = tmp_path / "out.png"
    out.write_bytes(b"mine")
    command = ["stylize", files.photo, "--style", card, "--model", files.start, "-o"]
    refused(cli(*command, out, "--no-overwrite"), str(out), "exists; --overwrite replaces it")
    assert out.read_bytes() == b"mine"
    assert cli(*command, out)[0] == 0 and read_image(out).shape == (3, 66, 68)
    before = files.photo.read_bytes()
    refused(cli(*command, files.photo), "is an input")
    assert files.photo.read_bytes() == before


def test_strength_and_size_reach_the_picture(
    files: TinyFiles, card: Path, cli: Gesso, tmp_path: Path
) -> None:
    command = ["stylize", files.photo, "--style", card, "--model", files.start, "-o"]
    assert cli(*command, tmp_path / "0.png", "--strength", 0)[0] == 0
    assert torch.equal(read_image(tmp_path / "0.png"), read_image(files.photo))
    assert cli(*command, tmp_path / "s.png", "--size", 34)[0] == 0
    assert read_image(tmp_path / "s.png").shape == (3, 33, 34)


def test_options_of_an_adaptation_are_refused_with_a_card(
    files: TinyFiles, card: Path, cli: Gesso, tmp_path: Path
) -> None:
    command = ["stylize", files.photo, "--style", card, "--model", files.start]
    command += ["-o", tmp_path / "out.png"]
    refused(cli(*command, "--steps", 5, "--lr", 0.1), "--steps, --lr: of no use with", str(card))
    refused(cli(*command, "--method", "adain"), "--method: adain, but", "a card of metastyle")


# many styles, names of styles, standard input


def test_one_photo_in_many_styles(files: TinyFiles, card: Path, cli: Gesso, tmp_path: Path) -> None:
    styles, out = tmp_path / "styles", tmp_path / "out"
    styles.mkdir()
    (styles / "one.png").write_bytes(files.style.read_bytes())
    (styles / "two.safetensors").write_bytes(card.read_bytes())
    (styles / "bad.jpg").write_bytes(b"\xff\xd8\xff no JPEG")
    command = ["stylize", files.photo, "-s", styles, *files.options, "-o", out]
    code, _, err = cli(*command)
    assert code == 1 and f"{out}: 2 of 3 pictures written" in err and err.count("bad.jpg") == 1
    assert {path.name for path in out.iterdir()} == {"a-one.png", "a-two.png", "a-styles.png"}
    alone = ["stylize", files.photo, *files.options, "-o", tmp_path / "alone.png", "-s"]
    assert cli(*alone, files.style)[0] == 0
    assert (out / "a-one.png").read_bytes() == (tmp_path / "alone.png").read_bytes()
    height, width = read_image(files.photo).shape[1:]
    assert read_image(out / "a-styles.png").shape[2] > 2 * 320 * width / max(width, height) - 1

    (out / "a-one.png").write_bytes(b"mine")
    (out / "a-two.png").unlink()
    assert cli(*command, "--no-overwrite")[0] == 1
    assert (out / "a-one.png").read_bytes() == b"mine" and (out / "a-two.png").exists()


def test_a_folder_of_styles_goes_alone(files: TinyFiles, cli: Gesso, tmp_path: Path) -> None:
    (tmp_path / "styles").mkdir()
    (tmp_path / "styles" / "s.png").write_bytes(files.style.read_bytes())
    command = ["stylize", "-s", tmp_path / "styles", *files.options]
    words = ("--style: ", "a folder; it needs one photo, and no other style")
    refused(cli(*command, files.photo, files.photo, "-o", tmp_path / "out"), *words)
    refused(cli(*command, files.photo, "-s", files.style, "-o", tmp_path / "out"), *words)
    refused(cli(*command, files.photo, "-o", tmp_path / "x.png"), "x.png: names one file")
    bad = cli(*command, files.bad, "-o", tmp_path / "out")
    refused(bad, str(files.bad))
    assert [path.name for path in tmp_path.iterdir() if path.name != "cache"] == ["styles"]


def test_bundled_styles_go_by_their_names(files: TinyFiles, cli: Gesso, tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    command = ["stylize", files.photo, *files.options, "-o", out, "--style"]
    code, _, err = cli(*command, "impasto")
    assert code == 0 and "impasto.jpg: adapted, 2 steps" in err
    refused(cli(*command, "impatso"), "--style: impatso: no such file", "impasto")
    refused(cli(*command, "https://example.org/a.jpg"), "--style: https://example.org/a.jpg", "URL")
    refused(cli(*command, files.style, "--contents", "https://a.b/c"), "--contents", "URL")


def test_a_style_comes_from_standard_input(
    files: TinyFiles, cli: Gesso, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outs = [tmp_path / f"{name}.png" for name in ("file", "input")]
    command = ["stylize", files.photo, *files.options, "-o"]
    assert cli(*command, outs[0], "-s", files.style)[0] == 0
    stdin = SimpleNamespace(buffer=io.BytesIO(files.style.read_bytes()), isatty=lambda: False)
    monkeypatch.setattr("sys.stdin", stdin)
    code, _, err = cli(*command, outs[1], "-s", "-")
    assert code == 0 and "standard input: adapted" in err
    assert outs[0].read_bytes() == outs[1].read_bytes()


def test_a_frame_of_an_animation_is_the_photo_that_is_asked_for(
    files: TinyFiles, cli: Gesso, tmp_path: Path
) -> None:
    with Image.open(files.photo) as first, Image.open(files.photos / "a.jpg") as second:
        frames = [image.convert("RGB").resize((66, 68)) for image in (first, second)]
    frames[0].save(tmp_path / "both.tif", save_all=True, append_images=frames[1:])
    for number, frame in enumerate(frames):
        frame.save(tmp_path / f"{number}.png")
    command = ["--style", files.style, *files.options, "-o"]
    outs = [tmp_path / f"out-{name}.png" for name in ("frame", "alone")]
    assert cli("stylize", tmp_path / "both.tif", "--frame", 1, *command, outs[0])[0] == 0
    assert cli("stylize", tmp_path / "1.png", *command, outs[1])[0] == 0
    assert outs[0].read_bytes() == outs[1].read_bytes()
    refused(cli("stylize", tmp_path / "both.tif", "--frame", 2, *command, outs[0]), "frame")
