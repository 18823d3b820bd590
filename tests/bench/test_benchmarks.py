"""The benchmarks: their yardstick, what they compare with, and that they can be run again."""

import csv
import importlib
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor

from gesso.bench import measures, store, table
from gesso.bench.pictures import Gallery, Picture
from gesso.encoders.levels import LEVELS
from gesso.encoders.vgg import VGG
from gesso.errors import GessoError
from gesso.images.write import write_image
from gesso.losses.objectives import Objective
from gesso.losses.terms import grams
from gesso.methods.johnson.method import Johnson
from gesso.methods.matching.method import Matching
from gesso.methods.metastyle.start import STYLE_WEIGHT, Config
from gesso.nn import checkpoint
from tiny import WIDTHS, pictures, random_vgg, tiny_encoder, tiny_net

looks = importlib.import_module("looks")
matching = importlib.import_module("matching")
meta_step = importlib.import_module("meta_step")
quality = importlib.import_module("quality")
study = importlib.import_module("study")
training = importlib.import_module("training")


@pytest.fixture(scope="module")
def vgg() -> VGG:
    return random_vgg()


@pytest.fixture(scope="module")
def three() -> tuple[Tensor, Tensor, Tensor]:
    """A photo, a style and an unrelated photo."""
    photo, style, other = pictures(3, 48)
    return photo, style, other


def test_the_photo_itself_is_the_one_end_of_the_yardstick(
    vgg: VGG, three: tuple[Tensor, Tensor, Tensor]
) -> None:
    photo, style, other = three
    judged = measures.Yardstick(vgg, photo, style, [other]).judge(photo)
    assert judged.gap == pytest.approx(1, abs=1e-6)
    assert judged.distortion == judged.content == 0


@pytest.mark.parametrize("size", [48, 64])
def test_the_style_itself_is_the_other_end(
    vgg: VGG, three: tuple[Tensor, Tensor, Tensor], size: int
) -> None:
    photo, _, other = three
    style = pictures(1, size, seed=7)[0]
    judged = measures.Yardstick(vgg, photo, style, [other]).judge(style)
    assert judged.gap == pytest.approx(0, abs=1e-6)
    assert judged.style == pytest.approx(0, abs=1e-9)
    assert judged.distortion > 0.3


def test_an_unrelated_photo_is_all_distortion(
    vgg: VGG, three: tuple[Tensor, Tensor, Tensor]
) -> None:
    photo, style, other = three
    yardstick = measures.Yardstick(vgg, photo, style, [other])
    assert yardstick.judge(other).distortion == pytest.approx(1, abs=1e-5)
    both = measures.Yardstick(vgg, photo, style, [other, style])
    shares = [both.judge(picture).distortion for picture in (other, style)]
    assert sum(shares) / 2 == pytest.approx(1, abs=1e-5)  # the mean of their distances is 100 %


def test_the_measures_are_what_the_readme_says(
    vgg: VGG, three: tuple[Tensor, Tensor, Tensor]
) -> None:
    photo, style, other = three
    image = 0.5 * photo + 0.5 * other
    judged = measures.Yardstick(vgg, photo, style, [other]).judge(image)
    with torch.no_grad():
        f, p, s, u = (vgg(x[None], [*LEVELS, "relu4_1"]) for x in (image, photo, style, other))
    ratios = []
    for level in LEVELS:
        c, n = f[level].shape[1], f[level][0, 0].numel()
        i, j, k = (x[level].reshape(c, n).double() for x in (f, p, s))
        reached, before, wanted = (m @ m.T / (c * n) for m in (i, j, k))
        ratios.append((reached - wanted).norm() / (before - wanted).norm())
    assert judged.gap == pytest.approx(float(sum(ratios) / 4), rel=1e-4)
    moved, unrelated = ((x["relu4_1"] - p["relu4_1"]).square().sum() for x in (f, u))
    assert judged.distortion == pytest.approx(float(moved / unrelated), rel=1e-4)
    terms = Objective()(image[None], f, p["relu3_3"], grams(s))
    assert judged.objective == pytest.approx(float(sum(terms.values())), rel=1e-5)


def test_covering_cuts_the_middle_and_keeps_the_aspect_ratio() -> None:
    image = torch.zeros(3, 20, 60)
    image[:, :, 20:40] = 1
    cut = measures.covering(image, 40, 40)
    assert cut.shape == (3, 40, 40)
    assert cut[:, :, 2:-2].min() > 0.9
    assert measures.covering(cut, 40, 40) is cut


