"""Style cards: small, whole, and blended only where that means something."""

from __future__ import annotations

import base64
import datetime
import io
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor

import gesso
from gesso.cards.blend import blend_tensors
from gesso.cards.card import StyleCard, provenance
from gesso.errors import GessoError
from gesso.nn.checkpoint import load_file, read_header, save_file
from gesso.nn.transfer import TransferNet, is_affine


def picture(kind: str = "webp", size: int = 64) -> bytes:
    memory = io.BytesIO()
    Image.effect_noise((size, size), 40).convert("RGB").save(memory, kind, quality=70)
    return memory.getvalue()


def card(**changes: Any) -> StyleCard:
    tensors = {"norm.gamma": torch.tensor([1.0, 2.0]), "norm.beta": torch.tensor([[0.5], [-0.25]])}
    fields: dict[str, Any] = {
        "method": "metastyle",
        "tensors": tensors,
        "config": {"width": 32},
        "settings": {"steps": 100, "seed": 0},
        "base": "ab" * 32,
        "provenance": {"style": "waves.jpg"},
    }
    return StyleCard(**(fields | changes))


def refusal(function: Any, *args: Any, **options: Any) -> str:
    with pytest.raises(GessoError) as caught:
        function(*args, **options)
    assert str(caught.value).isprintable()
    return str(caught.value)


def test_a_card_comes_back_as_it_was(tmp_path: Path) -> None:
    tensors = card().tensors | {"scalar": torch.tensor(3.5), "none": torch.zeros(0, 4)}
    saved = card(tensors=tensors, thumbnail=picture())
    saved.save(tmp_path / "a.safetensors", dtype="float32")
    loaded = StyleCard.load(tmp_path / "a.safetensors")
    assert loaded.tensors.keys() == tensors.keys()
    assert all(torch.equal(loaded.tensors[name], tensor) for name, tensor in tensors.items())
    fields = ("method", "config", "settings", "base", "thumbnail", "provenance")
    assert all(getattr(loaded, name) == getattr(saved, name) for name in fields)


