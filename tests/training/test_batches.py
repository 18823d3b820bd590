"""Batches depend on (seed, step) alone; broken images cost one line, not the run."""

from __future__ import annotations

import io
import logging
import tarfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gesso.errors import GessoError
from gesso.training.batches import Batches, ImageSource, image_batches, meta_batches, prefetch


def encoded(value: int, size: tuple[int, int] = (20, 16), form: str = "PNG") -> bytes:
    """A picture whose red is its own `value`, so that batches tell which ones they drew."""
    buffer = io.BytesIO()
    Image.new("RGB", size, (value, 100, 50)).save(buffer, form)
    return buffer.getvalue()


def fill(folder: Path, count: int) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(count):
        (folder / f"{i:03}.png").write_bytes(encoded(i))
    return folder


def reds(batch: torch.Tensor) -> list[int]:
    return [round(v * 255) for v in batch[:, 0].mean(dim=(1, 2)).tolist()]


@pytest.fixture
def noise(tmp_path: Path) -> ImageSource:
    """Eleven pictures in which every crop and flip looks different."""
    rng = np.random.default_rng(0)
    for i in range(11):
        pixels = rng.integers(0, 256, (24 + i, 40 - i, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{i}.png")
    return ImageSource(tmp_path)


def test_flat_nested_and_hidden(tmp_path: Path) -> None:
    fill(tmp_path / "b" / "deep", 1)
    fill(tmp_path, 2)
    (tmp_path / "notes.txt").write_text("no image")
    (tmp_path / ".hidden.png").write_bytes(encoded(1))
    fill(tmp_path / ".cache", 1)
    assert ImageSource(tmp_path).names == ["000.png", "001.png", "b/deep/000.png"]


def test_shards_are_read_in_place(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as shard:
        for i in range(4):
            data = encoded(i)
            member = tarfile.TarInfo(f"train/{i}.png")
            member.size = len(data)
            shard.addfile(member, io.BytesIO(data))
        shard.addfile(tarfile.TarInfo("train/labels.json"), io.BytesIO(b""))
        for name, kind in (("link.png", tarfile.SYMTYPE), ("folder.png", tarfile.DIRTYPE)):
            other = tarfile.TarInfo(name)
            other.type, other.linkname = kind, "/etc/passwd"
            shard.addfile(other)
    source = ImageSource(tmp_path)
    assert source.names == [f"a.tar:train/{i}.png" for i in range(4)]
    assert source.read(2) == encoded(2)
    assert ImageSource(tmp_path / "a.tar").names == source.names
    assert sorted(reds(Batches(source, 4, crop=8).batch(0))) == [0, 1, 2, 3]


def test_no_more_of_a_member_is_read_than_a_picture_may_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as shard:
        member = tarfile.TarInfo("a.png")
        member.size = 1000
        shard.addfile(member, io.BytesIO(bytes(1000)))
    monkeypatch.setattr("gesso.training.source.MAX_BYTES", 100)
    assert len(ImageSource(tmp_path / "a.tar").read(0)) == 100


def test_one_line_errors(tmp_path: Path) -> None:
    with pytest.raises(GessoError, match="nowhere: no such file"):
        ImageSource(tmp_path / "nowhere")
    with pytest.raises(GessoError, match="holds no images"):
        ImageSource(tmp_path)
    (tmp_path / "a.tar").write_bytes(b"\x1f\x8b not a plain tar" * 99)
    with pytest.raises(GessoError, match=r"a\.tar: not a plain"):
        ImageSource(tmp_path)
    source = ImageSource(fill(tmp_path / "images", 3))
    with pytest.raises(GessoError, match="at least the crop, 64"):
        Batches(source, 2, crop=64, resize_min=32)
    with pytest.raises(GessoError, match="multiple of the 2 processes"):
        Batches(source, 3, crop=8).batch(0, 0, 2)


def test_an_epoch_has_every_image_once_in_a_new_order(tmp_path: Path) -> None:
    batches = Batches(ImageSource(fill(tmp_path, 12)), 4, crop=8)
    epochs = [[red for b in range(3) for red in reds(batches.batch(3 * e + b))] for e in range(3)]
    assert all(sorted(epoch) == list(range(12)) for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2]


def test_no_image_twice_in_a_batch_when_epochs_do_not_divide(tmp_path: Path) -> None:
    batches = Batches(ImageSource(fill(tmp_path, 11)), 4, crop=8)
    drawn = [reds(batches.batch(step)) for step in range(40)]
    assert all(len(set(batch)) == 4 for batch in drawn)
    assert set().union(*drawn) == set(range(11))


def test_more_positions_than_images(tmp_path: Path) -> None:
    batches = Batches(ImageSource(fill(tmp_path, 3)), 8, crop=8)
    counts = Counter(reds(batches.batch(5)))
    assert set(counts) == {0, 1, 2} and max(counts.values()) <= 3


def test_batches_are_a_function_of_seed_step_and_stream(noise: ImageSource) -> None:
    def batch(step: int, **options: int) -> torch.Tensor:
        options = {"crop": 16, "resize_min": 18, "resize_max": 30} | options
        return Batches(noise, 4, **options).batch(step)

    first = batch(3)
    assert first.shape == (4, 3, 16, 16) and first.dtype == torch.float32
    assert first.is_contiguous() and 0 <= first.min() < 0.1 and 0.9 < first.max() <= 1
    assert torch.equal(first, batch(3))
    assert not torch.equal(first, batch(3, seed=1))
    assert not torch.equal(first, batch(3, stream=1))
    assert not torch.equal(first, batch(4))


@pytest.mark.parametrize("workers", [0, 1, 4])
def test_workers_change_nothing(noise: ImageSource, workers: int) -> None:
    batches = Batches(noise, 4, crop=16, resize_max=20)
    ahead = list(prefetch(batches.batch, 2, 17, workers))
    assert len(ahead) == 15
    assert all(torch.equal(got, batches.batch(2 + i)) for i, got in enumerate(ahead))


def test_prefetch_stops_early_and_hands_on_errors() -> None:
    def make(step: int) -> int:
        if step == 5:
            raise GessoError("five")
        return step

    ahead = prefetch(make, 0, 10**9, 2)
    assert [next(ahead) for _ in range(5)] == [0, 1, 2, 3, 4]
    with pytest.raises(GessoError, match="five"):
        next(ahead)
    ahead = prefetch(make, 6, 10**9, 2)
    next(ahead)
    ahead.close()


def test_ranks_divide_the_same_batch(noise: ImageSource) -> None:
    batches = Batches(noise, 4, crop=16)
    parts = [batches.batch(7, rank, 2) for rank in range(2)]
    assert torch.equal(torch.cat(parts), batches.batch(7))
    make = image_batches(batches)
    assert torch.equal(make(7, 1, 2)["images"], parts[1])


def test_meta_batches_share_contents_and_divide_styles(noise: ImageSource) -> None:
    make = meta_batches(noise, noise, content_batch=3, style_batch=4, crop=16)
    whole, parts = make(2, 0, 1), [make(2, rank, 2) for rank in range(2)]
    assert torch.equal(torch.cat([p["styles"] for p in parts]), whole["styles"])
    for name in ("contents_support", "contents_query"):
        assert all(torch.equal(p[name], whole[name]) for p in parts)
    assert not torch.equal(whole["contents_support"], whole["contents_query"])


def test_flip_mirrors_half_of_them(tmp_path: Path) -> None:
    pixels = np.zeros((8, 8, 3), np.uint8)
    pixels[:, :4] = 255
    Image.fromarray(pixels).save(tmp_path / "left.png")
    source = ImageSource(tmp_path)
    mirrored = [bool(Batches(source, 1, crop=8).batch(s)[0, 0, 0, 0] < 0.5) for s in range(100)]
    assert 30 < sum(mirrored) < 70
    unflipped = Batches(source, 1, crop=8, flip=False)
    assert all(unflipped.batch(s)[0, 0, 0, 0] > 0.5 for s in range(20))


def test_crop_shows_the_picture_at_the_resized_scale(tmp_path: Path) -> None:
    """A ramp that rises by 1 a pixel, halved, rises by 2 a pixel wherever the crop lies."""
    ramp = np.tile(np.arange(200, dtype=np.uint8), (64, 1))
    Image.fromarray(np.stack([ramp] * 3, -1)).save(tmp_path / "ramp.png")
    batches = Batches(ImageSource(tmp_path), 1, crop=16, resize_min=32, flip=False)
    starts = set()
    for step in range(10):
        row = batches.batch(step)[0, 0, 8] * 255
        assert torch.allclose(row.diff()[1:-1], torch.tensor(2.0), atol=1.01)
        assert (row[-1] - row[0]).item() == pytest.approx(30, abs=1.5)
        starts.add(round(row[0].item()))
    assert len(starts) > 5


def test_modes_orientation_and_transparency(tmp_path: Path) -> None:
    def only(name: str, image: Image.Image, **options: object) -> torch.Tensor:
        path = tmp_path / name
        image.save(path, **options)
        return Batches(ImageSource(path), 1, crop=8, flip=False).batch(0)[0]

    grey = only("l.png", Image.new("L", (8, 8), 51))
    assert torch.allclose(grey, torch.tensor(0.2))
    deep = only("i.png", Image.fromarray(np.full((8, 8), 51 * 257, np.uint16)))
    assert torch.allclose(deep, torch.tensor(0.2), atol=1e-6)
    clear = only("a.png", Image.new("RGBA", (8, 8), (0, 0, 0, 0)))
    assert torch.equal(clear, torch.ones(3, 8, 8))
    half = Image.new("RGB", (8, 8), "white")
    half.paste("black", (0, 0, 8, 4))
    exif = Image.Exif()
    exif[0x0112] = 3  # stored upside down
    turned = only("o.png", half, exif=exif)
    assert turned[:, 0].min() > 0.9 and turned[:, -1].max() < 0.1


def test_broken_images_are_named_once_and_replaced(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source_folder = fill(tmp_path, 24)
    for i in (3, 11):
        (source_folder / f"{i:03}.png").write_bytes(encoded(i)[:40])
    with caplog.at_level(logging.WARNING):
        batches = Batches(ImageSource(source_folder), 4, crop=8)
        drawn = [reds(batches.batch(step)) for step in range(18)]
    assert sorted(r.getMessage().split(":")[0] for r in caplog.records) == ["003.png", "011.png"]
    assert all("\n" not in r.getMessage() for r in caplog.records)
    assert all(len(set(batch)) == 4 for batch in drawn)
    assert set().union(*drawn) == set(range(24)) - {3, 11}
    again = Batches(ImageSource(source_folder), 4, crop=8)
    assert [reds(again.batch(step)) for step in reversed(range(18))] == drawn[::-1]
    halves = [reds(again.batch(s, 0, 2)) + reds(again.batch(s, 1, 2)) for s in range(18)]
    assert halves == drawn


def test_a_broken_member_of_a_shard_is_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as shard:
        for i in range(3):
            data = encoded(i)[: 50 if i == 1 else None]
            member = tarfile.TarInfo(f"{i}.png")
            member.size = len(data)
            shard.addfile(member, io.BytesIO(data))
    with caplog.at_level(logging.WARNING):
        source = ImageSource(tmp_path)
        assert [source.load(i) is None for i in (0, 1, 2, 1)] == [False, True, False, True]
    assert len(caplog.records) == 1
    assert caplog.records[0].getMessage().startswith("a.tar:1.png: skipped: ")
    assert "/" not in caplog.records[0].getMessage()  # not the name it was handed to the decoder by


def test_a_file_deleted_during_the_run_is_replaced(tmp_path: Path) -> None:
    batches = Batches(ImageSource(fill(tmp_path, 8)), 4, crop=8)
    (tmp_path / "005.png").unlink()
    drawn = [reds(batches.batch(step)) for step in range(6)]
    assert all(len(set(batch)) == 4 and 5 not in batch for batch in drawn)


def test_nothing_readable_is_an_error(tmp_path: Path) -> None:
    for i in range(3):
        (tmp_path / f"{i}.jpg").write_bytes(b"\xff\xd8 not really")
    with pytest.raises(GessoError, match="none of its 3 images is readable"):
        Batches(ImageSource(tmp_path), 2, crop=8).batch(0)
