"""Every method that is trained: options, weights that load, exact resume, starts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from gesso.errors import GessoError, OptionError
from gesso.images.write import write_image
from gesso.methods.registry import about, load, methods
from gesso.methods.training import train
from gesso.nn.checkpoint import load_file
from gesso.options import declared
from gesso.training.config import TrainConfig
from tiny import pictures
from tiny_files import TinyFiles, make_tiny_files

TRAINED = [name for name in methods() if about(name).training is not None]
SMALL: dict[str, Any] = {
    "steps": 3, "workers": 0, "crop": 32, "resize_max": 40, "sample_every": 2, "width": 4,
    "hidden": 4, "style_crop": 32, "content_batch": 2, "style_batch": 1, "batch": 2,
    "skips": ("relu2_1",), "inner_lr": 0.01,
}  # fmt: skip


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> TinyFiles:
    files = make_tiny_files(tmp_path_factory.mktemp("files"))
    for seed, name in enumerate(("contents", "styles")):
        (files.folder / name).mkdir()
        for i, picture in enumerate(pictures(3, 40, seed=seed)):
            write_image(files.folder / name / f"{i}.png", picture)
    return files


def run(name: str, files: TinyFiles, out: Path, **given: Any) -> None:
    keywords = {key: given.pop(key) for key in ("resume", "start") if key in given}
    known = [one.name for one in declared(about(name).training or TrainConfig)]
    options = {key: value for key, value in {**SMALL, **given}.items() if key in known}
    folders = files.folder / "contents", files.folder / "styles"
    result = train(name, *folders, out, encoder=files.encoder, **keywords, **options)
    assert result.step == options["steps"]


def weights(out: Path) -> dict[str, torch.Tensor]:
    return load_file(out / "weights.safetensors")[0]


@pytest.mark.parametrize("name", TRAINED)
def test_it_is_trained_resumed_exactly_and_its_weights_make_pictures(
    name: str, files: TinyFiles, tmp_path: Path
) -> None:
    run(name, files, tmp_path / "whole")
    run(name, files, tmp_path / "parts", steps=2, schedule="inverse")
    with pytest.raises(
        GessoError, match=r"cannot resume with crop = 24: the run was started with 32"
    ):
        run(name, files, tmp_path / "parts", resume=True, crop=24, schedule="inverse")
    run(name, files, tmp_path / "parts", resume=True, schedule="inverse")
    run(name, files, tmp_path / "again", schedule="inverse")
    for key, value in weights(tmp_path / "again").items():
        assert torch.equal(value, weights(tmp_path / "parts")[key]), key
    assert sorted(p.name for p in (tmp_path / "whole/samples").iterdir())[0] == "step-0000002.png"
    method = load(name, weights=tmp_path / "whole/weights.safetensors", encoder=files.encoder)
    style, photo = pictures(2, 64, seed=8)
    picture = method.stylizer(method.adapt(style, [photo]))(photo[None])
    assert picture.shape == (1, 3, 64, 64)


def test_a_trained_banks_styles_look_the_same_by_name_and_by_file(
    files: TinyFiles, tmp_path: Path
) -> None:
    run("conditional_in", files, tmp_path)
    method = load("conditional_in", weights=tmp_path / "weights.safetensors")
    named, adapted = method.look_up("1"), method.adapt(files.folder / "styles/1.png")
    assert named.settings["style_colors"] == adapted.settings["style_colors"]
    assert named.provenance["sha256"] == adapted.provenance["sha256"]
    assert all(torch.equal(value, adapted.tensors[n]) for n, value in named.tensors.items())


@pytest.mark.parametrize("name", TRAINED)
def test_training_goes_on_from_the_weights_of_another_run(
    name: str, files: TinyFiles, tmp_path: Path
) -> None:
    run(name, files, tmp_path / "first", seed=1)
    start = tmp_path / "first/weights.safetensors"
    run(name, files, tmp_path / "second", seed=2, steps=1, lr=1e-9, start=start)
    for key, value in weights(tmp_path / "first").items():
        if key != "seen":  # the hidden vectors of the last styles
            torch.testing.assert_close(weights(tmp_path / "second")[key], value, msg=key)


def test_a_method_without_training_and_an_option_it_lacks_are_refused_by_name(
    files: TinyFiles, tmp_path: Path
) -> None:
    folders = files.folder / "contents", files.folder / "styles", tmp_path
    with pytest.raises(GessoError, match="gatys: has nothing to train"):
        train("gatys", *folders)
    with pytest.raises(OptionError, match="repeats: unknown; allowed are"):
        train("metastyle", *folders, repeats=2)
    with pytest.raises(OptionError, match="objective: huge is unknown; allowed are relative"):
        train("adain", *folders, objective="huge")


def test_the_options_of_training_need_no_torch() -> None:
    code = (
        "import sys; from gesso.methods.registry import about, methods;"
        "import gesso.methods.training, gesso.distillation.training_options;"
        "[about(name).training for name in methods()]; sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("given", [{"reptile": 2}, {"inner_steps": 1}], ids=["reptile", "bilevel"])
def test_a_start_trained_by_matching_says_so_and_adapts_by_it(
    given: dict[str, Any], files: TinyFiles, tmp_path: Path
) -> None:
    out = tmp_path / "start"
    run("metastyle", files, out, objective="matching", tv_weight=0.5, **given)
    method = load("metastyle", weights=out / "weights.safetensors", encoder=files.encoder)
    settings = method.adapt_settings()["objective"]
    assert settings["rest"]["tv_weight"] == 0.5 and settings["match_weight"] == 1.0
