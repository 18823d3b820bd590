"""How photos are drawn with patches of a painting: what torch (`gesso.fitting`) and numpy
(`gesso.runtime`) both go by."""

from __future__ import annotations

COARSEST_PX = 64  # longer side of the coarsest scale (Kolkin et al. 2022)
SMALLEST_PX = 16
LARGEST_FIRST_PX = 320.0  # of the photo as patches first see it; at 128 px one covers half a face
USUAL = 0.6  # alpha: the default
MOST_SHADE = 0.8  # at 1 nothing of the painting's own large shapes would be left in a calm sky

FINEST = 1 / 96  # of the longer side, of light and shade: finer detail is strokes
COUNT = 6  # bands of them at most: what is larger than 64 px is the painting's

PIXELS = 512  # of a style whose colours are kept
PASSES = 5  # of the 3×3 filter of colours (Kolkin et al. 2022)
STOP = 10.0  # a step of lightness s weighs exp(−10·s) there (theirs)

MOST_BYTES = 200_000  # of a painting as a WebP; twice that in a card, whose numbers are float16
QUALITIES = (95, 85, 70, 50, 20)
STRIDE = 2.0  # of the patches: a quarter of them, and of the time; the pictures are as good

# Linear sRGB → cone responses, and their cube roots → L, a, b of OKLab (for sRGB's white).
CONES = (
    (0.4122214708, 0.5363325363, 0.0514459929),
    (0.2119034982, 0.6806995451, 0.1073969566),
    (0.0883024619, 0.2817188376, 0.6299787005),
)
LAB = (
    (0.2104542553, 0.7936177850, -0.0040720468),
    (1.9779984951, -2.4285922050, 0.4505937099),
    (0.0259040371, 0.7827717662, -0.8086757660),
)


def scales(longest: int) -> list[int]:
    """The longer sides in px at which a picture of `longest` px is painted: 64, 128, …, its own."""
    found = [max(longest, SMALLEST_PX)]
    while found[0] > 1.5 * COARSEST_PX:
        found.insert(0, -(-found[0] // 2))
    return found


def size_at(height: int, width: int, size: int) -> tuple[int, int]:
    """The sides of a picture at a scale of so many px."""
    share = size / max(height, width)
    return max(SMALLEST_PX, round(height * share)), max(SMALLEST_PX, round(width * share))


def first_px(alpha: float) -> float:
    """Scales above it are drawn with patches; the more of the photo is to stay, the fewer."""
    return LARGEST_FIRST_PX * alpha


def patches(alpha: float) -> float:
    """The share of patches in what is drawn: the more of the photo is to stay, the less."""
    return min(1.0, 2.5 * (1 - alpha))


def blurred(alpha: float, key_blur: float) -> float:
    """How far from patches are looked for, as far as they count."""
    return 1 + patches(alpha) * (key_blur - 1)


def shade(alpha: float) -> float:
    """How far the lightness of what patches drew goes back to the photo's."""
    return MOST_SHADE * min(1.0, alpha / USUAL)
