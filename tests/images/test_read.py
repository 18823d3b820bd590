"""Picture files ↔ arrays: orientation, colour, alpha, bit depths, sizes, writing."""

from __future__ import annotations

import io
import os
import struct
import threading
import warnings
import zlib
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from gesso.errors import GessoError
from gesso.images.arrays import Pixels
from gesso.images.folders import list_images
from gesso.images.formats import FORMATS, SUFFIXES
from gesso.images.read import read_image, read_photo
from gesso.images.resize import resize
from gesso.images.write import WRITE_SUFFIXES, thumbnail_bytes, write_image

pillow_heif.register_heif_opener()  # to make and to check files with; gesso itself does not


def picture(width: int = 48, height: int = 32) -> np.ndarray:
    """A smooth picture without symmetry: every corner has its own colour, (H, W, 3) uint8."""
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    return (255 * np.stack([x, y, (1 - x) * (1 - y) ** 2], -1)).round().astype(np.uint8)


def numbers(array: np.ndarray) -> Pixels:
    """(H, W, C) in 0–255 as (C, H, W) in [0, 1]."""
    return (array.astype(np.float32) / 255).transpose(2, 0, 1)


def noise(*shape: int) -> Pixels:
    return np.random.default_rng(0).random(shape, np.float32)


def saved(path: Path, image: Image.Image, **options: object) -> Path:
    image.save(path, **options)
    return path


def distance(a: Pixels, b: np.ndarray) -> float:
    assert a.shape == b.shape
    return float(np.abs(a - b).max())


# Orientation

