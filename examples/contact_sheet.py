"""A sheet that shows photographs down the side, styles along the top and what became of them."""

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

Named = tuple[str, Image.Image]

PAPER, INK, FAINT = (250, 248, 244), (38, 36, 34), (140, 134, 126)
MARGIN_PX, GAP_PX, CAPTION_PX, TITLE_PX = 40, 18, 30, 64


def fitted(image: Image.Image, width: int, height: int) -> Image.Image:
    """The whole picture, as large as fits in the box."""
    scale = min(width / image.width, height / image.height)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.convert("RGB").resize(size, Image.Resampling.LANCZOS)


def _label(draw: ImageDraw.ImageDraw, x: int, y: int, text: str, size: int, faint: bool) -> None:
    font = ImageFont.load_default(size)
    draw.text((x, y), text, fill=FAINT if faint else INK, font=font, anchor="lm")


def _row_heights(photos: Sequence[Named], cell: int) -> list[int]:
    """Rows are as high as their photograph at full cell width, but never higher than wide."""
    return [min(cell, round(cell * photo.height / photo.width)) for _, photo in photos]


def contact_sheet(
    title: str,
    photos: Sequence[Named],
    styles: Sequence[Named],
    results: Sequence[Sequence[Image.Image]],
    cell: int = 320,
) -> Image.Image:
    """Lay out ``results[photo][style]`` in a labelled grid with cells ``cell`` pixels wide."""
    head = round(0.6 * cell)
    heights = _row_heights(photos, cell)
    columns = [MARGIN_PX + i * (cell + GAP_PX) for i in range(len(styles) + 1)]
    first_row = MARGIN_PX + TITLE_PX + head + CAPTION_PX + GAP_PX
    tall = first_row + sum(h + CAPTION_PX + GAP_PX for h in heights) - GAP_PX + MARGIN_PX
    sheet = Image.new("RGB", (columns[-1] + cell + MARGIN_PX, tall), PAPER)
    draw = ImageDraw.Draw(sheet)
    _label(draw, MARGIN_PX, MARGIN_PX + TITLE_PX // 3, title, 30, faint=False)
    for x, (name, style) in zip(columns[1:], styles, strict=True):
        top = MARGIN_PX + TITLE_PX
        sheet.paste(fitted(style, cell, head), (x, top))
        _label(draw, x, top + head + CAPTION_PX // 2, name, 18, faint=False)
    y = first_row
    for (name, photo), height, row in zip(photos, heights, results, strict=True):
        for x, image in zip(columns, (photo, *row), strict=True):
            sheet.paste(fitted(image, cell, height), (x, y))
        _label(draw, columns[0], y + height + CAPTION_PX // 2, name, 18, faint=True)
        y += height + CAPTION_PX + GAP_PX
    return sheet
