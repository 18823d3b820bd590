"""The page with `gesso studio` behind it, as whoever opens it sees it."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from browsing import after, apart, far, pixels, served
from gesso import assets
from studio_client import OVER, TOKEN, Client, serving

pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")

from gesso.studio.site import BUILT

Opened = Callable[..., Any]
PX = 64  # of photos: nothing here is about quality
PHOTO, STYLE, OTHER = "cat-face", "wheatfield", "neon"
HANDLE = "getComputedStyle(document.getElementById('frame'), '::after').opacity"
NAUGHTY = "<img src=x onerror=alert(1)>.png"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A client of a studio of these tests."""
    if not (BUILT / "index.html").is_file():
        pytest.skip("the page is not built; make web does it")
    with serving(tmp_path_factory.mktemp("studio")) as (_, found):
        yield found


@pytest.fixture(scope="module")
def open_studio(opened: Opened, client: Client) -> Callable[[], Any]:
    """Opens the studio's page as another person would, with a small photo."""

    def run() -> Any:
        page = opened(f"http://127.0.0.1:{client.port}/", f"?token={TOKEN}")
        page.locator(".panel").first.wait_for()
        after(page, lambda: page.locator("#photo-file").set_input_files(small()))
        for panel in page.locator("details.panel").all():
            panel.evaluate("e => { e.open = true }")
        return page

    return run


@pytest.fixture(scope="module")
def kept(open_studio: Callable[[], Any]) -> Any:
    return open_studio()


@pytest.fixture
def page(kept: Any) -> Any:
    """The page with a small photo and one style."""
    if kept.get_by_role("button", name="Mix", exact=True).get_attribute("aria-pressed") == "true":
        kept.get_by_role("button", name="Mix", exact=True).click()
    kept.get_by_role("button", name=STYLE, exact=True).click()
    panel(kept, "Paint with gesso").get_by_label("Size").select_option("own")
    return kept


