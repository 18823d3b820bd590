"""`gesso bench`: turns and medians, the ends of the scale, and figures anyone can compute again."""

from __future__ import annotations

import csv
import importlib
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pytest
import torch
from PIL import Image
from skimage.metrics import structural_similarity
from torch import Tensor, nn

from gesso.bench import entries as listed_by
from gesso.bench import memory, page, pictures, setup, svg, table
from gesso.bench.bench import SIZES, Bench, Plan
from gesso.bench.contestants import Absent, Contestant, Entry, enter
from gesso.bench.measures import SeenPhoto, SeenStyle, Yardstick, distortion_level
from gesso.bench.options import Options
from gesso.bench.report import Report
from gesso.bench.ssim import ssim
from gesso.bench.store import Budget, Store
from gesso.bench.tasks import Task, run_all, turns
from gesso.bench.workshop import CONTROLS, STYLE_ITSELF, UNTOUCHED
from gesso.cards.card import StyleCard
from gesso.cli import run as gesso
from gesso.controls.controls import Controls
from gesso.encoders import load_encoder
from gesso.encoders.levels import LEVELS
from gesso.errors import GessoError, OptionError
from gesso.images.write import write_image
from gesso.methods.about import About, Needs
from gesso.methods.adapted import Adapted
from gesso.methods.base import Method
from gesso.nn.pictures import luminance
from gesso.options import Option
from gesso.stylizers.stylizer import Stylizer
from tiny import pictures as draw
from tiny import tiny_encoder
from tiny_files import TinyFiles, make_tiny_files

readme_table = importlib.import_module("readme_table")


