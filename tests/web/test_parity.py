"""Pictures of the page are those of Python."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
import pytest

import gesso
from browsing import SITE, apart, picture_of
from gesso import assets

LEVELS = 2  # of 255
PAINT = """async ({photo, paintings, ...job}) => {
  const { ask } = await import("./app/engine.js");
  const base = new URL(".", location.href).href;
  globalThis.started ??= ask("start", { base, cores: 1, gpu: false });
  await globalThis.started;
  const blob = async (path) => (await fetch(path)).blob();
  await ask("photo", { key: "photo", blob: await blob(photo) });
  for (const path of paintings)
    await ask("painting", { key: path, blob: await blob(path), name: "painting" });
  const { pixels } = await ask("paint", { photo: "photo", ...job });
  let text = "";
  for (let i = 0; i < pixels.data.length; i += 32768)
    text += String.fromCharCode(...pixels.data.subarray(i, i + 32768));
  return [pixels.height, pixels.width, btoa(text)];
}"""

CASES = {
    "rich": {"method": "adain", "styles": {"impasto": 1.0}},
    "bold": {"method": "meta_networks", "styles": {"stained-glass": 1.0}},
    "coarse to fine": {"method": "meta_networks", "styles": {"mosaic": 1.0}, "size": 448},
    "mixed, one muted": {"method": "adain", "styles": {"mosaic": 0.3, "charcoal": 0.7}},
    "muted": {"method": "meta_networks", "styles": {"pencil": 1.0}},
    "rich, half": {"method": "adain", "styles": {"ukiyo-e": 1.0}, "strength": 0.5},
    "bold, half": {"method": "meta_networks", "styles": {"ukiyo-e": 1.0}, "strength": 0.5},
    "photo's colours": {"method": "meta_networks", "styles": {"neon": 1.0}, "color": "content"},
    "light only": {"method": "meta_networks", "styles": {"neon": 1.0}, "color": "luminance"},
    "broad strokes": {"method": "meta_networks", "styles": {"gilded": 1.0}, "strokes": 480},
    "dark": {"method": "adain", "styles": {"impasto": 1.0}, "photo": "rocket-launch"},
    "dark, half": {"method": "meta_networks", "photo": "rocket-launch", "styles": {"neon": 1.0}}
    | {"strength": 0.6},
}


@pytest.fixture(scope="module")
def page(browser: Any, address: str) -> Any:
    """A page of the origin that shows nothing, so that only what is asked for is painted."""
    context = browser.new_context()
    made = context.new_page()
    made.goto(f"{address}files.json")
    yield made
    context.close()


SHORT = ("bold", "coarse to fine")  # the others are slow


@pytest.mark.parametrize(
    "name", [n if n in SHORT else pytest.param(n, marks=pytest.mark.slow) for n in CASES]
)
def test_a_picture_is_pythons(page: Any, name: str) -> None:
    case = {"photo": "cat-face", "size": 256, "strength": 1.0, "color": "style", "strokes": None}
    case |= CASES[name]
    assert apart(_ours(page, **case), _pythons(**case)) <= LEVELS


@pytest.mark.parametrize("method", ["adain", "meta_networks"])
def test_the_cards_of_the_page_are_those_of_gesso_adapt(method: str) -> None:
    """Numbers under their own names: cards of the page go to the command line, and back."""
    if not SITE.is_dir():
        pytest.skip("the page is not built; make web does it")
    path = SITE / "cards" / method / "ukiyo-e.safetensors"
    found, made = gesso.StyleCard.load(path), gesso.load(method).adapt("ukiyo-e")
    assert found.tensors.keys() == made.tensors.keys() and found.config == made.config
    for name, tensor in made.tensors.items():
        assert apart(found.tensors[name], tensor) < 2e-3, name


@pytest.mark.slow
def test_empty_ground_is_calm_as_in_python(page: Any) -> None:
    case = {"method": "meta_networks", "styles": {"mosaic": 1.0}, "size": 256, "strength": 1.0}
    case |= {"photo": "cat-face", "color": "style", "strokes": None}
    picture = gesso.read_image(assets.CONTENTS / "cat-face.jpg", size=256).numpy()
    picture[:, :, 160:] = 1.0
    made = _ours(page, **case, given=picture)
    assert apart(made, _pythons(**case, given=picture)) <= LEVELS


def _ours(page: Any, photo: str, styles: dict[str, float], strokes: int | None, **job: Any) -> Any:
    given = job.pop("given", None)
    path = f"contents/{photo}.jpg" if given is None else _data(given)
    chosen = [{"name": name, "share": share} for name, share in styles.items()]
    wanted = {"photo": path, "paintings": [], "styles": chosen, "strokes": strokes, **job}
    return picture_of(page.evaluate(PAINT, wanted))


def _data(picture: Any) -> str:
    data = io.BytesIO()
    gesso.write_image(data, picture, format="png")
    return f"data:image/png;base64,{base64.b64encode(data.getvalue()).decode()}"


def _pythons(
    photo: str,
    styles: dict[str, float],
    method: str,
    size: int,
    strength: float,
    color: str,
    strokes: int | None,
    given: Any = None,
) -> Any:
    made = gesso.load(method)
    changes: dict[str, Any] = {} if strokes is None else {"style_size": strokes}
    cards = [made.adapt(name, **changes) for name in styles]
    weights = tuple(styles.values()) if len(cards) > 1 else None
    controls = gesso.Controls(strength=strength, color=color, weights=weights)  # type: ignore
    source = assets.CONTENTS / f"{photo}.jpg" if given is None else given
    image = gesso.read_image(source, size=size)
    picture = controls.stylizer(made, cards)(image[None])[0]
    return np.rint(picture.clamp(0, 1).numpy().transpose(1, 2, 0) * 255)