def small(name: str = "photo.png", data: bytes | None = None) -> dict[str, Any]:
    """A file to choose: a small photo, or what is given."""
    if data is None:
        sink = io.BytesIO()
        with Image.open(assets.CONTENTS / f"{PHOTO}.jpg") as image:
            image.convert("RGB").resize((PX, PX * 3 // 4)).save(sink, "PNG")
        data = sink.getvalue()
    return {"name": name, "mimeType": "image/png", "buffer": data}


def panel(page: Any, title: str) -> Any:
    return page.locator("details.panel", has=page.get_by_role("heading", name=title, exact=True))


def own(page: Any, client: Client) -> Client:
    """A client in the page's session."""
    return client.another(page.evaluate("sessionStorage.getItem('gesso session')"))


def saved(page: Any, press: Callable[[], Any]) -> Any:
    """The file that is saved."""
    with page.expect_download() as download:
        press()
    return Path(download.value.path()), download.value.suggested_filename


def paint(page: Any, way: str) -> None:
    """Begins to paint."""
    panel(page, "Paint with gesso").get_by_label("How").select_option(way)
    page.get_by_role("button", name="Paint", exact=True).click()


@pytest.mark.slow
def test_the_picture_gets_better_while_one_watches(page: Any) -> None:
    seen: list[str] = []
    listener = lambda answer: seen.append(answer.url) if "/preview" in answer.url else None  # noqa: E731
    page.on("response", listener)
    polish = panel(page, "Paint with gesso").get_by_label("Polish")
    polish.fill("200")  # steps: a fast machine would be done before the second preview
    paint(page, "method:gatys")
    page.locator("#say", has_text=f"{PX} × {PX * 3 // 4} px").wait_for()
    polish.fill("")
    page.remove_listener("response", listener)
    assert sum("/jobs/" in url for url in seen) >= 2
    path, name = saved(page, lambda: page.get_by_role("button", name="Save picture").click())
    assert name == f"photo-{STYLE}.png"
    with Image.open(path) as image:
        made = np.asarray(image.convert("RGB"), np.float32)
    assert made.shape == (PX * 3 // 4, PX, 3)
    assert apart(made, pixels(page)) == 0


@pytest.mark.slow
def test_a_job_that_is_stopped_is_given_up_and_the_next_one_runs(page: Any, client: Client) -> None:
    page.locator("#settings input[name=strength]").fill("100")
    panel(page, "Paint with gesso").get_by_label("Polish").fill("1000")
    paint(page, "method:gatys")
    page.locator(".work .of-work", has_text="Painting:").first.wait_for()
    page.get_by_role("button", name="Stop", exact=True).first.click()
    page.locator("#say", has_text="stopped").wait_for()
    assert own(page, client).get("api/jobs").json[0]["state"] == "cancelled"
    panel(page, "Paint with gesso").get_by_label("Polish").fill("")
    paint(page, "method:adain")
    page.locator("#say", has_text=f"photo-{STYLE}.png").wait_for()


@pytest.mark.slow
def test_two_people_do_not_see_each_others_pictures(
    page: Any, open_studio: Callable[[], Any], client: Client
) -> None:
    paint(page, "method:adain")
    page.locator("#say", has_text=f"photo-{STYLE}.png").wait_for()
    other = open_studio()
    panel(other, "Paint with gesso").get_by_label("Size").select_option("own")
    paint(other, "method:adain")
    other.locator("#say", has_text=f"photo-{STYLE}.png").wait_for()
    mine, others = (
        {one["id"] for one in own(each, client).get("api/pictures").json} for each in (page, other)
    )
    assert mine and others and not mine & others
    for key in mine:
        for what in ("", "/preview", "/file"):
            assert own(other, client).get(f"api/pictures/{key}{what}").status == 404
    jobs = {job["id"] for job in own(page, client).get("api/jobs").json}
    assert all(own(other, client).get(f"api/jobs/{key}").status == 404 for key in jobs)
    other.context.close()


@pytest.mark.slow
def test_cards_are_kept_renamed_mixed_used_and_removed(page: Any, client: Client) -> None:
    cards = panel(page, "Cards")
    rows = cards.locator(".cards li")
    for name in (STYLE, OTHER):
        page.get_by_role("button", name=name, exact=True).click()
        cards.get_by_role("button", name="Keep this style").click()
        rows.get_by_label(f"mark {name}").wait_for()
    name_field = rows.filter(has=page.get_by_label(f"mark {OTHER}")).get_by_label("name of")
    name_field.fill("lights")
    name_field.press("Enter")
    rows.get_by_label("mark lights").check()
    rows.get_by_label(f"mark {STYLE}").check()
    cards.get_by_role("button", name="Mix the marked").click()
    mixed = rows.filter(has=page.get_by_label("mark lights and")).or_(
        rows.filter(has=page.get_by_label("and lights"))
    )
    mixed.first.wait_for()
    assert [card["mixed"] for card in client.get("api/cards").json].count(True) == 1
    assert mixed.first.locator("img").is_visible()
    after(page, lambda: mixed.first.get_by_role("button", name="Use").click())
    assert "lights" in page.locator("#chosen").inner_text()
    page.once("dialog", lambda dialog: dialog.accept())
    rows.get_by_label("remove lights", exact=True).click()
    rows.get_by_label("mark lights", exact=True).wait_for(state="detached")
    assert "lights" not in {card["name"] for card in client.get("api/cards").json}


@pytest.mark.slow
def test_each_style_has_the_region_that_was_painted_for_it(page: Any, client: Client) -> None:
    page.get_by_role("button", name="Mix", exact=True).click()
    after(page, lambda: page.get_by_role("button", name=OTHER, exact=True).click())
    page.get_by_role("button", name="Regions…").click()
    page.get_by_role("slider", name="Brush").fill("40")
    box = page.locator(".regions").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 5, box["y"] + 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 5, box["y"] + box["height"] - 2, steps=4)
    page.mouse.up()
    page.locator(".regions").press("Shift+ArrowLeft")  # and by the keyboard
    assert page.evaluate(HANDLE) == "0"  # which compares nothing now
    paint(page, "method:adain")
    page.locator("#say", has_text=f"photo-{STYLE}-{OTHER}.png").wait_for()
    made = pixels(page)
    mine = own(page, client)
    photo = mine.send(small()["buffer"])
    alone = []
    for style in (STYLE, OTHER):
        words = {"photo": photo, "styles": [{"bundled": style}], "method": "adain"}
        answer = mine.get(f"api/pictures/{mine.made('picture', words)['id']}/file")
        with Image.open(io.BytesIO(answer.body)) as image:
            alone.append(np.asarray(image.convert("RGB"), np.float32))
    left, right = np.s_[:, : PX // 4], np.s_[:, PX // 2 :]
    assert far(made[left], alone[0][left]) < far(made[left], alone[1][left])
    assert far(made[right], alone[1][right]) < far(made[right], alone[0][right])
    page.get_by_role("button", name="Regions…").click()
    page.get_by_role("button", name="Clear").click()
    page.get_by_role("button", name="Regions…").click()


@pytest.mark.slow
def test_many_photos_wait_in_a_queue_are_saved_and_removed(page: Any, client: Client) -> None:
    many, queue = panel(page, "Many photos"), panel(page, "Queue")
    rows = queue.locator(".queue li")
    files = [small("a.png"), small("b.png"), small("no.png", b"no picture"), small(NAUGHTY, b"x")]
    page.locator("input[type=file][multiple][accept='image/*']").last.set_input_files(files)
    many.get_by_label("How").select_option("method:adain")
    page.get_by_role("button", name="Mix", exact=True).click()
    page.get_by_role("button", name=OTHER, exact=True).click()
    many.get_by_role("button", name="Paint all").click()
    page.locator("#say", has_text="2 files left out").wait_for()
    rows.filter(has_text="2 photos × 2 styles: 4 pictures").wait_for()
    assert rows.locator(".made img").count() == 4
    path, _ = saved(page, lambda: rows.get_by_role("button", name="save").click())
    with zipfile.ZipFile(path) as archive:
        names = [f"{photo}-{style}.jpg" for style in (STYLE, OTHER) for photo in "ab"]
        assert archive.namelist() == names
    many.get_by_label("How").select_option("method:gatys")
    many.get_by_role("button", name="Paint all").click()
    rows.get_by_role("button", name="stop").click()
    rows.filter(has_text="stopped").wait_for()
    path, _ = saved(page, lambda: queue.get_by_role("button", name="Save everything").click())
    with zipfile.ZipFile(path) as archive:
        assert set(archive.namelist()) >= set(names)
    page.reload()
    rows.filter(has_text="4 pictures").wait_for()
    rows.filter(has_text="4 pictures").get_by_role("button", name="remove").click()
    rows.filter(has_text="4 pictures").wait_for(state="detached")
    left = {one["name"] for one in own(page, client).get("api/pictures").json}
    assert not left & set(names)


@pytest.mark.slow
def test_a_clip_is_painted_and_saved(page: Any) -> None:
    pytest.importorskip("av")
    pytest.importorskip("cv2")
    photo = Image.open(io.BytesIO(small()["buffer"])).resize((64, 48))
    frames = [photo.rotate(4 * turn) for turn in range(3)]
    sink = io.BytesIO()
    frames[0].save(sink, "WEBP", save_all=True, append_images=frames[1:], duration=100)
    film = panel(page, "Clip")
    film.evaluate("e => { e.open = true }")
    file = {"name": "moving.webp", "mimeType": "image/webp", "buffer": sink.getvalue()}
    page.locator("input[type=file][accept^='video']").set_input_files(file)
    film.get_by_label("How").select_option("method:adain")
    film.get_by_label("File").select_option("gif")
    film.get_by_role("button", name="Paint the clip").click()
    row = page.locator(".queue li", has_text="moving.webp: 1 clip")
    row.wait_for()
    path, name = saved(page, lambda: row.get_by_role("button", name="save").click())
    assert name == f"moving-{STYLE}.gif"
    with Image.open(path) as made:
        assert getattr(made, "n_frames", 1) == 3


@pytest.mark.slow
def test_hostile_files_are_refused_in_one_line(page: Any, client: Client) -> None:
    bomb = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\x01\x86\xa0\0\x01\x86\xa0\x08\x02\0\0\0"
    script = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
    before = {one["id"] for one in own(page, client).get("api/pictures").json}
    dialogs: list[Any] = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog), dialog.dismiss()))
    field = page.locator("input[type=file][multiple][accept='image/*']").last
    many = panel(page, "Many photos")
    many.evaluate("e => { e.open = true }")
    for name, word, data in (
        (NAUGHTY, "onerror", b"x"),
        ("bomb.png", "bomb.png", bomb),
        ("page.png", "page.png", script),
    ):
        field.set_input_files(small(name, data))
        many.get_by_role("button", name="Paint all").click()
        page.locator("#say", has_text=word).wait_for()
        said = page.locator("#say").inner_text()
        assert "\n" not in said and len(said) < 200
    after_all = {one["id"] for one in own(page, client).get("api/pictures").json}
    assert after_all == before
    assert not dialogs and page.locator("img[src=x], svg script").count() == 0


ATTACKS = Path(__file__).with_name("another_site.js").read_text("utf-8")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_another_sites_page_cannot_use_the_api(
    browser: Any, client: Client, tmp_path: Path, host: str
) -> None:
    """Nor one that knows the token, nor one whose name leads to this computer."""
    (tmp_path / "index.html").write_text("<!doctype html><body>evil", encoding="utf-8")
    cards, jobs = client.get("api/cards").json, client.get("api/jobs").json
    with served(tmp_path) as address:
        context = browser.new_context()
        page, answers = context.new_page(), list[int]()
        page.goto(address)
        page.on(
            "response",
            lambda answer: answers.append(answer.status) if "/api/" in answer.url else None,
        )
        found = page.evaluate(ATTACKS, [f"http://{host}:{client.port}/api", TOKEN])
        context.close()
    assert set(found.values()) <= {"refused", "opaque"}, found
    assert answers and set(answers) == {403}
    assert client.get("api/cards").json == cards and client.get("api/jobs").json == jobs
    assert all(job["state"] in OVER for job in client.get("api/jobs").json)
