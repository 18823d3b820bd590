"""What the papers say of speed and size, on their hardware: to stand beside our own figures."""

from __future__ import annotations

from dataclasses import dataclass

METASTYLE = "Zhang et al., AAAI 2019, MetaStyle: poster, “Quantitative Results”"
METASTYLE_HARDWARE = "GPU, not stated in the text"
ADAIN = "Huang & Belongie, ICCV 2017, AdaIN: Table 1"
ADAIN_HARDWARE = "Pascal Titan X"


@dataclass(frozen=True)
class Published:
    """A row of a paper's table. `with_style` adds the encoding of the style to the seconds."""

    method: str  # as its paper calls it
    year: str
    ours: str  # our name for the method, or ""
    parameters: float | None
    seconds_256: float
    seconds_512: float
    styles: str
    source: str
    hardware: str
    with_style: tuple[float, float] | None = None


def _metastyle(
    method: str,
    year: str,
    ours: str,
    millions: float | None,
    small: float,
    large: float,
    styles: str,
) -> Published:
    parameters = None if millions is None else millions * 1e6
    return Published(
        method, year, ours, parameters, small, large, styles, METASTYLE, METASTYLE_HARDWARE
    )


def _adain(
    method: str,
    year: str,
    ours: str,
    small: float,
    large: float,
    styles: str,
    with_style: tuple[float, float] | None = None,
) -> Published:
    return Published(
        method, year, ours, None, small, large, styles, ADAIN, ADAIN_HARDWARE, with_style
    )


PUBLISHED = (
    _metastyle("Gatys et al.", "2016", "gatys", None, 7.7428, 27.0517, "∞"),
    _metastyle("Johnson et al.", "2016", "johnson", 1.68, 0.0044, 0.0146, "1"),
    _metastyle("Li et al. (WCT)", "2017", "wct", 34.23, 0.6887, 1.2335, "∞"),
    _metastyle("Huang & Belongie (AdaIN)", "2017", "adain", 7.01, 0.0165, 0.0320, "∞"),
    _metastyle("Shen et al. (Meta Networks)", "2018", "meta_networks", 219.32, 0.0045, 0.0147, "∞"),
    _metastyle("Sheng et al. (Avatar-Net)", "2018", "avatar_net", 147.22, 0.5089, 0.6088, "∞"),
    _metastyle("Chen & Schmidt (style swap)", "2016", "style_swap", 1.48, 0.2679, 1.0890, "∞"),
    _metastyle("MetaStyle", "2019", "metastyle", 1.68, 0.0047, 0.0145, "∞*"),
    _adain("Gatys et al.", "2016", "gatys", 14.17, 46.75, "∞", (14.19, 46.79)),
    _adain("Chen & Schmidt (style swap)", "2016", "style_swap", 0.171, 3.214, "∞", (0.407, 4.144)),
    _adain("Ulyanov et al.", "2017", "texture_nets", 0.011, 0.038, "1"),
    _adain("Dumoulin et al.", "2017", "conditional_in", 0.011, 0.038, "32"),
    _adain("AdaIN", "2017", "adain", 0.018, 0.065, "∞", (0.027, 0.098)),
)

FOOTNOTE = "∞*: any style, after some steps of adaptation."