def test_a_judge_other_than_vgg19_is_refused_in_one_line(tmp_path: Path) -> None:
    save_file(tiny_encoder().state_dict(), tmp_path / "small.safetensors")
    for source, words in ((None, "--vgg: missing"), (tmp_path / "small.safetensors", "is compact")):
        with pytest.raises(GessoError, match=words) as caught:
            study.judge_encoder(source)
        assert "\n" not in str(caught.value)


def test_the_plain_rendering_has_our_gradient_and_first_order_has_not() -> None:
    row = meta_step.exactness(16)
    assert row["all styles"] < 1e-11
    assert row["style_chunk 1"] < 1e-11
    assert row["first order"] > 1e-3


def test_the_plain_network_is_ours_in_size() -> None:
    net, vgg, ours, our_vgg = meta_step.twins(32)
    assert sum(p.numel() for p in net.parameters()) == 1_679_235
    assert [p.shape for p in net.parameters()] == [p.shape for p in ours.parameters()]
    assert [p.shape for p in vgg.parameters()] == [p.shape for p in our_vgg.parameters()]


def test_a_step_is_measured_in_a_process_of_its_own(tmp_path: Path) -> None:
    sizes = ["--styles=2", "--contents=1", "--size=16", "--width=2"]
    args = meta_step.parser().parse_args(sizes)
    gradient = tmp_path / "gradient.safetensors"
    row = meta_step.in_own_process("style_chunk 1", args, gradient)
    assert row["seconds"] > 0
    assert row["peak_mib"] > row["baseline_mib"] > 50
    tensors, _ = checkpoint.load_file(gradient, kind="gradient")
    parameters = sum(p.numel() for p in meta_step.twins(2)[2].parameters())
    assert tensors["gradient"].shape == (parameters,)


def test_speed_is_compared_within_a_turn(tmp_path: Path) -> None:
    kept = store.Store(tmp_path / "rows.json")
    for turn, slow in enumerate((1.0, 10.0)):  # the machine was busy during the second turn
        for variant, seconds, mib in (("plain", 6.0, 300.0), ("style_chunk 1", 2.0, 150.0)):
            row = {"seconds": slow * seconds, "cpu_seconds": seconds, "difference": 0.0}
            kept.put(f"{turn}/{variant}", {}, row | {"peak_mib": 100 + mib, "baseline_mib": 100.0})
    table = {row["variant"]: row for row in meta_step.summary(kept, {}, 2)}
    ours = table["style_chunk 1"]
    assert [ours[k] for k in ("times as fast as plain", "lowest", "highest")] == [3, 3, 3]
    assert ours["of plain's"] == 0.5
    assert "all styles" not in table