class Clock:
    """Time that passes only when a fake method works."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True)
class FakeOptions:
    """What a fake method takes."""

    steps: Annotated[int, Option("Steps.", "N", least=0)] = 27
    style_size: Annotated[int, Option("Longer side of the style.", "PX", least=16)] = 64


class Fake(Method):
    """Takes on a style in two seconds and makes a picture, half of it the style's mean colour, in
    given ones; keeps a diary. The one named "slow" descends."""

    def __init__(self, name: str, clock: Clock, diary: list[str], seconds: list[float]) -> None:
        super().__init__(tiny_encoder())
        needs = Needs(levels=LEVELS)
        descends = name == "slow"
        self.about = About(
            *(name, name, "a fake", FakeOptions, needs),
            steps_on="picture" if descends else "style",
            descends=descends,
        )  # type: ignore[misc]
        self.clock, self.diary = clock, diary
        self.seconds: Iterator[float] = iter(seconds)

    def _adapt(self, style: Any, contents: Any, options: Any, on_step: Any) -> Adapted:
        self.clock.now += 2.0
        return Adapted({"mean": style.picture.mean((1, 2))}, {})

    def _stylizer(self, card: StyleCard) -> Stylizer:
        def run(contents: Tensor, on_step: Any) -> Tensor:
            self.diary.append(f"{self.name} {contents.shape[-1]}")
            self.clock.now += next(self.seconds, 1.0)
            return 0.5 * contents + 0.5 * card.tensors["mean"].view(1, 3, 1, 1)

        return Stylizer(run, why_none="paints by hand")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> TinyFiles:
    files = make_tiny_files(tmp_path_factory.mktemp("tiny"))
    for folder, count, height in (("contents", 3, 72), ("styles", 2, 24)):
        (files.folder / folder).mkdir()
        for i, picture in enumerate(draw(count, 72, seed=height)):
            write_image(files.folder / folder / f"{folder[0]}{i}.png", picture[:, :height])
    return files


def gallery(files: TinyFiles, out: Path) -> pictures.Gallery:
    folders = (files.folder / "contents", files.folder / "styles")
    return pictures.gather(*folders, out, size=64, style_size=64)


def fake_bench(
    files: TinyFiles, out: Path, clock: Clock, diary: list[str], **seconds: Any
) -> Bench:
    contestants = [
        Contestant(Entry(name), Fake(name, clock, diary, times), 7)
        for name, times in seconds.items()
    ]
    return Bench(
        out,
        gallery(files, out),
        contestants,
        tiny_encoder(),
        Store(out / "results.json"),
        clock=clock,
        plan=Plan(runs=3, slow_s=20.0, sizes=(64, 128)),
        memory_of=lambda *_: {"peak_mib": 300.0, "baseline_mib": 100.0},
    )


# speed


def test_methods_take_turns_after_a_warm_up_and_medians_are_given(
    files: TinyFiles, tmp_path: Path
) -> None:
    diary: list[str] = []
    clock = Clock()
    bench = fake_bench(
        files, tmp_path, clock, diary, one=[9.0, 1.0, 5.0, 2.0], two=[9.0, 4.0, 4.0, 3.0]
    )
    run_all(bench.speeds(), bench.store, Budget(None))
    rounds = ["one", "one", "two", "two", "two", "one", "one", "two"]  # warm-ups in the first
    assert diary[:8] == [f"{name} 64" for name in rounds]
    assert [diary.count(f"{name} {px}") for name in ("one", "two") for px in (64, 128)] == [4] * 4
    one, two = bench.contestants
    assert bench.runs(one, 64) == [1.0, 5.0, 2.0]
    rows = {row["method"]: row for row in table.rows(bench)}
    assert bench.runs(two, 64) == [4.0, 4.0, 3.0]
    assert (rows["one"]["runs"], rows["one"]["seconds_style"]) == (3, 2.0)


def test_a_slow_method_has_its_warm_up_for_its_only_run(files: TinyFiles, tmp_path: Path) -> None:
    diary: list[str] = []
    bench = fake_bench(files, tmp_path, Clock(), diary, slow=[60.0] * 9, fast=[1.0] * 9)
    run_all(bench.speeds(), bench.store, Budget(None))
    slow, fast = bench.contestants
    assert bench.runs(slow, 64) == [60.0] and len(bench.runs(fast, 64)) == 3
    assert diary.count("slow 64") == 1


def test_every_turn_begins_with_another() -> None:
    assert [turns("abc", i) for i in range(4)] == [list(t) for t in ("abc", "bca", "cab", "abc")]
    assert turns([], 3) == []


# going on


def test_what_is_measured_is_not_measured_again(files: TinyFiles, tmp_path: Path) -> None:
    diary: list[str] = []
    bench = fake_bench(files, tmp_path, Clock(), diary, one=[], two=[])
    assert not bench.measure(Budget(0)) and not diary
    begun: list[str] = []
    assert bench.measure(Budget(None), lambda key, done, total: begun.append(key))
    assert len(set(begun)) == len(begun)
    before = len(diary)
    again = fake_bench(files, tmp_path, Clock(), diary, one=[], two=[])
    assert again.measure(Budget(None), lambda *_: pytest.fail("measured twice"))
    assert len(diary) == before
    bench.picture_path("one", bench.gallery.pairs()[0]).unlink()
    assert fake_bench(files, tmp_path, Clock(), diary, one=[], two=[]).measure(Budget(None))
    assert len(diary) == before + 1  # a picture that is gone is made again, with the card kept


def test_costs_are_reported_for_the_time_left(tmp_path: Path) -> None:
    heard: list[tuple[str, float, float]] = []
    costs = (("a", 1.0), ("b", 3.0), ("a", 1.0))
    tasks = [Task(name, {}, cost, lambda on_step: {}) for name, cost in costs]
    store = Store(tmp_path / "rows.json")
    assert run_all(tasks, store, Budget(None), lambda *args: heard.append(args))
    assert heard == [("a", 0.0, 4.0), ("b", 1.0, 4.0)]


def test_what_an_earlier_version_judged_is_judged_anew_from_the_picture_that_is_there(
    files: TinyFiles, tmp_path: Path
) -> None:
    diary: list[str] = []
    bench = fake_bench(files, tmp_path, Clock(), diary, one=[7.0])
    assert run_all(bench.qualities(), bench.store, Budget(None))
    seconds = {pair: row["seconds"] for pair, row in bench.picture_rows("one").items()}
    (one,), made = bench.contestants, len(diary)
    for pair in bench.pairs(one):  # as they were before there were style match and the like
        judging = {k: v for k, v in bench.judging(pair).items() if k != "measures"}
        old = {"gap": 0.5, "seconds": seconds[pair.name]}
        bench.store.put(f"picture | one | {pair.name}", {**one.settings, **judging}, old)
        del bench.store.rows[f"made | one | {pair.name}"]
    assert not bench.picture_rows("one")
    assert run_all(bench.qualities(), bench.store, Budget(None))
    again = bench.picture_rows("one")
    assert {pair: row["seconds"] for pair, row in again.items()} == seconds
    assert all("match" in row and row["gap"] != 0.5 for row in again.values())
    assert len(diary) == made == 6
    bench.picture_path("one", pair).unlink()
    assert run_all(bench.qualities(), bench.store, Budget(None))
    assert len(diary) == made + 1


# quality


def test_controls_are_the_ends_of_the_scale(files: TinyFiles, tmp_path: Path) -> None:
    bench = fake_bench(files, tmp_path, Clock(), [], one=[])
    assert bench.measure(Budget(None))
    rows = {row["method"]: row for row in table.rows(bench)}
    photo, style = rows[UNTOUCHED], rows[STYLE_ITSELF]
    assert photo["gap_percent"] == pytest.approx(100, abs=1e-3)
    assert (photo["distortion_percent"], photo["content"]) == (0, 0)
    assert photo["ssim"] == pytest.approx(1)
    assert (photo["match_percent"], photo["structure"]) == (100, 0)
    assert style["match_percent"] < 0.01 and style["patches"] == 0
    assert rows["one"]["match_percent"] > 1 and rows["one"]["structure"] > 0
    assert style["gap_percent"] == pytest.approx(0, abs=1e-4) and style["style"] < 1e-8
    assert style["ssim"] < 0.9
    assert photo["pairs"] == 6 and rows["one"]["pairs"] == 6


def pixels(path: Path) -> Tensor:
    """(1, 3, H, W), read by nothing of gesso's."""
    return torch.tensor(np.asarray(Image.open(path).convert("RGB"))).permute(2, 0, 1)[None] / 255


