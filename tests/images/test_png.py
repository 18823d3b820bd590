"""PNG side data never decide whether a picture can be read; what turns or colours it is kept."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from gesso.errors import GessoError
from gesso.images.png import checked
from gesso.images.read import read_image, read_photo


def chunk(name: bytes, data: bytes, wrong: int = 0) -> bytes:
    checksum = zlib.crc32(name + data) ^ wrong
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", checksum)


def colours() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (6, 9, 3), np.uint8)


def png(*chunks: bytes, **options: Any) -> bytes:
    """A PNG with these chunks behind its IHDR."""
    memory = io.BytesIO()
    Image.fromarray(colours()).save(memory, "PNG", **options)
    data = memory.getvalue()
    return data[:33] + b"".join(chunks) + data[33:]


LONG = zlib.compress(bytes(3_000_000))
SIDE = {
    "long text": chunk(b"zTXt", b"Comment\0\0" + LONG),
    "long international text": chunk(b"iTXt", b"Comment\0\1\0\0\0" + LONG),
    "long plain text": chunk(b"tEXt", b"Comment\0" + b"x" * 3_000_000),
    "seventy texts": chunk(b"zTXt", b"c\0\0" + zlib.compress(bytes(1_000_000))) * 70,
    "long EXIF text": chunk(b"zTXt", b"Raw profile type exif\0\0" + LONG),
    "many EXIF texts": chunk(b"tEXt", b"Raw profile type exif\0" + b"x" * 900_000) * 80,
    "long XMP": chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + LONG),
    "text that is not compressed": chunk(b"zTXt", b"Comment\0\0junk"),
    "text without its end": chunk(b"iTXt", b"XML:com.adobe.xmp\0\1"),
    "short gAMA": chunk(b"gAMA", b"\1"),
    "short cHRM": chunk(b"cHRM", b"\1\2\3"),
    "short pHYs": chunk(b"pHYs", b""),
    "short sRGB": chunk(b"sRGB", b""),
    "damaged profile": chunk(b"iCCP", b"name\0\0junk"),
    "profile without a name": chunk(b"iCCP", b""),
    "profile that inflates to 1 GB": chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(2**25))),
    "acTL of no frames": chunk(b"acTL", bytes(8)),
    "short acTL": chunk(b"acTL", b"\0"),
    "stray fcTL": chunk(b"fcTL", bytes(26)),
    "unknown": chunk(b"abCd", b"x" * 50),
    "unknown and not ASCII": chunk(b"\xe4\xf6\xfc\xff", b"x"),
    "wrong checksum": chunk(b"tEXt", b"a\0b", wrong=1) + chunk(b"eXIf", b"II*\0", wrong=1),
    "junk EXIF": chunk(b"eXIf", b"junk"),
}


@pytest.mark.parametrize("name", SIDE)
def test_odd_side_data_cost_no_pixel(name: str) -> None:
    expected = (colours() / np.float32(255)).transpose(2, 0, 1)
    assert np.array_equal(read_image(png(SIDE[name])), expected)


def test_a_profile_of_any_length_is_applied() -> None:
    short = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    wide = bytearray(short)
    place = short.index(b"rXYZ")  # red and green change places in the table of tags
    other = short.index(b"gXYZ")
    wide[place : place + 4], wide[other : other + 4] = b"gXYZ", b"rXYZ"
    plain, turned = read_image(png()), read_image(png(icc_profile=bytes(wide)))
    assert np.abs(plain - turned).max() > 0.1
    padded = chunk(b"iCCP", b"long\0\0" + zlib.compress(bytes(wide) + bytes(2_000_000)))
    assert np.array_equal(read_image(png(padded)), turned)


def test_texts_that_turn_a_picture_still_do() -> None:
    xmp = '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF tiff:Orientation="6"/></x:xmpmeta>'
    info = PngImagePlugin.PngInfo()
    info.add_itxt("XML:com.adobe.xmp", xmp, zip=True)
    assert read_image(png(pnginfo=info)).shape == (3, 9, 6)
    exif = Image.Exif()
    exif[0x0112] = 6
    block = b"Exif\0\0" + exif.tobytes().removeprefix(b"Exif\0\0")
    text = f"\nexif\n{len(block):8d}\n{block.hex()}\n".encode()
    profile = chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(text))
    assert read_image(png(profile)).shape == (3, 9, 6)


@pytest.mark.parametrize("name", [b"IHDR", b"IDAT", b"IEND"])
def test_the_pictures_own_chunks_have_to_be_right(name: bytes) -> None:
    data = bytearray(png())
    place = data.index(name)
    length = int.from_bytes(data[place - 4 : place], "big")
    data[place + 4 + length] ^= 1
    with pytest.raises(GessoError, match=f"wrong checksum of an {name.decode()} chunk"):
        read_photo(bytes(data))


def test_the_decoder_is_given_only_what_makes_the_picture() -> None:
    kept = checked(io.BytesIO(png(*SIDE.values()))).stream.read()
    assert len(kept) < 10_000_000 and b"Comment" not in kept and b"iCCP" not in kept