def test_float16_rounds_once(tmp_path: Path) -> None:
    tensor = torch.randn(1000, generator=torch.Generator().manual_seed(0))
    card(tensors={"a": tensor}).save(tmp_path / "a")
    loaded = StyleCard.load(tmp_path / "a")
    assert loaded.tensors["a"].dtype == torch.float32
    assert torch.equal(loaded.tensors["a"], tensor.half().float())
    loaded.save(tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_tensors_of_a_loaded_card_are_independent(tmp_path: Path) -> None:
    card().save(tmp_path / "a", dtype="float32")
    loaded = StyleCard.load(tmp_path / "a")
    loaded.tensors["norm.beta"].fill_(9.0)
    assert loaded.tensors["norm.gamma"].tolist() == [1.0, 2.0]
    assert loaded.tensors["norm.gamma"].untyped_storage().nbytes() == 8


def test_a_card_of_instance_norm_alone_is_about_13_kb(tmp_path: Path) -> None:
    affine = {n: p.detach() for n, p in TransferNet().named_parameters() if is_affine(n)}
    assert sum(tensor.numel() for tensor in affine.values()) == 3200
    origin = provenance(
        "/home/me/starry night.jpg", sha256="cd" * 32, steps=100, seconds=9.123456,
        loss_before=1.2345678, loss_after=0.345678,
    )  # fmt: skip
    config = {"network": "transfer", "width": 32, "encoder": "compact"}
    settings = {"steps": 100, "size": 256, "optimiser": "adam", "rate": 0.001, "seed": 0}
    whole = card(tensors=affine, config=config, settings=settings, provenance=origin)
    whole.save(tmp_path / "half")
    whole.save(tmp_path / "full", dtype="float32")
    assert (tmp_path / "half").stat().st_size <= 8192
    assert (tmp_path / "full").stat().st_size <= 12_800 + 1_792
    small = picture()
    card(tensors=affine, thumbnail=small).save(tmp_path / "shown")
    card(tensors=affine).save(tmp_path / "plain")
    more = (tmp_path / "shown").stat().st_size - (tmp_path / "plain").stat().st_size
    assert len(small) <= more <= len(small) + 100


def test_provenance_keeps_the_name_without_its_folders() -> None:
    known = provenance("/home/me/secret/waves.jpg", steps=0, seconds=1.23456, loss_after=1 / 3)
    assert known == {
        "style": "waves.jpg",
        "created": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "gesso": gesso.__version__,
        "steps": 0,
        "seconds": 1.23,
        "loss_after": 0.333333,
    }


def test_summary_is_plain_and_complete(tmp_path: Path) -> None:
    thumbnail = picture("png")
    summary = card(thumbnail=thumbnail).summary()
    assert summary["kind"] == "style card"
    assert (summary["tensors"], summary["numbers"]) == (2, 4)
    assert summary["thumbnail"] == f"PNG, {len(thumbnail)} B"
    assert summary["provenance"] == {"style": "waves.jpg"}
    assert not any(isinstance(value, Tensor) for value in summary.values())
    assert card(base="").summary()["base"] == "none (the card is whole)"


def test_the_header_can_be_read_alone(tmp_path: Path) -> None:
    card().save(tmp_path / "a")
    header = read_header(tmp_path / "a")
    assert (header["kind"], header["method"]) == ("card", "metastyle")
    assert header["tensors"] == "norm.beta 2x1,norm.gamma 2"


# A card as gesso 0.1.0 wrote it; it has to load for ever.
FIRST_FORMAT = (
    "yAEAAAAAAAB7Il9fbWV0YWRhdGFfXyI6eyJnZXNzbyI6IntcInNoYTI1NlwiOlwiZDYwODMxNzgwZGM3NWM0ZWNiMj"
    "k4OTNmNzMwMWRiMDU2NjYxMWVmNjgwNDQ3MGM5ZjY4NDkyYzEwYzAyYzg1N1wiLFwiYmFzZVwiOlwiYWJhYmFiYWJh"
    "YmFiYWJhYmFiYWJhYmFiYWJhYmFiYWJhYmFiYWJhYmFiYWJhYmFiYWJhYmFiYWJhYmFiYWJhYlwiLFwiY29uZmlnXC"
    "I6e1wid2lkdGhcIjozMn0sXCJmb3JtYXRcIjoxLFwia2luZFwiOlwiY2FyZFwiLFwibWV0aG9kXCI6XCJtZXRhc3R5"
    "bGVcIixcInByb3ZlbmFuY2VcIjp7XCJzdHlsZVwiOlwid2F2ZXMuanBnXCJ9LFwic2V0dGluZ3NcIjp7XCJzZWVkXC"
    "I6MCxcInN0ZXBzXCI6MTAwfSxcInRlbnNvcnNcIjpcIm5vcm0uYmV0YSAyeDEsbm9ybS5nYW1tYSAyXCJ9In0sInZh"
    "bHVlcyI6eyJkdHlwZSI6IkYxNiIsInNoYXBlIjpbNF0sImRhdGFfb2Zmc2V0cyI6WzAsOF19fSAgICAAOAC0ADwAQA"
    "=="
)


def test_cards_of_every_format_ever_written_load(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(base64.b64decode(FIRST_FORMAT))
    loaded = StyleCard.load(tmp_path / "a")
    assert loaded.tensors["norm.gamma"].tolist() == [1.0, 2.0]
    assert loaded.tensors["norm.beta"].tolist() == [[0.5], [-0.25]]
    assert (loaded.method, loaded.base) == ("metastyle", "ab" * 32)
    assert loaded.provenance == {"style": "waves.jpg"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"tensors": {"a": torch.tensor([float("nan")])}}, "tensor a holds NaN or infinity"),
        ({"tensors": {"a": torch.tensor([70_000.0])}}, "a exceeds the range of float16"),
        ({"tensors": {"a": torch.tensor([1])}}, "a is int64, allowed is floating point"),
        ({"tensors": {"../a": torch.zeros(1)}}, "is not a tensor name"),
        ({"tensors": {"a,b 3": torch.zeros(1)}}, "is not a tensor name"),
        ({"settings": {"loss": float("inf")}}, "not written"),
        ({"thumbnail": b""}, "WebP, PNG or JPEG"),
        ({"thumbnail": b"<svg/>"}, "WebP, PNG or JPEG"),
        ({"thumbnail": b"\x89PNG\r\n\x1a\n" + b"\0" * 65_536}, "below 64 KB"),
    ],
)
def test_what_is_no_card_is_not_written(
    tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    assert words in refusal(card(**changes).save, tmp_path / "a")
    assert not list(tmp_path.iterdir())


def test_only_the_stored_types_are_offered(tmp_path: Path) -> None:
    words = "allowed are float16, float32"
    assert words in refusal(card().save, tmp_path / "a", dtype="int8")


GOOD_HEADER = {
    "kind": "card", "method": "metastyle", "base": "", "config": {}, "settings": {},
    "provenance": {}, "tensors": "a 2,b 3x1",
}  # fmt: skip


@pytest.mark.parametrize(
    ("header", "tensors", "words"),
    [
        ({"kind": "weights"}, {}, "expected a style card, found weights"),
        ({"method": 3}, {}, "lacks method"),
        ({"config": []}, {}, "lacks config"),
        ({"provenance": None}, {}, "lacks provenance"),
        ({"tensors": None}, {}, "lists no tensors"),
        ({"tensors": {"a": [5]}}, {}, "lists no tensors"),
        ({"tensors": "a 2,b 4"}, {}, "5 numbers, its header promises 6"),
        ({"tensors": "a 2,a 3"}, {}, "malformed tensor, a 3"),
        ({"tensors": "a -2,b 7"}, {}, "malformed tensor, a -2"),
        ({"tensors": "../a 2,b 3"}, {}, "malformed tensor, ../a 2"),
        ({"tensors": "a 2x,b 3"}, {}, "invalid literal"),
        ({"tensors": "a 100000x100000000x0,b 5"}, {}, "malformed tensor"),
        ({"tensors": ",".join(f"t{i} 0" for i in range(10_001))}, {}, "too many"),
        ({}, {"values": torch.zeros(5, dtype=torch.int64)}, "no row of numbers"),
        ({}, {"values": torch.zeros(5, 1)}, "no row of numbers"),
        ({}, {"more": torch.zeros(1)}, "tensors that no card has"),
        ({}, {"thumbnail": torch.zeros(3)}, "WebP, PNG or JPEG"),
        ({}, {"thumbnail": torch.zeros(3, dtype=torch.uint8)}, "WebP, PNG or JPEG"),
    ],
)
def test_what_is_no_card_is_not_read(
    tmp_path: Path, header: dict[str, Any], tensors: dict[str, Tensor], words: str
) -> None:
    path = tmp_path / "a.safetensors"
    save_file(path, {"values": torch.zeros(5)} | tensors, GOOD_HEADER | header)
    message = refusal(StyleCard.load, path)
    assert words in message
    assert len(message) < len(str(path)) + 200
    save_file(path, {"values": torch.zeros(5)}, GOOD_HEADER)
    assert StyleCard.load(path).tensors["b"].shape == (3, 1)


def test_a_picture_in_place_of_a_card_is_called_one(tmp_path: Path) -> None:
    (tmp_path / "a.safetensors").write_bytes(picture("png"))
    assert "a PNG picture; expected a safetensors file" in refusal(
        StyleCard.load, tmp_path / "a.safetensors"
    )


def test_a_card_is_a_gesso_file_like_any_other(tmp_path: Path) -> None:
    card(thumbnail=picture()).save(tmp_path / "a")
    tensors, _ = load_file(tmp_path / "a", kind="card")
    assert tensors["values"].tolist() == [0.5, -0.25, 1.0, 2.0]  # in the order of the names
    data = bytearray((tmp_path / "a").read_bytes())
    data[-1] ^= 1
    (tmp_path / "a").write_bytes(data)
    assert "file damaged" in refusal(StyleCard.load, tmp_path / "a")


# Blending


def other(**changes: Any) -> StyleCard:
    tensors = {"norm.gamma": torch.tensor([3.0, 0.0]), "norm.beta": torch.tensor([[1.5], [0.75]])}
    return card(**({"tensors": tensors, "provenance": {"style": "tiles.jpg"}} | changes))


@pytest.mark.parametrize(
    ("weights", "gamma"),
    [
        ([1, 0], [1.0, 2.0]),
        ([0.5, 0.5], [2.0, 1.0]),
        ([3, 1], [1.5, 1.5]),  # scaled to sum to 1
        ([1.5, -0.5], [0.0, 3.0]),  # away from the second
        ([-1, -1], [2.0, 1.0]),
    ],
)
def test_blends_are_weighted_means(weights: list[float], gamma: list[float]) -> None:
    blended = blend_tensors([card(), other()], weights)
    assert blended.tensors["norm.gamma"].tolist() == gamma
    assert blended.tensors["norm.beta"].shape == (2, 1)
    assert (blended.method, blended.base) == ("metastyle", "ab" * 32)
    assert blended.config == {"width": 32}
    assert blended.settings == card().settings
    parts = blended.provenance["blend"]
    assert [part["style"] for part in parts] == ["waves.jpg", "tiles.jpg"]
    assert sum(part["weight"] for part in parts) == 1.0


def test_a_loaded_card_blends_with_one_that_was_not_saved(tmp_path: Path) -> None:
    made = card(config={"betas": (0.9, 0.99)})
    made.save(tmp_path / "a")
    assert blend_tensors([made, StyleCard.load(tmp_path / "a")], [1, 1]).config == made.config


def test_a_blend_leaves_its_parts_alone_and_can_be_saved(tmp_path: Path) -> None:
    one = card()
    blended = blend_tensors([one], [2.0])
    blended.tensors["norm.gamma"].zero_()
    blended.config["width"] = 1
    assert one.tensors["norm.gamma"].tolist() == [1.0, 2.0]
    assert one.config == {"width": 32}
    blend_tensors([one, other(settings={"steps": 1})], [1, 1]).save(tmp_path / "a")
    assert StyleCard.load(tmp_path / "a").settings == {}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"method": "adain"}, "methods metastyle and adain"),
        ({"base": "cd" * 32}, "base weights abababababab and cdcdcdcdcdcd"),
        ({"base": ""}, "base weights abababababab and none"),
        ({"config": {"width": 16}}, "configuration width is 32 and 16"),
        ({"config": {}}, "configuration width is 32 and none"),
        ({"tensors": {"norm.gamma": torch.zeros(2)}}, "only one has the tensor norm.beta"),
        (
            {"tensors": {"norm.gamma": torch.zeros(3), "norm.beta": torch.zeros(2, 1)}},
            "tensor norm.gamma is [2] and [3]",
        ),
    ],
)
def test_cards_without_a_common_space_are_not_blended(change: dict[str, Any], words: str) -> None:
    message = refusal(blend_tensors, [card(), card(), other(**change)], [1, 1, 1])
    assert message == f"cards 1 and 3 cannot be blended: {words}"


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ([1.0], "2 cards and 1 weights"),
        ([], "2 cards and 0 weights"),
        ([float("nan"), 1.0], "finite"),
        ([float("inf"), 1.0], "finite"),
        ([0.0, 0.0], "sum to 0"),
        ([1.0, -1.0], "sum to 0"),
        ([1.0, -1.0 + 1e-9], "sum to 0"),
    ],
)
def test_weights_have_to_be_finite_and_not_cancel(weights: list[float], words: str) -> None:
    assert words in refusal(blend_tensors, [card(), other()], weights)


def test_nothing_cannot_be_blended() -> None:
    assert "0 cards" in refusal(blend_tensors, [], [])


def test_huge_weights_do_not_overflow() -> None:
    one, two = (StyleCard("m", {"a": torch.full((2,), value)}) for value in (1.0, 3.0))
    mixed = blend_tensors([one, two], [1e308, 1e308])
    assert torch.equal(mixed.tensors["a"], torch.full((2,), 2.0))


def test_a_mixture_of_mixtures_names_its_styles() -> None:
    one, two = (
        StyleCard("m", {"a": torch.ones(2)}, provenance={"style": name}) for name in ("a", "b")
    )
    again = blend_tensors([blend_tensors([one, two], [1, 3]), two], [1, 1])
    shares = [(part["style"], part["weight"]) for part in again.provenance["blend"]]
    assert shares == [("a", 0.125), ("b", 0.375), ("b", 0.5)]
    again.provenance["blend"] = ["damaged"]
    assert blend_tensors([again], [1]).provenance["blend"] == [{"style": "", "weight": 1.0}]