INVERSE = {1: None, 2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # Image.Transpose values


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".avif", ".heic", ".tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(tmp_path: Path, suffix: str, orientation: int) -> None:
    turn = INVERSE[orientation]
    upright = Image.fromarray(picture())
    stored = upright if turn is None else upright.transpose(Image.Transpose(turn))
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(tmp_path / f"a{suffix}", stored, quality=95, exif=exif.tobytes())
    assert distance(read_image(path), numbers(picture())) < 0.1  # a wrong turn is off by 0.9
    small = read_image(path, size=24)
    assert small.shape == (3, 16, 24)


def test_unreadable_exif_is_ignored(tmp_path: Path) -> None:
    junk = b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\x12\x01\x03\0\xff\xff\xff\xff" * 5
    path = saved(tmp_path / "a.jpg", Image.fromarray(picture()), exif=junk)
    photo = read_photo(path)
    assert photo.rgb.shape == (3, 32, 48)


# Colour profiles, built here tag by tag

P3 = np.array(
    [[0.51512, 0.29198, 0.1571], [0.2412, 0.69225, 0.06657], [-0.00105, 0.04189, 0.78407]]
)
SRGB = np.array(
    [[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.7141]]
)


def fixed(*values: float) -> bytes:
    return b"".join(struct.pack(">i", round(v * 65536)) for v in values)


def xyz(*values: float) -> bytes:
    return b"XYZ \0\0\0\0" + fixed(*values)


def gamma_curve(gamma: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH2x", 1, round(gamma * 256))


def profile(kind: bytes, space: bytes, pcs: bytes, tags: dict[bytes, bytes]) -> bytes:
    tags = {b"wtpt": xyz(0.9642, 1, 0.8249), **tags}
    table, data = struct.pack(">I", len(tags)), b""
    for name, value in tags.items():
        table += name + struct.pack(">II", 132 + 12 * len(tags) + len(data), len(value))
        data += value + b"\0" * (-len(value) % 4)
    head = struct.pack(
        ">I4xI4s4s4s12x4s28x", 128 + len(table + data), 0x02400000, kind, space, pcs, b"acsp"
    )
    return (head + fixed(0.9642, 1, 0.8249)).ljust(128, b"\0") + table + data


def rgb_profile(matrix: np.ndarray, gamma: float) -> bytes:
    tags = {name + b"XYZ": xyz(*matrix[:, i]) for i, name in enumerate([b"r", b"g", b"b"])}
    tags |= {name + b"TRC": gamma_curve(gamma) for name in [b"r", b"g", b"b"]}
    return profile(b"mntr", b"RGB ", b"XYZ ", tags)


def grey_profile(gamma: float) -> bytes:
    return profile(b"mntr", b"GRAY", b"XYZ ", {b"kTRC": gamma_curve(gamma)})


def cmyk_profile() -> bytes:
    """A press whose cyan ink is red: who ignores the profile sees cyan."""
    corners = {(0, 0, 0, 0): (255, 128, 128), (1, 0, 0, 0): (136, 208, 195)}  # Lab, 8 bits
    table = b"".join(
        bytes(corners.get((c, m, y, k), (0, 128, 128)))
        for c in (0, 1) for m in (0, 1) for y in (0, 1) for k in (0, 1)
    )  # fmt: skip
    ramp = bytes(range(256))
    lut = (
        b"mft1\0\0\0\0\x04\x03\x02\0"
        + fixed(1, 0, 0, 0, 1, 0, 0, 0, 1)
        + ramp * 4
        + table
        + ramp * 3
    )
    return profile(b"prtr", b"CMYK", b"Lab ", {b"A2B0": lut})


def encode_srgb(linear: np.ndarray) -> np.ndarray:
    linear = linear.clip(0, 1)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp", ".avif", ".heic"])
def test_wide_gamut_profile_becomes_srgb(tmp_path: Path, suffix: str) -> None:
    colour = np.array([180, 90, 60], np.uint8)
    flat = Image.fromarray(np.broadcast_to(colour, (16, 16, 3)).copy())
    options = {"quality": 100, "icc_profile": rgb_profile(P3, 2.2)}
    path = saved(tmp_path / f"a{suffix}", flat, **options)
    expected = encode_srgb(np.linalg.inv(SRGB) @ P3 @ (colour / 255) ** 2.2)
    found = read_image(path).mean((1, 2))
    assert np.abs(found - expected).max() < 0.015
    assert np.abs(found - colour / 255).max() > 0.05  # it makes a difference


def test_srgb_profile_changes_no_pixel(tmp_path: Path) -> None:
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    path = saved(tmp_path / "a.png", Image.fromarray(picture()), icc_profile=icc)
    assert np.array_equal(read_image(path), numbers(picture()))


def test_grey_profile_8_and_16_bit(tmp_path: Path) -> None:
    ramp = np.linspace(0, 1, 64)[None].repeat(2, 0)
    icc = grey_profile(1.0)
    for top, kind in ((255, np.uint8), (65535, np.uint16)):
        grey = Image.fromarray((ramp * top).round().astype(kind))
        found = read_image(saved(tmp_path / "a.png", grey, icc_profile=icc))
        expected = encode_srgb(np.round(ramp * top) / top)
        assert np.abs(found - expected).max() < 0.015


def test_grey_picture_with_rgb_profile(tmp_path: Path) -> None:
    grey = Image.fromarray(np.full((4, 4), 128, np.uint8))
    found = read_image(
        saved(tmp_path / "a.jpg", grey, quality=100, icc_profile=rgb_profile(P3, 1.0))
    )
    assert abs(found.mean().item() - encode_srgb(np.array(128 / 255)).item()) < 0.015


@pytest.mark.parametrize(
    "icc", [b"junk", b"\0" * 200, rgb_profile(P3, 2.2)[:150], grey_profile(1.0)]
)
def test_profiles_that_do_not_apply_are_ignored(tmp_path: Path, icc: bytes) -> None:
    path = saved(tmp_path / "a.tif", Image.fromarray(picture()), icc_profile=icc)
    assert np.array_equal(read_image(path), numbers(picture()))


@pytest.mark.parametrize("suffix", [".tif", ".jpg"])
def test_cmyk(tmp_path: Path, suffix: str) -> None:
    ink = np.zeros((16, 32, 4), np.uint8)
    ink[:, 16:, 0] = 255  # paper on the left, cyan on the right
    image = Image.frombytes("CMYK", (32, 16), ink.tobytes())
    plain = read_image(saved(tmp_path / f"a{suffix}", image))
    assert distance(plain[:, 8, 4], np.ones(3)) < 0.02
    assert distance(plain[:, 8, 28], np.array([0.0, 1, 1])) < 0.02
    press = read_image(saved(tmp_path / f"b{suffix}", image, icc_profile=cmyk_profile()))
    assert distance(press[:, 8, 4], np.ones(3)) < 0.02
    assert distance(press[:, 8, 28], np.array([1.0, 0, 0])) < 0.12


# Alpha


@pytest.mark.parametrize("suffix", [".png", ".webp", ".tif", ".avif", ".heic"])
def test_alpha_is_kept(tmp_path: Path, suffix: str) -> None:
    alpha = np.linspace(0, 255, 48).round().astype(np.uint8)[None].repeat(32, 0)
    rgba = np.dstack([picture(), alpha])
    path = saved(tmp_path / f"a{suffix}", Image.fromarray(rgba), quality=95)
    photo = read_photo(path)
    assert photo.alpha is not None
    assert distance(photo.alpha, numbers(alpha[..., None])) < 0.03
    assert distance(photo.rgb[:, :, 24:], numbers(picture())[:, :, 24:]) < 0.1


def test_colours_are_as_stored_but_white_where_nothing_shows(tmp_path: Path) -> None:
    alpha = np.full((32, 48), 7, np.uint8)
    alpha[:, :10] = 0
    path = saved(tmp_path / "a.png", Image.fromarray(np.dstack([picture(), alpha])))
    rgb = read_image(path)
    assert np.array_equal(rgb[:, :, 10:], numbers(picture())[:, :, 10:])
    assert np.array_equal(rgb[:, :, :10], np.ones((3, 32, 10)))


def test_hidden_colours_do_not_bleed_when_scaled(tmp_path: Path) -> None:
    rgba = np.zeros((40, 40, 4), np.uint8)  # hidden black around an opaque red disc
    y, x = np.mgrid[-1:1:40j, -1:1:40j]
    rgba[x**2 + y**2 < 0.7] = 255, 0, 0, 255
    photo = read_photo(saved(tmp_path / "a.png", Image.fromarray(rgba)), size=13)
    assert photo.alpha is not None
    shown = photo.alpha[0] > 0.1
    assert photo.rgb[0][shown].min() > 0.95 and photo.rgb[1:, shown].max() < 0.05


def indexed(transparency: int | bytes) -> Image.Image:
    image = Image.frombytes("P", (2, 1), b"\0\1")
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.info["transparency"] = transparency
    return image


@pytest.mark.parametrize(
    "image, options, alpha",
    [
        (Image.frombytes("LA", (2, 1), b"\x40\x80\x50\xff"), {}, [128, 255]),
        (indexed(0), {"transparency": 0}, [0, 255]),
        (indexed(b"\x30\xc0"), {"transparency": b"\x30\xc0"}, [48, 192]),
        (Image.frombytes("RGB", (2, 1), b"\1\2\3\4\5\6"), {"transparency": (1, 2, 3)}, [0, 255]),
        (Image.frombytes("L", (2, 1), b"\1\2"), {"transparency": 2}, [255, 0]),
        (Image.frombytes("1", (2, 1), b"\x40"), {"transparency": 0}, [0, 255]),
        (Image.frombytes("I;16", (2, 1), b"\0\1\0\2"), {"transparency": 256}, [0, 255]),
    ],
    ids=["LA", "P index", "P table", "RGB", "L", "1", "16 bits"],
)
def test_every_kind_of_png_transparency(
    tmp_path: Path, image: Image.Image, options: dict[str, object], alpha: list[int]
) -> None:
    photo = read_photo(saved(tmp_path / "a.png", image, **options))
    assert photo.rgb.shape == (3, 1, 2) and photo.alpha is not None
    assert (photo.alpha * 255).round().flatten().tolist() == alpha


def test_transparent_colour_of_a_16_bit_png(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    pixels = struct.pack(">6H", 0x8011, 0x4022, 0x2033, 1, 2, 3)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 1, 16, 2, 0, 0, 0))
        + chunk(b"tRNS", pixels[:6])
        + chunk(b"IDAT", zlib.compress(b"\0" + pixels))
        + chunk(b"IEND", b"")
    )
    assert read_photo(path).alpha.flatten().tolist() == [0, 1]


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def test_no_alpha_without_transparency(tmp_path: Path) -> None:
    assert read_photo(saved(tmp_path / "a.png", Image.fromarray(picture()))).alpha is None