def gram(features: Tensor) -> Tensor:
    rows = features[0].flatten(1).double()
    return rows @ rows.T / rows.numel()


def computed_again(encoder: nn.Module, out: Path, name: str) -> dict[str, float]:
    """The means from the pictures in the folder and the definitions in benchmarks/README.md."""
    contents = sorted((out / "pictures" / "contents").glob("*.png"))
    found: dict[str, list[float]] = {"gap": [], "distortion": [], "objective": [], "ssim": []}
    for path in sorted((out / "pictures" / name).glob("*.png")):
        content, style = path.stem.split("__")
        photo_path = out / "pictures" / "contents" / f"{content}.png"
        others = [pixels(p) for p in contents if p != photo_path]  # all of them: there are three
        made, photo = pixels(path), pixels(photo_path)
        f, p = encoder(made), encoder(photo)
        s = encoder(pixels(out / "pictures" / "styles" / f"{style}.png"))
        ratios = [
            float((gram(f[k]) - gram(s[k])).norm() / (gram(p[k]) - gram(s[k])).norm())
            for k in LEVELS
        ]
        found["gap"].append(100 * sum(ratios) / 4)
        far = [float((encoder(o)["relu4_3"] - p["relu4_3"]).square().sum()) for o in others]
        moved = float((f["relu4_3"] - p["relu4_3"]).square().sum())
        found["distortion"].append(100 * moved / (sum(far) / len(far)))
        terms = [
            float((gram(f[k]) - gram(s[k])).norm() ** 2 / gram(s[k]).norm() ** 2) for k in LEVELS
        ]
        change = float((f["relu3_3"] - p["relu3_3"]).norm() ** 2 / p["relu3_3"].norm() ** 2)
        found["objective"].append(sum(terms) + change)
        a, b = (luminance(x[0].double())[0].numpy() for x in (made, photo))
        found["ssim"].append(structural_similarity(a, b, **WANG))
    return {key: sum(values) / len(values) for key, values in found.items()}


WANG: dict[str, Any] = {
    "gaussian_weights": True,
    "sigma": 1.5,
    "truncate": 3.5,  # 11 px
    "use_sample_covariance": False,
    "data_range": 1.0,
}


def test_the_figures_agree_with_the_written_pictures(files: TinyFiles, tmp_path: Path) -> None:
    bench = fake_bench(files, tmp_path, Clock(), [], one=[])
    assert bench.measure(Budget(None))
    (row,) = (row for row in table.rows(bench) if row["method"] == "one")
    with torch.no_grad():
        again = computed_again(tiny_encoder(), tmp_path, "one")
    for ours, theirs in (("gap_percent", "gap"), ("distortion_percent", "distortion")):
        assert row[ours] == pytest.approx(again[theirs], rel=0.01)
    for key in ("objective", "ssim"):
        assert row[key] == pytest.approx(again[key], rel=0.01)


def test_the_compact_encoder_judges_at_its_deepest_level() -> None:
    judge = tiny_encoder()
    assert distortion_level(judge) == "relu4_3"
    photo, style, other = draw(3, 48)
    shared = Yardstick.of(judge, SeenPhoto(judge, photo, [other]), SeenStyle(judge, style))
    whole = Yardstick(judge, photo, style, [other])
    assert shared.judge(other) == whole.judge(other)
    assert whole.judge(other).distortion == pytest.approx(1)