def test_rows_are_kept_until_their_settings_change(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "rows.json"
    store.Store(path).put("a | b", {"steps": 3}, {"gap": 0.25})
    again = store.Store(path)
    assert again.get("a | b", {"steps": 3})["gap"] == 0.25
    assert again.get("a | b", {"steps": 4}) is None
    assert store.Store(path, fresh=True).rows == {}
    assert json.loads(path.read_text())["conditions"]["torch"] == torch.__version__
    path.write_text("[1, 2]")
    with pytest.raises(GessoError, match="not a benchmark's results"):
        store.Store(path)


@pytest.mark.parametrize("path", sorted(study.RESULTS.glob("*.json")), ids=lambda path: path.stem)
def test_committed_results_can_be_gone_on_with(path: Path) -> None:
    rows = store.Store(path).rows
    assert rows and all("settings" in row for row in rows.values())
    judged = [row for row in rows.values() if "gap" in row]
    assert all(table.means([row])["pairs"] == 1 for row in judged)


def test_a_budget_is_over_for_good() -> None:
    assert not store.Budget(None).over()
    spent = store.Budget(0)
    assert spent.over()
    assert spent.stopped


def test_tables_are_markdown() -> None:
    rows = [{"name": "a", "x": 1234.56, "n": 3}, {"name": "b", "x": None, "n": 4}]
    lines = ["| name | x | n |", "| --- | --- | --- |", "| a | 1235 | 3 |", "| b | – | 4 |"]
    assert table.markdown(rows) == "\n".join(lines)


@pytest.mark.parametrize(("photos", "styles"), [(4, 8), (3, 2), (5, 5)])
def test_pairs_are_different_even_and_the_same_every_time(photos: int, styles: int) -> None:
    contents, paintings = (
        [Picture(f"{letter}{i}", Path(), f"{letter}{i}") for i in range(count)]
        for letter, count in (("p", photos), ("s", styles))
    )
    gallery = Gallery(contents, paintings)
    pairs, count = gallery.pairs(), photos * styles
    assert len({(p.content, p.style) for p in pairs}) == len(pairs) == count  # all there are
    first = gallery.pairs(most=max(photos, styles))
    assert first == pairs[: len(first)] == Gallery(contents, paintings, len(first)).pairs()
    assert {p.content for p in first} == set(contents) and {p.style for p in first} == {*paintings}
    others = min(4, photos - 1)
    assert all(p.content not in p.unrelated and len({*p.unrelated}) == others for p in pairs)


def test_a_sheet_holds_wide_tall_and_missing_pictures(tmp_path: Path) -> None:
    Image.new("RGB", (64, 16), "red").save(tmp_path / "wide.png")
    Image.new("L", (10, 40), 0).save(tmp_path / "tall.png")
    named = [(name, tmp_path / f"{name}.png") for name in ("wide", "tall", "gone")]
    sheet = study.picture_sheet([named, [("none", None)]], cell=32)
    assert sheet.width == 3 * (32 + 8) + 8
    assert sheet.getpixel((10, 8 + 32 - 4)) == (255, 0, 0)


@pytest.fixture(scope="module")
def bench(vgg: VGG, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Options for quality.py: two small pairs, tiny networks, everything in one folder."""
    root = tmp_path_factory.mktemp("bench")
    for folder, seed in (("photos", 1), ("styles", 2)):
        (root / folder).mkdir()
        for i, picture in enumerate(pictures(2, 32, seed)):
            write_image(root / folder / f"{folder[0]}{i}.png", picture)
    weights = {k: v.half() for k, v in vgg.convs.state_dict().items()}
    save_file(weights, root / "vgg.safetensors")
    save_file(tiny_encoder().state_dict(), root / "small.safetensors")
    header: dict[str, Any] = {"kind": "start", "config": Config(width=4).as_header()}
    for name, seed in (("start", 0), ("average", 1)):
        net = tiny_net(seed, width=4).state_dict()
        checkpoint.save_file(root / f"{name}.safetensors", net, header)
    files = {"vgg": "vgg.safetensors", "start": "start.safetensors"}
    files |= {"encoder": "small.safetensors", "average": "average.safetensors"}
    files |= {"contents": "photos", "styles": "styles", "results": "results"}
    files |= {"pictures": "pictures"}
    return [
        *(f"--{option}={root / name}" for option, name in files.items()),
        *("--size=32", "--pairs=2", "--gatys-steps=2"),
        *("--adapt", "crop=16", "style_size=32"),
    ]


def folder_of(bench: list[str], option: str) -> Path:
    return Path(next(o.split("=", 1)[1] for o in bench if o.startswith(f"--{option}=")))


def table_of(bench: list[str], part: str) -> list[dict[str, str]]:
    (path,) = folder_of(bench, "results").glob(f"quality-{part}-*.csv")
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_quality_from_start_to_figure(bench: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert quality.main(["gatys", *bench]) == 0
    assert quality.main(["yardstick", *bench, "--steps", "1", "2", "--minutes", "0"]) == 3
    assert "run again" in capsys.readouterr().err
    with_steps = bench.copy()
    with_steps[-2:] = ["crop=16", "style_size=32", "steps=3"]
    assert quality.main(["yardstick", *with_steps, "--steps", "1", "2"]) == 0
    rows = {row[""]: row for row in table_of(bench, "yardstick")}
    assert list(rows)[:3] == ["untouched photo", "style itself", "MetaStyle, 3 steps"]
    assert float(rows["untouched photo"]["style gap, %"]) == pytest.approx(100, abs=0.01)
    assert float(rows["style itself"]["style gap, %"]) == pytest.approx(0, abs=0.01)
    assert float(rows["Gatys, 2 steps"]["objective"]) > 0
    assert float(rows["MetaStyle, 3 steps"]["pictures"]) == 2
    capsys.readouterr()
    assert quality.main(["starts", *bench, "--steps", "1", "2"]) == 0
    measured = capsys.readouterr().err.splitlines()
    assert len(measured) == 16  # cards and pictures: two pairs, two numbers of steps, two starts
    assert quality.main(["starts", *bench, "--steps", "1", "2"]) == 0
    assert capsys.readouterr().err == ""
    starts = {(row["start"], row["steps"]) for row in table_of(bench, "starts")}
    assert starts == {(s, n) for s in ("MetaStyle", "average start", "random start") for n in "12"}
    (figure,) = folder_of(bench, "results").glob("quality-starts-*.svg")
    assert "average start" in figure.read_text(encoding="utf-8")


def test_encoders_are_compared_pair_by_pair(bench: list[str]) -> None:
    assert quality.main(["encoders", *bench, "--steps", "1"]) == 0
    rows = table_of(bench, "encoders")
    assert [row["pair"] for row in rows[-2:]] == ["mean", "median"]
    for row in rows[:-2]:
        ratio = float(row["objective on compact"]) / float(row["objective on vgg19"])
        assert float(row["ratio of objectives"]) == pytest.approx(ratio, rel=1e-4)


def test_a_training_that_is_looked_at_is_the_methods_own() -> None:
    contents = list(pictures(3, 24, seed=4))
    method, style = Johnson(tiny_encoder(), 4), pictures(1, 40, seed=3)[0]
    changes = {"steps": 3, "crop": 16, "batch": 1, "seed": 2, "style_size": 32}
    changes |= {"objective": "relative"}
    options = method.chosen(None, changes)
    run = training.trained(method, style, contents, (1, 3), options)
    card = method.adapt(style, contents, options, exact=True)
    state = run.nets[3].state_dict()
    assert all(torch.equal(value, card.tensors[name]) for name, value in state.items())
    assert len(run.terms) == len(run.seconds) == 4 and list(run.nets) == [1, 3]
    assert run.seconds == sorted(run.seconds)
    first, second = run.smoothed()[:2]
    assert first["total"] == pytest.approx(first["content"] + STYLE_WEIGHT * first["style"])
    assert (first["steps"], second["steps"]) == (0, 1)


@pytest.mark.parametrize("steps", [1, 9, 30, 2000])
def test_losses_are_averaged_over_stretches_that_miss_no_step(steps: int) -> None:
    parts = list(training.stretches(steps))
    assert [n for a, b in parts for n in range(a, b + 1)] == list(range(steps + 1))
    assert len(parts) <= 2 + 12 * 3.4


def test_johnson_from_three_starts(
    bench: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = folder_of(bench, "contents")
    (tmp_path / "training").mkdir()
    (tmp_path / "training" / "judged.png").write_bytes((photos / "p0.png").read_bytes())
    options = [*bench, f"--training={tmp_path / 'training'}", "--rows=1", "--columns=1"]
    options += ["--steps", "1", "3"]
    assert quality.main(["johnson", *bench]) == 2
    assert "--training: missing" in capsys.readouterr().err
    assert quality.main(["johnson", *options]) == 2
    assert "no photos but those judged" in capsys.readouterr().err
    for i, picture in enumerate(pictures(2, 32, 7)):
        write_image(tmp_path / "training" / f"t{i}.png", picture)
    assert quality.main(["johnson", *options, "--minutes", "0"]) == 3
    capsys.readouterr()
    assert quality.main(["johnson", *options]) == 0
    assert len(capsys.readouterr().err.splitlines()) == 3
    assert quality.main(["johnson", *options]) == 0
    assert capsys.readouterr().err == ""  # nothing is trained again
    extent = "1styles-1photos-3steps"
    results = folder_of(bench, "results")
    (judged,) = results.glob(f"quality-johnson-cpu*-{extent}.csv")
    with open(judged, newline="") as file:
        rows = [(row["start"], row["steps"]) for row in csv.DictReader(file)]
    starts = ("MetaStyle", "average start", "random start")
    assert rows == [(start, steps) for start in starts for steps in "13"]
    assert len(list(results.glob(f"quality-johnson-losses-*-{extent}.csv"))) == 1
    assert judged.with_suffix(".svg").read_text(encoding="utf-8").count("<polyline") == 12
    assert quality.main(["johnson", *options, "--average", str(tmp_path)]) == 2
    assert quality.main(["johnson", *options, "--training-photos", "0"]) == 2
    assert "--training-photos 0: allowed are" in capsys.readouterr().err
    wide = tmp_path / "wide.safetensors"
    header = {"kind": "start", "config": Config(width=6).as_header()}
    checkpoint.save_file(wide, tiny_net(0, width=6).state_dict(), header)
    capsys.readouterr()
    assert quality.main(["johnson", *options, "--average", str(wide)]) == 2
    assert "average start" in (error := capsys.readouterr().err) and error.count("\n") == 1


def test_a_grid_needs_no_judge(bench: list[str]) -> None:
    options = [option for option in bench if not option.startswith("--vgg")]
    assert quality.main(["grid", *options, "--steps", "1", "--rows=1", "--columns=2"]) == 0
    (sheet,) = folder_of(bench, "pictures").glob("*/grid-*.jpg")
    with Image.open(sheet) as image:
        assert image.width == 3 * 264 + 8


def test_what_is_missing_is_said_in_one_line(
    bench: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    options = [option for option in bench if not option.startswith("--vgg")]
    assert quality.main(["yardstick", *options]) == 2
    error = capsys.readouterr().err
    assert error.startswith("--vgg: missing")
    assert error.count("\n") == 1
    assert quality.main(["yardstick", *bench, "--adapt", "crop=wide"]) == 2
    assert capsys.readouterr().err == "--adapt: crop: wide; allowed are whole numbers from 16\n"


def looks_options(bench: list[str], out: Path) -> list[str]:
    """Options of looks.py: the two photos and styles, in a folder of their own."""
    kept = [o for o in bench if o.startswith(("--contents", "--styles", "--vgg", "--encoder"))]
    return [*kept, f"--out={out}", "--size=32", "--pairs=2", "--cell=32", "--rows=1"]


def test_looks_go_on_and_take_contenders_and_ready_pictures_later(
    bench: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = looks_options(bench, tmp_path / "out")
    quick = "steps=1,fine_steps=1,half_steps=0,final_steps=1,style_size=64"
    first = [*options, f"--contender=painted=draft,{quick}"]
    assert looks.main([*first, "--minutes=0"]) == 3
    assert looks.main(first) == 0
    capsys.readouterr()
    (tmp_path / "rival").mkdir()
    for name in ("p0--s0.png", "p1--s1.png"):
        style = tmp_path / "out" / "pictures" / "styles" / f"{name[4:6]}.png"
        (tmp_path / "rival" / name).write_bytes(style.read_bytes())
    more = [*first, "--contender=gatys,steps=1", f"--ready=rival={tmp_path / 'rival'}"]
    assert looks.main(more) == 0
    begun = capsys.readouterr().err.splitlines()
    assert begun and all("gatys,steps=1" in line or "rival" in line for line in begun)
    assert looks.main(more) == 0
    assert capsys.readouterr().err == ""
    found = json.loads((tmp_path / "out" / "looks.json").read_text())
    names = ["untouched photo", "style itself", "painted", "gatys,steps=1", "rival"]
    assert list(found["means"]) == names and list(found["pictures"]["painted"]) == list(
        found["pictures"]["rival"]
    )
    rival, photo = found["means"]["rival"], found["means"]["untouched photo"]
    assert rival["match"] < 1e-5 and rival["patches"] == 0 and photo["match_percent"] == 100
    assert all(row["patches_by_level"] for row in found["pictures"]["painted"].values())
    pages = sorted((tmp_path / "out").glob("page-*.jpg"))
    with Image.open(pages[0]) as page:
        assert len(pages) == 2 and page.width == 5 * (32 + 8) + 8
    assert "| rival |" in (tmp_path / "out" / "looks.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "--contender, --ready: at least one"),
        (["--contender=magic"], "--contender: magic: magic: unknown; allowed are"),
        (["--contender=matching,steps=x"], "matching,steps=x: steps: x; allowed are whole numbers"),
        (["--contender=gatys,polish=-1"], "polish: -1; allowed are whole numbers from 0"),
        (["--contender=gatys", "--contender=gatys"], "each needs a name of its own"),
        (["--ready=rival"], "--ready: rival: expected NAME=FOLDER"),
    ],
)
def test_mistakes_in_contenders_are_named_in_one_line(
    arguments: list[str],
    words: str,
    bench: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert looks.main([*looks_options(bench, tmp_path / "out"), *arguments]) == 2
    err = capsys.readouterr().err
    assert words in err and err.count("\n") == 1


def test_matchings_parts_are_counted() -> None:
    method = Matching(tiny_encoder())
    found = {(r["how often"], r["part"]): r for r in matching.measured(method, 64, 1)}
    channels = sum(WIDTHS)
    cells, kept = (64 // 4) ** 2, (64 // 4) ** 2  # all of the style's, and all of the picture's
    products = 2 * cells * kept * channels
    assert found["a scale", "search"]["GFLOP"] == pytest.approx(products / 1e9)
    forward, backward = found["a step", "encode, to hypercolumns"], found["a step", "backward"]
    assert 0 < forward["GFLOP"] <= backward["GFLOP"] < 2.1 * forward["GFLOP"]
    assert found["a step", "Adam"]["GFLOP"] == 0 < found["a step", "Adam"]["ms"]