# Bit depths and modes


def grey_tiff(
    bits: int, data: bytes, *, photometric: int = 1, sample: int = 1, order: str = "<"
) -> bytes:
    """A TIFF of 2 × 1 grey pixels, written by hand: Pillow writes only some of the kinds."""
    tags = [(256, 3, 2), (257, 3, 1), (258, 3, bits), (259, 3, 1), (262, 3, photometric)]
    tags += [(273, 4, 200), (277, 3, 1), (278, 3, 1), (279, 4, len(data)), (339, 3, sample)]
    body = struct.pack(order + "HIH", 42, 8, len(tags))
    for tag, kind, value in tags:
        body += struct.pack(order + ("HHIH2x" if kind == 3 else "HHII"), tag, kind, 1, value)
    return ((b"II" if order == "<" else b"MM") + body).ljust(200, b"\0") + data


@pytest.mark.parametrize(
    "content, expected",
    [
        (grey_tiff(16, struct.pack("<HH", 0, 65535)), [0, 1]),
        (grey_tiff(16, struct.pack("<HH", 12345, 54321)), [12345 / 65535, 54321 / 65535]),
        (
            grey_tiff(16, struct.pack(">HH", 12345, 54321), order=">"),
            [12345 / 65535, 54321 / 65535],
        ),
        (grey_tiff(16, struct.pack("<HH", 0, 60000), photometric=0), [1, 5535 / 65535]),
        (grey_tiff(12, bytes([0xFF, 0xF0, 0x01])), [1, 1 / 4095]),
        (grey_tiff(32, struct.pack("<ff", 0.25, 0.7), sample=3), [0.25, 0.7]),
        (grey_tiff(32, struct.pack("<ff", -0.5, 1.5), sample=3), [0, 1]),
        (grey_tiff(8, bytes([51, 102])), [0.2, 0.4]),
    ],
    ids=["range", "I;16", "I;16B", "white is zero", "12 bits", "float", "highlights", "8 bits"],
)
def test_grey_depths(tmp_path: Path, content: bytes, expected: list[float]) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(content)
    found = read_image(path)
    assert distance(found, np.broadcast_to(np.float32(expected), (3, 1, 2))) < 1e-6