def test_ssim_is_that_of_wang_et_al() -> None:
    a, b = draw(2, 40)
    b = (b + 0.1 * torch.rand(b.shape, generator=torch.Generator().manual_seed(0))).clamp(0, 1)
    x, y = (luminance(image.double())[0].numpy() for image in (a, b))
    _, image = structural_similarity(x, y, full=True, **WANG)
    inside = image[5:-5, 5:-5].mean()  # windows that lie wholly inside, as in the authors' code
    assert ssim(a, b) == pytest.approx(float(inside), abs=1e-6)
    assert ssim(a, a) == pytest.approx(1)
    assert ssim(a[:, :4, :4], a[:, :4, :4]) == pytest.approx(1)
    with pytest.raises(ValueError, match="shapes"):
        ssim(a, b[:, 1:])


def test_objectives_are_compared_with_the_method_that_descends_over_the_pairs_of_both(
    files: TinyFiles, tmp_path: Path
) -> None:
    bench = fake_bench(files, tmp_path, Clock(), [], slow=[], one=[])
    slow, one = bench.contestants
    bench.contestants = [replace(slow, entry=replace(slow.entry, most_pairs=2)), one]
    assert bench.measure(Budget(None))
    rows = {row["method"]: row for row in table.rows(bench)}
    assert (rows["slow"]["pairs"], rows["slow"]["of_reference"]) == (2, 1.0)
    assert (rows["one"]["pairs"], rows["one"]["shared_pairs"]) == (6, 2)
    assert rows["one"]["of_reference"] == pytest.approx(1)  # it makes the same pictures
    same = {row["method"]: row for row in table.same_pairs(bench)}
    assert {row["pairs"] for row in same.values()} == {2}
    assert same["one"]["objective"] == pytest.approx(same["slow"]["objective"])


def test_pairs_go_evenly_over_contents_and_styles(files: TinyFiles, tmp_path: Path) -> None:
    shown = gallery(files, tmp_path)
    pairs = [(pair.content.name, pair.style.name) for pair in shown.pairs()]
    assert len(set(pairs)) == len(pairs) == 6
    assert len({content for content, _ in pairs[:3]}) == 3
    assert {pair.style.name for pair in shown.pairs(most_styles=1)} == {shown.styles[0].name}
    assert all(pair.content not in pair.unrelated for pair in shown.pairs())


# reports


