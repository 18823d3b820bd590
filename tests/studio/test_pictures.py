"""Pictures that are sent and made: the command line's, byte for byte."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from gesso.cli import run
from gesso.studio.server import Server
from studio_client import Client
from tiny_files import TinyFiles


@pytest.fixture
def commanded(own_cache: Path, tmp_path: Path) -> Any:
    """The bytes of the file that the command line writes."""

    def command(*arguments: object, suffix: str = ".png") -> bytes:
        out = tmp_path / f"commanded{suffix}"
        words = [str(argument) for argument in arguments]
        assert run(["stylize", *words, "-o", str(out), "-q"]) == 0
        return out.read_bytes()

    return command


@pytest.mark.parametrize(
    ("words", "flags"),
    [
        ({"method": "adain"}, ["--method", "adain"]),
        ({"method": "wct", "size": 40}, ["--method", "wct", "--size", 40]),
        (
            {"method": "meta_networks", "controls": {"strength": 0.5, "color": "content"}},
            ["--method", "meta_networks", "--strength", 0.5, "--color", "content"],
        ),
        (
            {"preset": "draft", "options": {"final_steps": 1}, "format": "jpg", "quality": 80},
            ["--preset", "draft", "--final-steps", 1, "--quality", 80],
        ),
        (
            {"method": "metastyle", "options": {"steps": 2, "style_size": 64}},
            ["--method", "metastyle", "--steps", 2, "--style-size", 64],
        ),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_a_picture_is_the_command_lines_byte_for_byte(
    client: Client, files: TinyFiles, commanded: Any, words: dict[str, Any], flags: list[Any]
) -> None:
    photo, style = client.send(files.photo), client.send(files.style)
    made = client.made("picture", {"photo": photo, "styles": [{"picture": style}], **words})
    got = client.get(f"api/pictures/{made['id']}/file")
    suffix = "." + words.get("format", "png")
    assert got.body == commanded(files.photo, "--style", files.style, *flags, suffix=suffix)
    assert made["name"] == f"a-style{suffix}" and made["name"] in got.headers["content-disposition"]


def test_two_styles_in_regions_are_the_command_lines(
    client: Client, files: TinyFiles, commanded: Any, tmp_path: Path
) -> None:
    mask = tmp_path / "mask.png"
    Image.radial_gradient("L").save(mask)
    other = files.photos / "a.jpg"
    words = {
        "photo": client.send(files.photo),
        "styles": [{"picture": client.send(path)} for path in (files.style, other)],
        "masks": [client.send(mask)],
        "controls": {"feather": 3},
        "method": "adain",
    }
    made = client.made("picture", words)
    flags = ["--style", files.style, "--style", other, "--mask", mask, "--feather", 3]
    expected = commanded(files.photo, *flags, "--method", "adain")
    assert client.get(f"api/pictures/{made['id']}/file").body == expected


def test_a_bundled_style_is_known_by_its_name(client: Client, files: TinyFiles) -> None:
    names = client.get("api/styles").json
    assert len(names) == 32
    shown = client.get(f"api/styles/{names[0]}/picture")
    assert shown.headers["content-type"] == "image/jpeg"
    words = {"photo": client.send(files.photo), "method": "adain", "size": 40}
    made = client.made("picture", {**words, "styles": [{"bundled": names[0]}]})
    assert max(made["width"], made["height"]) == 40
    unknown = client.ask("POST", "api/jobs/picture", {**words, "styles": [{"bundled": "../x"}]})
    assert unknown.status == 404


def test_what_is_shown_is_an_encoding_of_ours_and_holds_no_metadata(
    client: Client, tmp_path: Path
) -> None:
    exif = Image.Exif()
    exif[0x010E] = "a secret place"
    photo = tmp_path / "photo.jpg"
    Image.new("RGB", (60, 40), "red").save(photo, exif=exif, comment=b"<script>secret</script>")
    key = client.send(photo)
    shown = client.get(f"api/pictures/{key}/preview")
    assert shown.headers["content-type"] == "image/webp" and b"secret" not in shown.body
    with Image.open(io.BytesIO(shown.body)) as image:
        assert (image.format, image.size, dict(image.getexif())) == ("WEBP", (60, 40), {})
    answer = client.get(f"api/pictures/{key}/file")
    assert answer.status == 422 and "not given back" in answer.error


def test_large_previews_are_small_and_upright(client: Client, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    path = tmp_path / "large.jpg"
    Image.linear_gradient("L").resize((2400, 1200)).save(path, exif=exif)
    answer = client.ask("POST", "api/pictures?name=large.jpg", path.read_bytes()).json
    assert (answer["width"], answer["height"], answer["kind"]) == (1200, 2400, "JPEG")
    with Image.open(io.BytesIO(client.get(f"api/pictures/{answer['id']}/preview").body)) as shown:
        assert shown.size == (800, 1600)


def test_sessions_do_not_see_each_others_pictures_and_jobs(
    client: Client, files: TinyFiles
) -> None:
    other = client.another("other")
    key = client.send(files.photo)
    assert other.get("api/pictures").json == []
    for method, path in (("GET", ""), ("GET", "/preview"), ("GET", "/file"), ("DELETE", "")):
        assert other.ask(method, f"api/pictures/{key}{path}").status == 404
    words = {"photo": key, "styles": [{"bundled": "neon"}], "method": "adain"}
    assert other.ask("POST", "api/jobs/picture", words).status == 404
    job = client.begin("picture", words)
    assert other.get("api/jobs").json == []
    for method, path in (("GET", ""), ("GET", "/events"), ("GET", "/preview"), ("POST", "/cancel")):
        assert other.ask(method, f"api/jobs/{job}{path}").status == 404
    assert client.over(job)["state"] == "done"


def test_a_picture_that_is_removed_is_gone_with_its_files(
    client: Client, server: Server, files: TinyFiles
) -> None:
    key = client.send(files.photo)
    folder = server.studio.store.folder / key
    assert sorted(path.stat().st_mode & 0o777 for path in folder.iterdir()) == [0o600, 0o600]
    assert folder.stat().st_mode & 0o777 == 0o700
    assert client.ask("DELETE", f"api/pictures/{key}").status == 204
    assert not folder.exists() and client.get(f"api/pictures/{key}").status == 404


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"photo": "0" * 32}, "picture: unknown"),
        ({"method": "no-such"}, "method: no-such: unknown; allowed are"),
        ({"options": {"no_such": 1}}, "option no_such: not one of those here"),
        ({"method": "adain", "options": {"style_size": 1}}, "style_size: 1; allowed are"),
        ({"method": "johnson", "options": {"start": "/etc/passwd"}}, "option start: not one of"),
        ({"size": 20_000}, "over the limit of 50000000 pixels"),
        ({"size": 0}, "size: "),
        ({"preset": "no-such"}, "preset: no-such is unknown"),
        ({"styles": []}, "styles: "),
        ({"styles": [{}]}, "one of bundled, picture and card"),
        ({"styles": [{"card": "../../etc/passwd"}]}, "card: unknown"),
        ({"controls": {"strength": 2}}, "controls.strength: "),
        ({"controls": {"color": "odd"}}, "controls.color: "),
        ({"controls": {"weights": [1, 2]}}, "weights: 2 for 1 styles; allowed are 1"),
        ({"masks": ["MASK", "MASK"]}, "masks: 2 for 1 styles; allowed are 0 or 1"),
        ({"masks": ["MASK"], "controls": {"weights": [1]}}, "weights: of no use with masks"),
        ({"style_masks": ["MASK", None]}, "style_masks: 2 for 1 styles"),
        ({"format": "exe"}, "format: "),
        ({"another": 1}, "another: "),
    ],
    ids=str,
)
def test_mistakes_are_answered_at_once_in_one_line(
    client: Client, files: TinyFiles, words: dict[str, Any], said: str
) -> None:
    photo = client.send(files.photo)
    usual = {"photo": photo, "styles": [{"bundled": "neon"}]}
    words = {k: [photo if x == "MASK" else x for x in v] if "masks" in k else v
             for k, v in words.items()}  # fmt: skip
    answer = client.ask("POST", "api/jobs/picture", usual | words)
    assert answer.status in (404, 422) and said in answer.error