@pytest.mark.parametrize(
    "content, message",
    [
        (grey_tiff(32, struct.pack("<ff", 0.1, float("nan")), sample=3), "not numbers"),
        (grey_tiff(32, struct.pack("<ff", 131, 80), sample=3), "allowed are 0 to 1"),
        (grey_tiff(32, struct.pack("<II", 1, 2)), "32-bit integers"),
        (grey_tiff(16, struct.pack("<HH", 1, 2), sample=2), "integers"),
    ],
)
def test_depths_of_unknown_range_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(content)
    with pytest.raises(GessoError, match=message):
        read_image(path)


def test_16_bit_png_keeps_its_depth_when_scaled(tmp_path: Path) -> None:
    ramp = np.linspace(1000, 1200, 64).round().astype(np.uint16)[None].repeat(8, 0)
    path = saved(tmp_path / "a.png", Image.fromarray(ramp))
    assert distance(read_image(path)[0] * 65535, ramp.astype(np.float32)) < 0.01
    small = read_image(path, size=32)[0, 0] * 65535
    assert len(np.unique(small.round())) == 32  # 8 bits would leave one or two levels
    assert 1000 < small.min() < small.max() < 1200


MODES = ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "I;16"]


@settings(
    deadline=None, max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    mode=st.sampled_from(MODES),
    width=st.integers(1, 40),
    height=st.integers(1, 40),
    orientation=st.integers(1, 8),
    size=st.none() | st.integers(1, 60),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_mode_size_and_orientation(
    tmp_path: Path,
    mode: str,
    width: int,
    height: int,
    orientation: int,
    size: int | None,
    seed: int,
) -> None:
    chance = np.random.default_rng(seed)
    bands = len(Image.new(mode, (1, 1)).getbands()) * (2 if mode == "I;16" else 1)
    count = (width + 7) // 8 * height if mode == "1" else width * height * bands
    image = Image.frombytes(mode, (width, height), chance.bytes(count))
    if mode == "P":
        image.putpalette(chance.bytes(768))
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(tmp_path / "a.tif", image, exif=exif)
    photo = read_photo(path, size=size)
    turned = (height, width) if orientation < 5 else (width, height)
    longer = max(turned) if size is None else size
    assert photo.rgb.dtype == np.float32 and photo.rgb.flags.c_contiguous
    assert max(photo.rgb.shape[1:]) == longer
    for found, side in zip(photo.rgb.shape[1:], turned, strict=True):
        assert abs(found - side * longer / max(turned)) <= 0.5 or found == 1
    assert photo.rgb.min() >= 0 and photo.rgb.max() <= 1
    assert (photo.alpha is not None) == (mode in ("LA", "RGBA"))
    if photo.alpha is not None:
        assert photo.alpha.shape[1:] == photo.rgb.shape[1:]
    if size is None and orientation == 1 and mode in ("1", "L", "P", "RGB", "CMYK", "YCbCr"):
        assert np.array_equal(photo.rgb, numbers(np.asarray(image.convert("RGB"))))


@pytest.mark.parametrize("kind", FORMATS)
def test_one_pixel_in_every_format(tmp_path: Path, kind: str) -> None:
    image = Image.new("P" if kind == "GIF" else "RGB", (1, 1))
    image.save(tmp_path / "a", format=kind)
    assert read_photo(tmp_path / "a").rgb.max() < 0.03
    assert read_image(tmp_path / "a", size=5).shape == (3, 5, 5)


def test_animations_give_their_first_frame(tmp_path: Path) -> None:
    first, second = Image.new("RGB", (8, 8), "red"), Image.new("RGB", (8, 8), "blue")
    for suffix in (".gif", ".webp", ".png", ".avif", ".tif"):
        path = saved(tmp_path / f"a{suffix}", first, save_all=True, append_images=[second])
        assert distance(read_image(path)[:, 4, 4], np.array([1.0, 0, 0])) < 0.05, suffix


def test_the_name_does_not_decide_the_format(tmp_path: Path) -> None:
    Image.fromarray(picture()).save(tmp_path / "a.jpg", format="PNG")
    assert np.array_equal(read_image(tmp_path / "a.jpg"), numbers(picture()))


# Sizes


@pytest.mark.parametrize(
    "given_size, size, shape",
    [
        ((48, 32), 24, (16, 24)),
        ((32, 48), 24, (24, 16)),
        ((48, 32), 96, (64, 96)),
        ((48, 32), 48, (32, 48)),
        ((300, 1), 30, (1, 30)),
        ((7, 5), 1, (1, 1)),
        ((641, 481), 512, (384, 512)),
    ],
)
def test_size_is_the_longer_side(
    tmp_path: Path, given_size: tuple[int, int], size: int, shape: tuple[int, int]
) -> None:
    array = picture(*given_size)
    path = saved(tmp_path / "a.png", Image.fromarray(array))
    assert read_image(path, size=size).shape[1:] == shape
    assert resize(numbers(array), size).shape[1:] == shape


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_scaling_is_antialiased(tmp_path: Path, suffix: str) -> None:
    stripes = np.zeros((256, 256, 3), np.uint8)
    stripes[:, ::2] = 255
    path = saved(tmp_path / f"a{suffix}", Image.fromarray(stripes), quality=100)
    for small in (read_image(path, size=20), resize(numbers(stripes), 20)):
        assert np.abs(small[:, 2:-2, 2:-2] - 0.5).max() < 0.02


def test_large_jpeg_read_small_is_as_sharp_as_reading_it_whole(tmp_path: Path) -> None:
    small = np.random.default_rng(0).integers(0, 256, (80, 128, 3), np.uint8)
    blocks = Image.fromarray(small.repeat(8, 0).repeat(8, 1))
    path = saved(tmp_path / "a.jpg", blocks, quality=95, subsampling=0)
    with Image.open(path) as image:
        whole = image.resize((200, 125), Image.Resampling.LANCZOS)
    assert np.abs(read_image(path, size=200) - numbers(np.asarray(whole))).mean() < 0.01


@pytest.mark.parametrize("size", [0, -3])
def test_sizes_below_one_are_refused(tmp_path: Path, size: int) -> None:
    path = saved(tmp_path / "a.png", Image.fromarray(picture()))
    for call in (lambda: read_image(path, size=size), lambda: resize(noise(3, 4, 4), size)):
        with pytest.raises(GessoError, match="allowed are whole numbers from 1"):
            call()


# Writing


@pytest.mark.parametrize("suffix", WRITE_SUFFIXES)
@pytest.mark.parametrize("shape", [(32, 48), (1, 1), (15, 17)])
def test_round_trip(tmp_path: Path, suffix: str, shape: tuple[int, int]) -> None:
    image = numbers(picture(shape[1], shape[0]))
    path = tmp_path / f"a{suffix.upper()}"
    write_image(path, image)
    lossless = suffix in (".png", ".tif", ".tiff", ".bmp")
    assert distance(read_image(path), image) <= (0 if lossless else 0.15)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("suffix", WRITE_SUFFIXES)
def test_alpha_is_written_or_laid_on_white(tmp_path: Path, suffix: str) -> None:
    image, alpha = np.zeros((3, 16, 16)), np.ones((1, 16, 16))
    image[0], alpha[:, :, 8:] = 1.0, 0.0
    write_image(tmp_path / f"a{suffix}", image, alpha=alpha)
    photo = read_photo(tmp_path / f"a{suffix}")
    assert distance(photo.rgb[:, 8, 3], np.array([1.0, 0, 0])) < 0.05
    assert distance(photo.rgb[:, 8, 12], np.ones(3)) < 0.05
    if suffix in (".jpg", ".jpeg", ".bmp"):
        assert photo.alpha is None
    else:
        assert photo.alpha is not None and distance(photo.alpha, alpha) < 0.02


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".avif", ".heic"])
def test_quality_trades_size(tmp_path: Path, suffix: str) -> None:
    sizes = []
    for quality in (1, 50, None, 100):
        write_image(tmp_path / f"a{suffix}", noise(3, 64, 64), quality=quality)
        sizes.append((tmp_path / f"a{suffix}").stat().st_size)
    assert sizes == sorted(sizes) and sizes[0] < sizes[1] / 2