def test_the_page_loads_nothing_and_shows_all(files: TinyFiles, tmp_path: Path) -> None:
    bench = fake_bench(files, tmp_path, Clock(), [], slow=[], one=[])
    bench.plan = replace(bench.plan, sizes=SIZES)
    assert bench.measure(Budget(None))
    absent = [Absent("two<script>", "no weights")]
    Report(bench, absent, "gesso bench", 64, True).write()
    html = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"""(src|href)\s*=(?!"data:)""", html)
    assert "<script" not in html and "url(" not in html and "@import" not in html
    assert html.count("<svg") == 2
    assert html.count("data:image/jpeg;base64,") == 6 * 4  # six pairs, four columns
    text = (tmp_path / "results.md").read_text(encoding="utf-8")
    for part in (html, text):
        assert "relu4_3" in part and "Judged by compact" in part and "Pascal Titan X" in part
        for name in (*CONTROLS, "slow", "one", "no weights", "27.0517", "MetaStyle"):
            assert name in part
    with open(tmp_path / "results.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["whose"] for row in rows} == {"gesso", "paper"}
    assert rows[0]["run_judge"].startswith("compact") and rows[0]["run_complete"] == "yes"


def test_the_grid_shows_pictures_of_slow_methods_first(files: TinyFiles, tmp_path: Path) -> None:
    bench = fake_bench(files, tmp_path, Clock(), [], slow=[], one=[])
    slow, one = bench.contestants
    bench.contestants = [replace(slow, entry=replace(slow.entry, most_pairs=4)), one]
    assert bench.measure(Budget(None))
    made = [pair.name for pair in bench.pairs(bench.contestants[0])]
    shown = page.shown_pairs(bench, ["slow", "one"], most=4)
    assert {pair.name for pair in shown} == set(made)
    styles = [pair.style.name for pair in shown]
    assert styles == sorted(styles, key=[s.name for s in bench.gallery.styles].index)


def test_an_empty_benchmark_makes_a_report_too(files: TinyFiles, tmp_path: Path) -> None:
    bench = fake_bench(files, tmp_path, Clock(), [], one=[])
    Report(bench, [], "gesso bench", 64, False).write()
    assert "Not everything has been measured" in (tmp_path / "index.html").read_text("utf-8")


def test_curves_end_with_the_methods_own_steps(files: TinyFiles, tmp_path: Path) -> None:
    bench = fake_bench(files, tmp_path, Clock(), [], one=[])
    assert bench.measure(Budget(None))
    (one,) = bench.contestants
    assert bench.curve_steps(one) == [1, 3, 9]
    points = bench.curve(one)
    assert len(points) == 4
    pair = bench.gallery.pairs()[0]
    assert points[-1] == (3.0, bench.picture_rows("one")[pair.name]["objective"])


def test_plots_are_logarithmic_and_keep_labels_apart() -> None:
    near = [svg.Series(name, [(10.0, 1.0)], 6.0, i) for i, name in enumerate("ab")]
    far = svg.Series("<far>", [(1.0, 2.0), (100.0, 0.5)], None, 2)
    drawn = svg.draw(svg.Plot("seconds", "loss", [far, *near], [("photo", 2.0)]))
    left, right, middle, _ = (float(x) for x in re.findall(r'<circle cx="([\d.]+)"', drawn))
    assert middle - left == pytest.approx(right - middle, abs=0.2)
    heights = [float(re.search(rf'y="([\d.]+)"[^>]*>{name}<', drawn)[1]) for name in "ab"]  # type: ignore[index]
    assert abs(heights[0] - heights[1]) >= 16  # though their points are the same
    assert "&lt;far&gt;" in drawn and "<far>" not in drawn
    assert svg.draw(svg.Plot("", "", [svg.Series("none", [])])) == ""


def test_panels_stand_beside_and_below_each_other() -> None:
    rows = [{"start": name, "steps": x, "loss": 1.0} for name in "ab" for x in (10, 1)]
    lines = svg.lines(rows, "start", "steps", "loss")
    assert [line.points for line in lines] == [[(1, 1.0), (10, 1.0)]] * 2
    plot = svg.Plot("steps", "loss", lines)
    drawn = svg.panels([[plot, plot], [plot]])
    width, height = svg.WIDTH, svg.HEIGHT
    assert f'viewBox="0 0 {2 * width} {2 * height}"' in drawn
    assert re.findall(r"translate\((.*?)\)", drawn) == [f"{width} 0", f"0 {height}"]


# the README


def test_the_readmes_table_is_what_the_script_writes() -> None:
    text = readme_table.README.read_text(encoding="utf-8")
    assert readme_table.renewed(text, readme_table.RESULTS) == text, (
        "README.md is stale: run python benchmarks/readme_table.py"
    )


def test_a_complete_result_goes_into_the_readme(
    files: TinyFiles, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, results, readme = tmp_path / "out", tmp_path / "results", tmp_path / "README.md"
    results.mkdir()
    readme.write_text(f"above\n{readme_table.BEGIN}old{readme_table.END}\nbelow\n")
    bench = fake_bench(files, out, Clock(), [], slow=[], metastyle=[])
    options = [f"--adopt={out}", f"--results={results}", f"--readme={readme}"]
    Report(bench, [], "gesso bench", 64, False).write()
    assert readme_table.main(options) == 2
    assert "not everything is measured" in capsys.readouterr().err
    assert bench.measure(Budget(None))
    Report(bench, [], "gesso bench", 64, True).write()
    assert readme_table.main(options) == 0
    (kept,) = results.glob("*.csv")
    assert re.fullmatch(r"bench-cpu1-\w+-\w+-64px-compact-3x2\.csv", kept.name)
    assert json.loads(kept.with_suffix(".json").read_text())["rows"]
    text = readme.read_text(encoding="utf-8")
    assert text.startswith("above") and text.endswith("below\n") and "old" not in text
    assert "0.0047 / 0.0145" in text and f"results/{kept.name}" in text
    assert readme_table.renewed(text, results) == text


# the command


def test_memory_is_that_of_a_process_of_its_own(
    files: TinyFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert memory.peak_mib() or sys.platform == "win32"
    spec: dict[str, Any] = {"style": str(files.style), "content": str(files.photo)}
    spec |= {"steps": None, "threads": 1}
    entry = Entry("meta_networks", encoder=str(files.encoder), weights=str(files.hypernetwork))
    row = memory.measure(spec | {"entry": json.loads(json.dumps(asdict(entry)))})
    assert row["peak_mib"] >= row["baseline_mib"] > 50
    forgetful = iter([400.25, 400.0])
    monkeypatch.setattr(memory, "peak_mib", lambda: next(forgetful))
    row = memory.measure(spec | {"entry": json.loads(json.dumps(asdict(entry)))})
    assert row["peak_mib"] == row["baseline_mib"] == 400.25
    missing = replace(entry, weights=None)
    with pytest.raises(GessoError, match="meta_networks: memory could not be measured") as caught:
        memory.in_own_process(missing, files.style, files.photo, None, 1)
    assert "\n" not in str(caught.value)


def entries(judge: str = "compact", **options: Any) -> dict[str, Entry]:
    return {entry.name: entry for entry in listed_by.entries(Options(**options), judge)[0]}


def test_every_method_is_set_by_what_it_declares(
    files: TinyFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GESSO_WEIGHTS", str(files.folder))
    judge, listed = load_encoder(files.encoder), entries(encoder=str(files.encoder), judge="x")
    found = {c.name: c for e in listed.values() if isinstance(c := enter(e, judge), Contestant)}
    assert found.keys() == listed.keys() >= {"metastyle", "metastyle-polished"}
    gatys = found["gatys"]
    assert gatys.in_words == "500 steps on compact" and gatys.method.encoder is judge
    assert (gatys.entry.encoder, gatys.entry.most_pairs) == ("x", 10)
    matching = found["matching"].entry  # it optimises pictures, too, but not what is judged
    assert matching.encoder != "x" and 10 < (matching.most_pairs or 0) < 200
    encoder = sum(p.numel() for p in judge.parameters())
    assert gatys.parameters == gatys.image_parameters == encoder
    net = sum(p.numel() for p in found["metastyle"].method.net.parameters())  # type: ignore[operator, union-attr]
    assert found["metastyle"].parameters == found["metastyle"].image_parameters == net
    assert found["meta_networks"].parameters > found["meta_networks"].image_parameters
    assert found["johnson"].entry.most_styles == 1
    assert found["johnson"].in_words.endswith("not 40,000")


def test_slow_methods_take_few_steps_or_no_part_in_a_first_impression() -> None:
    listed, absent = listed_by.entries(Options(quick=True), "compact")
    steps = {entry.name: entry.options.get("steps") for entry in listed}
    assert steps["gatys"] == 20 and steps["metastyle"] is None
    too_slow = "too slow for --quick"
    assert absent == [Absent("johnson", too_slow), Absent("texture_nets", too_slow)]
    assert entries(quick=True, names=["johnson"])["johnson"].options == {"steps": 20}
    asked = entries(quick=True, changes=["johnson.steps=30", "gatys.steps=7"])
    assert [asked[name].options["steps"] for name in ("johnson", "gatys")] == [30, 7]


def test_options_of_a_method_and_its_limits_are_set_by_name() -> None:
    changes = ["metastyle.lr=0.01", "metastyle.only_affine=true", "metastyle.most_pairs=3"]
    for entry in entries(names=["metastyle"], changes=changes).values():
        assert entry.options == {"lr": 0.01, "only_affine": True} and entry.most_pairs == 3
    assert entries(changes=["gatys.optimizer=lbfgs"])["gatys"].options["optimizer"] == "lbfgs"


def test_controls_of_painting_are_set_by_name_and_decide_the_picture(files: TinyFiles) -> None:
    changes = ["adain.paint_size=64", "adain.ground=painted", "adain.color_share=0"]
    found = entries(names=["adain"], changes=changes)["adain"]
    assert found.controls == {"paint_size": 64, "ground": "painted", "color_share": 0}
    assert found.options == {}
    there = {"encoder": str(files.encoder), "weights": str(files.decoder)}
    style, photo = draw(1, 64)[0], torch.cat([draw(1, 96), torch.ones(1, 3, 96, 96)], 3)
    for entry in (replace(found, **there), replace(found, controls={}, **there)):
        entered = enter(entry, load_encoder(files.encoder))
        assert isinstance(entered, Contestant)
        kept = {"color_share": 0.6, "paint_from": 256, "paint_pixels": 2_000_000} | entry.controls
        assert entered.settings["controls"] == kept
        card = entered.adapt(style, style)
        look = Controls(polish=0, **entry.controls).stylizer(entered.method, card)
        assert torch.equal(entered.stylizer(card)(photo), look(photo))
    with pytest.raises(OptionError, match=r"adain.paint_size: 9; allowed are whole numbers from"):
        entries(names=["adain"], changes=["adain.paint_size=9"])


def test_a_method_without_weights_takes_no_part(
    files: TinyFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge, encoder = load_encoder(files.encoder), str(files.encoder)
    monkeypatch.setattr("gesso.assets.ROOT", tmp_path)
    entry = Entry("metastyle", encoder=encoder)
    assert enter(entry, judge) == Absent("metastyle", "no weights")
    with pytest.raises(GessoError, match=r"none\.safetensors: cannot be read"):
        enter(replace(entry, weights=str(tmp_path / "none.safetensors")), judge)


def test_a_gpus_figures_are_its_own(
    files: TinyFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: f"model of {device}")
    on_cpu = Contestant(Entry("fake"), Fake("fake", Clock(), [], []))
    on_gpu = replace(on_cpu, entry=replace(on_cpu.entry, device="cuda:1"))
    assert on_gpu.settings == {**on_cpu.settings, "device": "model of cuda:1"}
    bench = fake_bench(files, tmp_path, Clock(), [], one=[])
    bench.memory_of = lambda *_: {"peak_mib": 300.0, "device_mib": 77.0}
    (one,) = bench.contestants
    bench.contestants = [replace(one, entry=replace(one.entry, device="cuda:1"))]
    assert bench.measure(Budget(None))
    report = Report(bench, [], "gesso bench", 64, True)
    report.write()
    for name in ("results.md", "index.html"):
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert "of the GPU, MiB" in text and "77" in text and "model of cuda:1" in text


def test_a_picture_of_12_megapixels_is_made_where_there_is_time(
    files: TinyFiles, tmp_path: Path
) -> None:
    asked: list[tuple[int, int]] = []

    def memory_of(entry: Entry, *given: Any) -> dict[str, Any]:
        asked.append(given[-1])
        if entry.name == "big" and given[-1] == memory.LARGE_PX:
            raise GessoError("big: memory could not be measured: killed")
        return {"peak_mib": 300.0, "seconds": 4.5}

    bench = fake_bench(files, tmp_path, Clock(), [], one=[], big=[], slow=[])
    bench.memory_of = memory_of
    assert [c.name for c in bench.contestants if bench.makes_large(c)] == ["one", "big"]
    assert bench.measure(Budget(None))
    assert sorted(asked) == [memory.SIDES_PX] * 3 + [memory.LARGE_PX] * 2
    rows = {row["method"]: row for row in table.rows(bench)}
    large = {name: (rows[name]["seconds_large"], rows[name]["large_mib"]) for name in rows}
    assert large["one"] == (4.5, 300.0) and large["big"] == large["slow"] == (None, None)


def test_what_takes_too_long_is_ended() -> None:
    command = [sys.executable, "-c", "import time; time.sleep(60)"]
    with pytest.raises(GessoError, match=r"^too slow: ended after 0\.2 s$"):
        memory.answer_of(command, "too slow", 0.2)


def test_no_such_picture_is_made_in_a_first_impression_or_where_none_is_wanted(
    files: TinyFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GESSO_WEIGHTS", str(files.folder))
    folders: dict[str, Any] = {"contents": files.folder / "contents", "judge": str(files.encoder)}
    folders |= {"styles": files.folder / "styles", "encoder": str(files.encoder)}
    for given, made in (({}, True), ({"large": False}, False), ({"quick": True}, False)):
        options = Options(names=["meta_networks"], **folders, **given)
        bench, _ = setup.set_up(tmp_path / str(len(given)), options)
        assert any(task.key.startswith("large") for task in bench.tasks()) == made


def test_a_large_photo_has_the_detail_of_the_small_one() -> None:
    image = torch.rand(3, 5, 7)
    large = memory.repeated(image, 12, 16)
    assert torch.equal(large[:, :5, :7], image)
    assert torch.equal(large[:, 5:10, :7], image.flip(1))
    assert torch.equal(large[:, :5, 7:14], image.flip(2))
    assert torch.equal(large[:, 10:12, 14:16], image[:, :2, :2])


def test_the_papers_figures_stand_beside_ours(files: TinyFiles, tmp_path: Path) -> None:
    bench = fake_bench(files, tmp_path, Clock(), [], adain=[])
    rows = {row["method"]: row for row in table.rows(bench, [Absent("texture_nets", "too slow")])}
    found = {name: table.cell("paper_seconds", rows[name]) for name in ("adain", "texture_nets")}
    assert found == {"adain": "0.0165 / 0.032", "texture_nets": "0.011 / 0.038"}
    assert table.cell("paper_parameters", rows["adain"]) == "7.01 M"


def interrupted(*_: object) -> bool:
    raise KeyboardInterrupt


def test_bench_from_start_to_page(
    files: TinyFiles,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("GESSO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(memory, "in_own_process", lambda *_: {"peak_mib": 1.0, "baseline_mib": 1.0})
    out = tmp_path / "out"
    arguments = ["bench", "-o", str(out), "--size", "64", "--runs", "1", "--threads", "1"]
    arguments += ["--contents", str(files.folder / "contents")]
    arguments += ["--styles", str(files.folder / "styles"), "--encoder", str(files.encoder)]
    arguments += ["--judge", str(files.encoder), "--method", "meta_networks", "--method", "gatys"]
    arguments += ["--model", f"meta_networks={files.hypernetwork}", "--set", "gatys.steps=1"]
    arguments += ["--set", "gatys.most_pairs=1", "--max-contents", "2", "--max-styles", "1"]
    with monkeypatch.context() as patch:
        patch.setattr(Bench, "measure", interrupted)
        assert gesso(arguments) == 130
    assert "Not everything has been measured" in (out / "results.md").read_text(encoding="utf-8")
    assert gesso([*arguments, "--minutes", "0"]) == 1
    assert "the same command goes on" in capsys.readouterr().err
    assert gesso(arguments) == 0
    err = capsys.readouterr().err
    assert "index.html: written" in err and "not everything" not in err
    assert {p.name for p in out.iterdir()} >= {"results.csv", "results.md", "index.html"}
    assert len(list((out / "pictures" / "meta_networks").glob("*.png"))) == 2
    assert str(tmp_path) not in (out / "results.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--method", "magic"], "--method: magic: unknown; allowed are"),
        (["--model", "metastyle"], "expected NAME=FILE"),
        (["--model", "metastyle=missing"], "missing: no such file"),
        (["--judge", "vgg20"], "--judge: encoder vgg20: no such file"),
        (["--model", "magic=."], "magic: .: no such file"),
        (["--set", "metastyle=3"], "--set: metastyle=3: expected METHOD.OPTION=VALUE"),
        (["--set", "magic.steps=3"], "--set magic: no such method takes part; allowed are"),
        (["--set", "gatys.steps=x"], "--set gatys.steps: x; allowed are whole numbers from 0"),
        (
            ["--set", "adain.steps=3"],
            "steps: unknown; allowed are style_size, color_share, paint_from, paint_size, ground,",
        ),
        (["--set", "adain.most_pairs=0"], "--set adain.most_pairs: 0; allowed are whole numbers"),
        (["--contents", ".", "--method", "adain"], "at least two contents"),
    ],
)
def test_mistakes_are_named_in_one_line(
    arguments: list[str],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GESSO_CACHE", str(tmp_path / "cache"))
    assert gesso(["bench", "-o", "out", *arguments]) == 2
    err = capsys.readouterr().err
    assert words in err and err.count("\n") == 1


def test_vgg_judges_where_it_is_in_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GESSO_CACHE", str(tmp_path))
    assert setup.default_judge() == "compact"
    (tmp_path / "encoders").mkdir()
    for variant in ("vgg16-397923af", "vgg19-dcbb9e9d"):
        (tmp_path / "encoders" / f"{variant}.safetensors").touch()
        assert setup.default_judge() == variant.partition("-")[0]


def test_the_bundled_sets_are_there() -> None:
    assert len(pictures.bundled_contents()) == 9
    drawn = Path(__file__).parents[2] / "examples" / "styles"
    bundled = pictures.ordered(pictures.STYLES)
    assert {path.name for path in bundled} > {path.name for path in drawn.glob("*.jpg")}
    for path in bundled:
        with Image.open(path) as picture:
            assert max(picture.size) == pictures.STYLE_PX


def test_nothing_is_written_before_weights_and_results_are_looked_at(
    files: TinyFiles,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("GESSO_CACHE", str(tmp_path / "cache"))
    out = tmp_path / "out"
    arguments = ["bench", "-o", str(out), "--encoder", str(files.encoder), "--method", "adain"]
    arguments += ["--judge", str(files.encoder), "--model"]
    assert gesso([*arguments, f"adain={files.hypernetwork}"]) == 2
    assert not out.exists()
    out.mkdir()
    (out / "results.json").write_text('{"rows": {"a": 3}}')
    assert gesso([*arguments, f"adain={files.decoder}"]) == 2
    assert "results.json: not a benchmark's results" in capsys.readouterr().err
    assert [path.name for path in out.iterdir()] == ["results.json"]
