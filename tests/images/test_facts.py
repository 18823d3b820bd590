"""What headers say."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from gesso.errors import GessoError
from gesso.images.apart import Decoders
from gesso.images.facts import Facts, picture_facts


@pytest.mark.parametrize(("name", "kind"), [("a.jpg", "JPEG"), ("a.png", "PNG"), ("a.tif", "TIFF")])
@pytest.mark.parametrize(("orientation", "size"), [(1, (30, 20)), (6, (20, 30)), (3, (30, 20))])
def test_sizes_are_those_of_the_upright_picture(
    tmp_path: Path, name: str, kind: str, orientation: int, size: tuple[int, int]
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.new("RGB", (30, 20)).save(tmp_path / name, exif=exif)
    assert picture_facts(tmp_path / name) == Facts(*size, kind, 1)


def test_pictures_of_an_animation_are_counted_by_a_process_apart(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (20, 10), (80 * n, 0, 0)) for n in range(3)]
    frames[0].save(tmp_path / "a.webp", save_all=True, append_images=frames[1:])
    decoders = Decoders(60)
    head, parts = decoders.ask("facts", tmp_path / "a.webp")
    decoders.close()
    assert head == {"width": 20, "height": 10, "kind": "WEBP", "pictures": 3} and parts == []


def test_what_is_over_a_limit_is_refused(tmp_path: Path) -> None:
    Image.new("RGB", (30, 20)).save(tmp_path / "a.png")
    with pytest.raises(GessoError, match="over the limit of 599 pixels"):
        picture_facts(tmp_path / "a.png", max_pixels=599)
