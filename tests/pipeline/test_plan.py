"""Which file a photo becomes: names, and what of a folder cannot be done."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import unicodedata
from itertools import combinations
from pathlib import Path

import pytest

from gesso.errors import GessoError, OptionError
from gesso.pipeline.plan import (
    Job,
    Plan,
    make_folders,
    plan,
    plan_cards,
    plan_one,
    plan_styles,
    unfinished,
)


def names(planned: Plan, out: Path) -> list[str]:
    return [job.out.relative_to(out).as_posix() for job in planned.jobs]


def touch(folder: Path, *names: str) -> list[Path]:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return [folder / name for name in names]


# names


def test_one_photo_goes_to_a_file_or_into_a_folder_that_exists(tmp_path: Path) -> None:
    photos = touch(tmp_path, "in/a.jpg")
    assert plan(photos, tmp_path / "b.png") == Plan([Job(photos[0], tmp_path / "b.png")])
    (tmp_path / "out.png").mkdir()
    assert plan(photos, tmp_path / "out.png").jobs == [Job(photos[0], tmp_path / "out.png/a.jpg")]


def test_a_folder_keeps_its_names_and_subfolders(tmp_path: Path) -> None:
    touch(tmp_path, "in/a.jpg", "in/a.png", "in/sub/a.jpg", "in/notes.txt", "in/.hidden.png")
    planned = plan([tmp_path / "in"], tmp_path / "out")
    assert names(planned, tmp_path / "out") == ["a.jpg", "a.png", "sub/a.jpg"]
    assert planned.many and not planned.renamed and not planned.failures
    make_folders(planned.jobs)
    assert (tmp_path / "out/sub").is_dir()


def test_formats_that_are_only_read_keep_their_suffix_before_that_of_png(tmp_path: Path) -> None:
    photos = touch(tmp_path, "a.gif", "a.png", "scan")
    planned = plan(photos, tmp_path / "out")
    assert names(planned, tmp_path / "out") == ["a.gif.png", "a.png", "scan.png"]
    assert not planned.renamed


def test_a_contested_name_goes_to_none_of_those_that_wish_for_it(tmp_path: Path) -> None:
    photos = touch(tmp_path, "x/a.jpg", "y/a.jpg", "z/A.JPG", "a-2.jpg", "y/b.jpg")
    out = tmp_path / "out"
    wanted = ["x/a.jpg", "y/a.jpg", "z/A.JPG", "a-2.jpg", "b.jpg"]
    planned = plan(photos, out)
    assert names(planned, out) == wanted
    assert planned.renamed == planned.jobs[:3]
    assert {job.out for job in plan(photos[::-1], out).jobs} == {out / name for name in wanted}


def test_names_contested_within_a_folder_get_digits_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    found = names(plan(touch(tmp_path, "in/x.gif", "in/x.gif.png"), tmp_path / "o"), tmp_path / "o")
    assert len(set(found)) == 2 and all(name.startswith("x.gif-") for name in found)


@pytest.mark.parametrize("folders", [("", ""), ("0", "1"), ("Z", "z")])
def test_names_that_one_file_system_takes_for_one_do_not_collide(
    tmp_path: Path, folders: tuple[str, str]
) -> None:
    for pair in [(unicodedata.normalize(f, "é.jpg") for f in ("NFC", "NFD")), ("a.JPG", "a.jpg")]:
        photos = [tmp_path / f / name for f, name in zip(folders, pair, strict=True)]
        found = names(plan(photos, tmp_path / "out"), tmp_path / "out")
        assert len({unicodedata.normalize("NFC", name).casefold() for name in found}) == 2


def test_adding_photos_gives_no_result_of_one_photo_to_another(tmp_path: Path) -> None:
    parts = ["a.jpg", "A.jpg", "a.gif", "a.gif.png", "x/a.jpg", "y/x/a.jpg", "y/a.gif"]
    photos = [tmp_path / folder / part for folder in ("", "p", "q/p") for part in parts]
    chosen = [list(pair) for pair in combinations(photos, 2)]
    draw = random.Random(0)
    chosen += [draw.sample(photos, draw.randrange(1, 9)) for _ in range(60)]
    out = tmp_path / "out"
    owners = [{job.out: job.photo for job in plan(few, out).jobs} for few in chosen if few[1:]]
    for few, before in zip([few for few in chosen if few[1:]], owners, strict=True):
        more = draw.sample(photos, 8)
        for job in plan([*more, *few], out).jobs:
            assert before.get(job.out, job.photo) == job.photo, (few, more)


def test_a_second_run_over_more_photos_does_those_that_are_new(tmp_path: Path) -> None:
    touch(tmp_path, "in/x.png")
    touch(tmp_path, "out/x.png")  # the first run's
    touch(tmp_path, "in/x.gif")
    left = unfinished(plan([tmp_path / "in"], tmp_path / "out").jobs)
    assert left == [Job(tmp_path / "in/x.gif", tmp_path / "out/x.gif.png")]


def test_many_photos_of_one_name_are_named_quickly_and_all_differ(tmp_path: Path) -> None:
    photos = [tmp_path / str(i) / "a.jpg" for i in range(3000)]
    found = names(plan(photos, tmp_path / "out"), tmp_path / "out")
    assert len(set(found)) == 3000 and found[-1] == "2999/a.jpg"


def test_a_photo_given_twice_is_done_once(tmp_path: Path) -> None:
    (photo,) = touch(tmp_path, "in/a.jpg")
    again = tmp_path / "in/../in/a.jpg"
    assert len(plan([photo, again, tmp_path / "in"], tmp_path / "out").jobs) == 1


def test_results_of_an_earlier_run_inside_the_folder_are_no_photos(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "out/a.jpg", "other/b.jpg")
    planned = plan([tmp_path], tmp_path / "out")
    assert names(planned, tmp_path / "out") == ["a.jpg", "other/b.jpg"]


def test_what_is_done_already_can_be_left_out(tmp_path: Path) -> None:
    photos = touch(tmp_path, "a.jpg", "b.jpg")
    touch(tmp_path, "out/a.jpg")
    assert [job.photo for job in unfinished(plan(photos, tmp_path / "out").jobs)] == [photos[1]]


# refused


@pytest.mark.parametrize("link", [None, os.symlink, os.link])
def test_an_output_that_is_an_input_is_refused(tmp_path: Path, link: object) -> None:
    (photo,) = touch(tmp_path, "a.jpg")
    out = photo
    if callable(link):
        out = tmp_path / "b.jpg"
        link(photo, out)
    with pytest.raises(GessoError, match="is an input, which is never overwritten"):
        plan([photo], out)


def test_a_batch_that_would_overwrite_one_input_is_refused_as_a_whole(tmp_path: Path) -> None:
    photos = touch(tmp_path, "in/a.jpg", "in/b.jpg")
    with pytest.raises(GessoError, match=r"a\.jpg: is an input"):
        plan([tmp_path / "in"], tmp_path / "in")
    (style,) = touch(tmp_path, "out/b.jpg")
    with pytest.raises(GessoError, match=r"b\.jpg: is an input"):
        plan(photos, tmp_path / "out", [style])


def test_outputs_that_cannot_be_are_refused_before_any_work(tmp_path: Path) -> None:
    photos = touch(tmp_path, "a.jpg", "b.jpg")
    for out, trouble in [
        ("c.gif", "no picture format for '.gif'"),
        ("c", "no picture format for ''"),
        ("no/c.png", "its folder does not exist"),
    ]:
        with pytest.raises(GessoError, match=trouble):
            plan(photos[:1], tmp_path / out)
    (tmp_path / "empty").mkdir()
    with pytest.raises(GessoError, match="empty: holds no pictures"):
        plan([tmp_path / "empty"], tmp_path / "out")


@pytest.mark.parametrize("name", ["x.png", "x.GIF", "x.safetensors"])
def test_a_name_of_one_file_is_refused_for_many(tmp_path: Path, name: str) -> None:
    photos, out = touch(tmp_path, "in/a.jpg", "in/b.jpg"), tmp_path / name
    for make in (
        lambda: plan(photos, out),
        lambda: plan([tmp_path / "in"], out),
        lambda: plan_styles(photos[0], photos, out),
        lambda: plan_cards(photos, out),
    ):
        with pytest.raises(GessoError, match=f"{name}: names one file; .* need a folder"):
            make()
        out.touch()
        with pytest.raises(GessoError, match=f"{name}: a file; .* need a folder"):
            make()
        out.unlink()


def test_empty_paths_and_urls_are_refused_by_the_options_name(tmp_path: Path) -> None:
    (photo,) = touch(tmp_path, "a.jpg")
    for bad in ("", "https://example.org/a.jpg"):
        for option, make in (
            ("photo", lambda bad=bad: plan([bad], tmp_path)),
            ("out", lambda bad=bad: plan([photo], bad)),
            ("photo", lambda bad=bad: plan_one(bad, tmp_path)),
            ("out", lambda bad=bad: plan_one(photo, bad)),
            ("photo", lambda bad=bad: plan_styles(bad, [photo], tmp_path)),
            ("style", lambda bad=bad: plan_styles(photo, [bad], tmp_path)),
            ("style", lambda bad=bad: plan_cards([bad], tmp_path)),
            ("out", lambda bad=bad: plan_cards([photo], bad)),
        ):
            with pytest.raises(OptionError) as refused:
                make()
            assert refused.value.option == option
    with pytest.raises(GessoError, match="photo: none given"):
        plan([], tmp_path)


# folders with entries that cannot be looked at


def test_what_cannot_be_looked_at_is_named_and_the_rest_done(tmp_path: Path) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    touch(folder, "good.png", "sub/good.jpg")
    (folder / "loop.jpg").symlink_to("loop.jpg")
    (folder / "nowhere.jpg").symlink_to("missing.jpg")
    (folder / "linked").symlink_to(tmp_path)  # links to folders are not followed
    (folder / "linked.png").symlink_to(folder / "good.png")
    os.mkfifo(folder / "sub/pipe.jpg")
    os.mkfifo(folder / "no picture's name")
    planned = plan([folder], out)
    assert names(planned, out) == ["good.png", "linked.png", "sub/good.jpg"]
    bad = [folder / name for name in ("loop.jpg", "nowhere.jpg", "sub/pipe.jpg")]
    assert list(planned.failures) == bad
    for path, line in planned.failures.items():
        assert line.startswith(f"{path}: ") and "\n" not in line


def test_folders_that_cannot_be_read_are_named_and_the_rest_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(tmp_path, "in/a.jpg", "in/closed/b.jpg", "other/c.jpg")
    scan = os.scandir

    def denied(path: Path) -> object:
        if Path(path).name in ("closed", "other"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", denied)
    planned = plan([tmp_path / "in", tmp_path / "other"], tmp_path / "out")
    assert names(planned, tmp_path / "out") == ["a.jpg"]
    assert list(planned.failures) == [tmp_path / "in/closed", tmp_path / "other"]
    assert all("Permission denied" in line for line in planned.failures.values())


def test_an_empty_folder_among_several_does_not_end_the_batch(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    photos = touch(tmp_path, "a.jpg")
    planned = plan([tmp_path / "empty", *photos], tmp_path / "out")
    assert names(planned, tmp_path / "out") == ["a.jpg"]
    assert planned.failures == {tmp_path / "empty": f"{tmp_path}/empty: holds no pictures"}


# many styles, many cards


def test_one_photo_in_the_styles_of_a_folder(tmp_path: Path) -> None:
    (photo,) = touch(tmp_path, "photo.jpg")
    touch(tmp_path, "s/a.jpg", "s/a.png", "s/b.safetensors", "s/styles.gif", "s/sub/c.png", "s/n.x")
    out = tmp_path / "out"
    planned = plan_styles(photo, [tmp_path / "s"], out)
    assert all(job.photo == photo for job in planned.jobs)
    assert [job.style.name for job in planned.jobs if job.style] == [
        *("a.jpg", "a.png", "b.safetensors", "styles.gif", "c.png"),
    ]
    found = [*names(planned, out), planned.sheet.relative_to(out).as_posix()]  # type: ignore[union-attr]
    assert len(set(found)) == 6
    assert found[2] == "photo-b.jpg" and found[4] == "photo-c.jpg"
    assert [job.style.name for job in planned.renamed if job.style] == [
        *("a.jpg", "a.png", "styles.gif"),
    ]
    assert all(name.rpartition("/")[2].startswith("photo-") for name in found)
    sheet = plan_styles(photo, [tmp_path / "s/a.jpg"], out).sheet
    assert sheet == out / "photo-styles.jpg"
    with pytest.raises(GessoError, match="a folder; many styles need one photo"):
        plan_styles(tmp_path / "s", [photo], out)


def test_many_styles_overwrite_neither_photo_nor_style(tmp_path: Path) -> None:
    photo, style, card = touch(tmp_path, "p.jpg", "p-a.jpg", "a.safetensors")
    with pytest.raises(GessoError, match=r"p-a\.jpg: is an input"):
        plan_styles(photo, [style, card], tmp_path)
    (taken,) = touch(tmp_path, "p-styles.jpg")
    with pytest.raises(GessoError, match=r"p-styles\.jpg: is an input"):
        plan_styles(photo, [card], tmp_path, [taken])


def test_many_cards_are_called_as_their_styles(tmp_path: Path) -> None:
    styles = touch(tmp_path, "a.jpg", "s/b.png", "s/deep/c.gif", "s/d.safetensors")
    out = tmp_path / "cards"
    planned = plan_cards([styles[0], tmp_path / "s"], out)
    assert names(planned, out) == ["a.safetensors", "b.safetensors", "deep/c.safetensors"]
    again = touch(tmp_path, "a.png")
    planned = plan_cards([styles[0], *again], out)
    assert len(planned.renamed) == len(set(names(planned, out))) == 2
    with pytest.raises(GessoError, match="is an input"):
        plan_cards(styles[:1], tmp_path, touch(tmp_path, "a.safetensors"))


def test_planning_needs_no_torch(tmp_path: Path) -> None:
    touch(tmp_path, "in/a.jpg")
    script = (
        "import sys; sys.modules['torch'] = None\n"
        "from gesso.pipeline.plan import plan\n"
        f"print(len(plan([{str(tmp_path / 'in')!r}], {str(tmp_path / 'out')!r}).jobs))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("1\n", "")