def test_jpeg_keeps_full_colour_resolution(tmp_path: Path) -> None:
    write_image(tmp_path / "a.jpg", numbers(picture()))
    with Image.open(tmp_path / "a.jpg") as image:
        assert [layer[1:3] for layer in image.layer] == [(1, 1)] * 3


def photo_with_gps(path: Path) -> Path:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "GessoCam"
    exif.get_ifd(0x8825)[1] = "N"
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return saved(path, Image.fromarray(picture()), exif=exif, icc_profile=icc, comment="hello")


@pytest.mark.parametrize("suffix", WRITE_SUFFIXES)
def test_metadata_is_dropped_by_default_and_kept_on_request(tmp_path: Path, suffix: str) -> None:
    photo = read_photo(photo_with_gps(tmp_path / "in.jpg"))
    plain, kept = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    write_image(plain, photo.rgb)
    write_image(kept, photo.rgb, metadata=photo.exif)
    assert b"GessoCam" not in plain.read_bytes() and b"hello" not in plain.read_bytes()
    with Image.open(plain) as image:
        assert not image.info.get("exif") and not image.info.get("icc_profile")
        assert not image.getexif().get_ifd(0x8825)
    if suffix != ".bmp":
        with Image.open(kept) as image:
            exif = image.getexif()
            assert exif[0x010F] == "GessoCam" and exif.get_ifd(0x8825)[1] == "N"
            assert exif.get(0x0112, 1) == 1
    assert distance(read_image(kept), photo.rgb) < 0.08  # not turned a second time


