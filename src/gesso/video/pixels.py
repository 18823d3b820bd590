"""Decoded pictures → upright sRGB with square pixels; and whether something is lost on the way."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from gesso.images.resize import target_size
from gesso.video.frames import Pixels
from gesso.video.needed import pyav

LOSSLESS = "bgra"  # how FFV1 keeps pictures exactly, transparency included
UNSPECIFIED = 2  # of AVColorSpace, AVColorTransferCharacteristic and AVColorPrimaries
BT709, SRGB = 1, 13
HDR = {16: "PQ", 18: "HLG"}  # transfer characteristics
WIDE = {9, 11, 12}  # primaries: BT.2020, DCI-P3, Display P3
HD_LINES = 720  # from which on colours without a label are BT.709's, as players take them
STRETCHED = Fraction(8)  # pixels that would be wider or higher are a mistake of the file's


class Upright:
    """Turns decoded pictures into arrays, all of the size that the first one gets.

    Pixels that are not square are made so by stretching the picture along their longer side, so no
    line is lost. HDR and wide colours are mapped to sRGB by swscale: white is white at 203 cd/m²
    (ITU-R BT.2408), what is brighter is cut.

    Args:
        first: the first picture.
        shape: width through height of a pixel; None or 0: square.
        size: the longer side in px; None: the picture's own.
    """

    def __init__(self, first: Any, shape: Fraction | None, size: int | None) -> None:
        from av.video.reformatter import VideoReformatter

        self.turn = _turn(first)
        self._reformatter = VideoReformatter()
        width, height = first.width, first.height
        if shape and 1 / STRETCHED <= shape <= STRETCHED:
            width, height = (
                (round(width * shape), height) if shape > 1 else (width, round(height / shape))
            )
        if size is not None:
            height, width = target_size((height, width), size)
        self.width, self.height = max(1, width), max(1, height)  # before the turn

    def __call__(self, picture: Any) -> Pixels:
        """(H, W, 3) of a decoded picture; of an interlaced one its first lines, third lines and so
        on, which show one moment, with those between made of them."""
        if picture.interlaced_frame:
            picture = self._of_one_moment(picture)
        same = (picture.width, picture.height) == (self.width, self.height)
        made = self._reformatter.reformat(
            picture,
            width=self.width,
            height=self.height,
            format="rgb24",
            interpolation=_scaling(shrinks=not same and picture.width > self.width),
            threads=1,
            **_colors(picture),
        )
        return _turned(np.asarray(made.to_ndarray(), np.uint8), self.turn)

    def _of_one_moment(self, picture: Any) -> Any:
        """A picture of half as many lines, in RGB."""
        colors = _colors(picture)
        made = self._reformatter.reformat(picture, format="rgb24", threads=1, **colors)
        lines = np.ascontiguousarray(made.to_ndarray()[::2])
        return pyav().VideoFrame.from_ndarray(lines, "rgb24")


def lost(picture: Any) -> str | None:
    """What sRGB of 8 bits cannot hold of a picture, in words; None: nothing."""
    if picture.color_trc in HDR:
        return f"HDR ({HDR[picture.color_trc]}) is mapped to sRGB, brighter than white is cut"
    bits = max(part.bits for part in picture.format.components)
    return f"{bits} bits a channel become 8" if bits > 8 else None


def encodable(rgb: Pixels, alpha: Pixels | None, pixel_format: str, even: bool) -> Any:
    """A picture as encoders take it, of (H, W, 3) and (H, W): without colour conversion in a format
    of RGB, else BT.709 in the limited range, on white where it is transparent. Of odd sides the
    last line is doubled where they have to be `even`."""
    from av.video.reformatter import ColorRange, Colorspace

    make = pyav().VideoFrame.from_ndarray
    if pixel_format == LOSSLESS:
        opaque = np.full(rgb.shape[:2], 255, np.uint8)
        rgba = np.dstack([rgb, opaque if alpha is None else alpha])
        return make(np.ascontiguousarray(rgba[..., [2, 1, 0, 3]]), LOSSLESS)
    if alpha is not None:
        rgb = on_white(rgb, alpha)
    if even and (rgb.shape[0] % 2 or rgb.shape[1] % 2):
        rgb = np.pad(rgb, ((0, rgb.shape[0] % 2), (0, rgb.shape[1] % 2), (0, 0)), mode="edge")
    return make(np.ascontiguousarray(rgb), "rgb24").reformat(
        format=pixel_format,
        dst_colorspace=Colorspace.ITU709,
        dst_color_range=ColorRange.MPEG,
        interpolation=_scaling(shrinks=False),
        threads=1,
    )


def on_white(rgb: Pixels, alpha: Pixels) -> Pixels:
    """(H, W, 3) as it looks on white."""
    share = alpha[..., None].astype(np.float32) / 255
    return np.rint(rgb * share + 255 * (1 - share)).astype(np.uint8)


def _scaling(shrinks: bool) -> int:
    from av.video.reformatter import Interpolation as How

    way = How.AREA if shrinks else How.BICUBIC
    return int(way | How.ACCURATE_RND | How.FULL_CHR_H_INT | How.FULL_CHR_H_INP)


def _colors(picture: Any) -> dict[str, Any]:
    """How the colours are to be read where the picture does not say, and mapped where sRGB has
    not got them."""
    from av.video.reformatter import Colorspace

    found: dict[str, Any] = {}
    if picture.colorspace == UNSPECIFIED:
        high = picture.height >= HD_LINES
        found["src_colorspace"] = Colorspace.ITU709 if high else Colorspace.ITU601
    if picture.color_trc in HDR or picture.color_primaries in WIDE:
        found |= {"dst_color_trc": SRGB, "dst_color_primaries": BT709}
    return found


def _turn(picture: Any) -> tuple[bool, bool, bool]:
    """Whether rows and columns change places, and then which of (rows, columns) are reversed."""
    data = picture.side_data.get("DISPLAYMATRIX")
    if data is None:
        return False, False, False
    a, b, _, c, d, *_ = np.frombuffer(bytes(data), np.int32).tolist()
    if abs(a) + abs(d) < abs(b) + abs(c):
        return True, b < 0, c < 0
    return False, d < 0, a < 0


def _turned(rgb: Pixels, turn: tuple[bool, bool, bool]) -> Pixels:
    swapped, rows, columns = turn
    if swapped:
        rgb = rgb.transpose(1, 0, 2)
    if rows:
        rgb = rgb[::-1]
    if columns:
        rgb = rgb[:, ::-1]
    return np.ascontiguousarray(rgb)
