"""The camera: its frames' network, what they look like, and how many there are in a second."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

import gesso
from browsing import SITE, after, apart, far, painted, picture_of, pixels
from gesso import assets
from gesso.runtime.looks import AnyStyle

LEAST_RATE = float(os.environ.get("GESSO_WEB_FPS", "0.2"))  # of 10 on two idle cores
SECONDS = 8
PARTS = {"camera", "read", "network", "colours", "shown"}
NEAR = 6  # of 255, on average, of a frame and what `gesso stylize` makes of it
SAME = 0.5  # where there is little border
FRAME = """async ([path, job]) => {
  const { ask } = await import("./app/engine.js");
  globalThis.started ??= ask("start", { base: new URL(".", location).href, cores: 1, gpu: false });
  await globalThis.started;
  const bitmap = await createImageBitmap(await (await fetch(path)).blob());
  const pen = new OffscreenCanvas(256, 192).getContext("2d");
  pen.drawImage(bitmap, 0, 0, 256, 192);
  const given = pen.getImageData(0, 0, 256, 192);
  const styles = [{ name: job.style, share: 1 }];
  const found = await ask("frame", { pixels: given, styles, strokes: null, ...job });
  const text = ({ data }) => btoa(Array.from(data, (x) => String.fromCharCode(x)).join(""));
  return [found.photo, found.pixels].map((one) => [one.height, one.width, text(one)]);
}"""


@pytest.mark.parametrize("photo", ["town", "rocket-launch"])
def test_the_network_of_frames_is_that_of_pictures_but_for_borders(photo: str) -> None:
    """Of 960 px the border is so small a part that all else shows; one is dark."""
    if not SITE.is_dir():
        pytest.skip("the page is not built; make web does it")
    ort = pytest.importorskip("onnxruntime")
    method = AnyStyle("meta_networks")
    kernels = {n: np.float32(v) for n, v in method.seen("mosaic", 384).numbers.items()}
    image = gesso.read_image(assets.CONTENTS / f"{photo}.jpg", size=960).numpy()
    image = np.ascontiguousarray(
        image[None, :, : image.shape[1] // 4 * 4, : image.shape[2] // 4 * 4]
    )
    network = method.network
    nothing = {"among": [0.0], "light": [0.5], "moments": np.zeros((2, 392))}
    moments = network.run({"image": image[..., :512, :512], **nothing, **kernels})["own_moments"]
    around = {"among": [1.0], "light": [0.5], "moments": moments}
    wanted = network.run({"image": image, **around, **kernels})
    share = wanted["lacking"]
    assert (share[0] > 0) == (photo == "rocket-launch")
    path = SITE / "graphs" / "meta_networks.frames.onnx"
    frames = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    given = {"image": image, "share": share, "moments": moments, **kernels}
    (found,) = frames.run(["picture"], given)
    inner = np.s_[..., 64:-64, 64:-64]
    assert far(found[inner] * 255, wanted["picture"][inner] * 255) < SAME
    assert wanted["picture"][inner].std() > 0.05


CASES = {
    "plain": {"style": "stained-glass"},
    "dark": {"style": "wheatfield", "photo": "rocket-launch"},
    "muted": {"style": "pencil"},
    "photo's colours": {"style": "neon", "color": "content"},
    "light only": {"style": "neon", "color": "luminance"},
}


@pytest.fixture(scope="module")
def empty(browser: Any, address: str) -> Any:
    """A page of the origin that shows nothing."""
    context = browser.new_context()
    made = context.new_page()
    made.goto(f"{address}files.json")
    yield made
    context.close()


@pytest.mark.parametrize(
    "name", [n if n == "plain" else pytest.param(n, marks=pytest.mark.slow) for n in CASES]
)
def test_a_frame_is_nearly_what_the_command_line_paints(empty: Any, name: str) -> None:
    case = {"photo": "cat", "color": "style"} | CASES[name]
    seen, found = _frame(empty, **case)
    method = gesso.load("meta_networks")
    controls = gesso.Controls(color=case["color"], ground="painted")  # type: ignore
    stylizer = controls.stylizer(method, [method.adapt(case["style"])])
    image = gesso.read_image(Image.fromarray(seen.astype(np.uint8)))
    wanted = stylizer(image[None])[0].clamp(0, 1).numpy().transpose(1, 2, 0) * 255
    assert far(found, wanted) < NEAR < far(found, seen)


def test_strength_mixes_a_frame_with_what_the_camera_sees(empty: Any) -> None:
    seen, whole = _frame(empty, "cat", "neon")
    assert apart(_frame(empty, "cat", "neon", strength=0)[1], seen) == 0
    half = _frame(empty, "cat", "neon", strength=0.5)[1]
    assert apart(half, (seen + whole) / 2) <= 1 < apart(whole, seen)


def _frame(page: Any, photo: str, style: str, **settings: Any) -> Any:
    """(H, W, 3) each of what the camera sees and of what is made of it."""
    job = {"style": style, "method": "meta_networks", "strength": 1, "color": "style"} | settings
    return [picture_of(one) for one in page.evaluate(FRAME, [f"contents/{photo}.jpg", job])]


@pytest.mark.slow
def test_the_camera_is_painted_and_its_picture_taken(
    opened: Callable[..., Any], address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    page = opened(address, cores=2, permissions=["camera"])
    painted(page)
    page.get_by_role("button", name="Camera").click()
    page.locator("#say", has_text="frames a second").wait_for()
    assert far(pixels(page), pixels(page, "before")) > 5
    counted = [_counted(page) for _ in range(SECONDS)]
    best = max(counted, key=lambda one: one["rate"])
    with capsys.disabled():
        print("\ncamera:", " · ".join(f"{name} {value:.1f}" for name, value in best.items()))
    assert best.keys() == PARTS | {"rate"} and best["rate"] >= LEAST_RATE
    taken = after(page, lambda: page.get_by_role("button", name="Take it").click())
    assert taken.shape == (192, 256, 3)
    assert far(taken, pixels(page, "before")) > 5
    with Image.open(assets.CONTENTS / "cat.jpg") as image:
        seen = np.asarray(image.convert("RGB").resize((256, 192)), np.float32)[:, ::-1]
    photo = pixels(page, "before")
    assert far(photo, seen) < far(photo, seen[:, ::-1])  # as in a mirror


def _counted(page: Any) -> dict[str, float]:
    """Frames in a second, and ms of the parts of a frame, a second later."""
    page.wait_for_timeout(1000)
    found: dict[str, float] = json.loads(page.locator("html").get_attribute("data-frame"))
    return found