LONG_EXIF = Image.Exif()
LONG_EXIF[0x010F] = "x" * 70_000
LONG_EXIF = LONG_EXIF.tobytes()


@pytest.mark.parametrize(
    "name, arguments, message",
    [
        ("a.xyz", {}, r"a\.xyz: .*allowed are \.jpg.*\.bmp"),
        ("a", {}, "allowed are"),
        ("a.gif", {}, "allowed are"),
        ("a.jpg", {"quality": 0}, "1 to 100"),
        ("a.png", {"quality": 101}, "1 to 100"),
        ("missing/a.png", {}, "folder does not exist"),
        ("a.png", {"image": noise(1, 4, 4)}, r"\(1, 4, 4\).*\(3, H, W\)"),
        ("a.png", {"image": noise(2, 3, 4, 4)}, r"\(3, H, W\)"),
        ("a.png", {"image": noise(3, 0, 4)}, r"\(3, H, W\)"),
        ("a.png", {"image": np.full((3, 4, 4), float("nan"))}, "not numbers"),
        ("a.png", {"image": np.full((3, 4, 4), float("inf"))}, "infinite"),
        ("a.png", {"image": np.zeros((3, 4, 4), np.uint8)}, "floating-point"),
        ("a.png", {"alpha": noise(1, 4, 5)}, "same height and width"),
        ("a.png", {"alpha": noise(3, 4, 4)}, r"\(1, H, W\)"),
        ("a.webp", {"image": noise(3, 1, 16384)}, "cannot be written"),
        ("a.jpg", {"metadata": LONG_EXIF}, "cannot be written"),
        ("a.jpg", {"metadata": b"Exif\0\0" + bytes(9)}, "metadata: no EXIF block"),
    ],
)
def test_what_cannot_be_written_leaves_nothing(
    tmp_path: Path, name: str, arguments: dict[str, object], message: str
) -> None:
    arguments = {"image": noise(3, 4, 4), **arguments}
    with pytest.raises(GessoError, match=message) as caught:
        write_image(tmp_path / name, **arguments)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value) and len(str(caught.value)) <= 200
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_keeps_the_file_before_it(tmp_path: Path) -> None:
    path = tmp_path / "a.webp"
    write_image(path, noise(3, 4, 4))
    before = path.read_bytes()
    with pytest.raises(GessoError, match="cannot be written"):
        write_image(path, noise(3, 1, 16384))
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_batch_of_one_half_precision_and_out_of_range_are_written(tmp_path: Path) -> None:
    image = np.broadcast_to(np.linspace(-0.5, 1.5, 64).reshape(8, 8), (1, 3, 8, 8))
    write_image(tmp_path / "a.png", image.astype(np.float16))
    assert distance(read_image(tmp_path / "a.png"), image[0].clip(0, 1)) < 0.01


def test_thumbnail() -> None:
    for shape, expected in (((300, 200), (64, 96)), ((20, 10), (10, 20))):
        data = thumbnail_bytes(numbers(picture(*shape)))
        with Image.open(io.BytesIO(data)) as image:
            assert image.format == "WEBP" and image.size == expected[::-1]
            assert np.abs(np.asarray(image)[0, 0].astype(int) - (0, 0, 255)).max() < 40
        assert len(data) < 3000


# Folders


def test_list_images(tmp_path: Path) -> None:
    names = ["b.JPG", "a.png", "sub/c.heic", "sub/deep/d.tiff", "é.webp", "Z.gif"]
    others = [".hidden.png", ".git/e.png", "notes.txt", "png", "sub/._c.heic", "f.svg"]
    for name in names + others:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "sub" / "loop").symlink_to(tmp_path)
    (tmp_path / "link.png").symlink_to(tmp_path / "a.png")
    found = [p.relative_to(tmp_path).as_posix() for p in list_images(tmp_path)]
    assert found == [
        "Z.gif",
        "a.png",
        "b.JPG",
        "link.png",
        "sub/c.heic",
        "sub/deep/d.tiff",
        "é.webp",
    ]
    with pytest.raises(GessoError, match="no such folder"):
        list_images(tmp_path / "a.png")


def test_suffixes_cover_what_is_written() -> None:
    assert set(WRITE_SUFFIXES) < set(SUFFIXES)


def test_readers_in_threads_leave_settings_as_they_were(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.tif", Image.fromarray(picture()), compression="tiff_lzw")
    filters, limit = warnings.filters[:], Image.MAX_IMAGE_PIXELS
    found: list[Pixels] = []

    def read_ten_times() -> None:
        found.extend(read_image(path, max_pixels=10**10) for _ in range(10))

    threads = [threading.Thread(target=read_ten_times) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 40 and all(np.array_equal(f, numbers(picture())) for f in found)
    assert warnings.filters == filters and limit == Image.MAX_IMAGE_PIXELS


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs Linux's /proc")
def test_no_file_stays_open(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.tif", Image.fromarray(picture()), compression="tiff_lzw")
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        read_image(path)
        path.write_bytes(path.read_bytes()[:-40])
        with pytest.raises(GessoError):
            read_image(path)
        saved(path, Image.fromarray(picture()), compression="tiff_lzw")
    assert len(os.listdir("/proc/self/fd")) == before
