"""`gesso info`, `gesso methods`, `gesso cache`: all without torch."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
import torch

import gesso
from command_line import Gesso, refused, without_torch
from gesso.cards.card import StyleCard
from gesso.disk.tensors import write_file
from gesso.methods.registry import about
from tiny_files import TinyFiles

RELEASED = Path(__file__).parents[1] / "fixtures" / "released"


@pytest.mark.parametrize("path", sorted(RELEASED.glob("*.safetensors")), ids=lambda p: p.name)
@pytest.mark.parametrize("options", [[], ["-v"], ["--json"]])
def test_info_needs_no_torch(path: Path, options: list[str]) -> None:
    code, out, err = without_torch("info", path, *options)
    assert (code, err) == (0, "") and path.name in out


def test_methods_and_cache_need_no_torch() -> None:
    code, out, err = without_torch("methods")
    assert (code, err) == (0, "") and "metastyle" in out
    code, out, err = without_torch("cache")
    assert (code, err) == (0, "") and "encoders" in out
    assert without_torch("cache", "clear")[0] == 0
    refused(without_torch("info", RELEASED / "style.png"), "style.png", "a PNG picture")


def test_info_of_a_card_says_what_it_is_and_what_it_is_for(card: Path, cli: Gesso) -> None:
    code, out, _ = cli("info", card)
    assert code == 0 and len(out.splitlines()) <= 10
    for text in ("style.png, seen at 64 px", "metastyle: MetaStyle (Zhang et al., AAAI 2019)"):
        assert text in out
    assert f"gesso stylize PHOTO --style {card.name} -o OUT" in out
    assert "28,467 numbers" in out and "settings" not in out and "provenance" not in out
    everything = cli("info", card, "-v")[1]
    assert "settings.steps" in everything and "provenance.style" in everything


def test_info_of_a_card_as_json_holds_everything(card: Path, cli: Gesso) -> None:
    code, out, _ = cli("info", card, "--json")
    facts = json.loads(out)
    assert code == 0
    assert (facts["kind"], facts["method"], facts["numbers"]) == ("style card", "metastyle", 28467)
    assert facts["bytes"] == card.stat().st_size and facts["settings"]["steps"] == 2


def test_info_of_a_mixture_names_its_styles(card: Path, cli: Gesso, tmp_path: Path) -> None:
    out = tmp_path / "mixed.safetensors"
    assert cli("mix", f"{card}=3", f"{card}=1", "-o", out)[0] == 0
    assert "style.png 0.75, style.png 0.25" in cli("info", out)[1]


def test_info_of_a_card_says_what_it_needs(cli: Gesso) -> None:
    partial = cli("info", RELEASED / "metastyle-only-in.card.safetensors")[1]
    assert "the weights it was made with (" in partial
    whole = cli("info", RELEASED / "metastyle.card.safetensors")[1]
    assert "the weights it was made with" not in whole


def test_info_of_a_card_of_an_unknown_method(cli: Gesso, tmp_path: Path) -> None:
    path = tmp_path / "card.safetensors"
    StyleCard("magic", {"a": torch.zeros(3)}).save(path)
    assert "magic, which is not installed here" in cli("info", path)[1]


def test_info_of_weights(files: TinyFiles, cli: Gesso) -> None:
    facts = json.loads(cli("info", files.start, "--json")[1])
    assert (facts["kind"], facts["method"], facts["tensors"]) == ("start", "metastyle", 62)
    assert facts["config"]["width"] == 4 and len(facts["sha256"]) == 64
    assert json.loads(cli("info", files.encoder, "--json")[1])["kind"] == "encoder"
    assert "width" not in cli("info", files.start)[1]
    assert "config.width" in cli("info", files.start, "-v")[1]


def test_info_of_other_files(files: TinyFiles, cli: Gesso, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    foreign = tmp_path / "vgg.safetensors"
    save_file({"conv1_1.weight": torch.ones(2, 3)}, foreign)
    facts = json.loads(cli("info", foreign, "--json")[1])
    assert (facts["tensors"], facts["numbers"], facts["names"]) == (1, 6, "conv1_1.weight")
    damaged = bytearray(files.start.read_bytes())
    damaged[-1] ^= 1
    (tmp_path / "bad.safetensors").write_bytes(damaged)
    refused(cli("info", tmp_path / "bad.safetensors"), "bad.safetensors: file damaged")
    refused(cli("info", tmp_path), str(tmp_path))
    refused(cli("info", tmp_path / "missing.safetensors"), "missing.safetensors")


@pytest.mark.parametrize("kind", ["card", "start"])
def test_a_header_of_very_many_values_keeps_info_busy_for_no_time(
    cli: Gesso, tmp_path: Path, kind: str
) -> None:
    path = tmp_path / "many.safetensors"
    header = {"kind": kind, "method": "metastyle", "settings": {str(n): 0 for n in range(60_000)}}
    if kind == "card":
        header |= {"base": "", "config": {}, "provenance": {}, "tensors": "a 3"}
    write_file(path, {"values": torch.zeros(3).numpy()}, header)
    cli("methods")  # imports what tables need
    began = time.process_time()
    code, out, err = cli("info", path, "-v")
    assert time.process_time() - began < 2
    if kind == "card":
        refused((code, out, err), "many.safetensors", "more than 2000 values")
    else:
        assert code == 0 and len(out.splitlines()) < 300 and "more; --json shows all" in out


def test_methods_are_listed_with_whole_sentences(cli: Gesso) -> None:
    code, out, _ = cli("methods")
    assert code == 0 and set(gesso.list_methods()) <= set(out.split())
    for name in gesso.list_methods():
        assert about(name).title in out and about(name).summary in out


def test_the_cache_is_shown_and_cleared(
    files: TinyFiles, cli: Gesso, own_cache: Path, tmp_path: Path
) -> None:
    assert cli("cache")[1] == f"{own_cache}: 0 styles, 0 kB; encoders, 0 kB\n"
    assert not own_cache.exists()
    out = ["-o", tmp_path / "out.png"]
    cli("stylize", files.photo, "--style", files.style, *files.options, *out)
    (own_cache / "encoders").mkdir()
    (own_cache / "encoders/vgg19.safetensors").write_bytes(bytes(2000))
    code, shown, _ = cli("cache")
    assert code == 0 and shown.startswith(f"{own_cache}: 1 styles, ")
    assert "encoders, 2 kB" in shown and "style.png" in shown and "metastyle" in shown
    assert cli("cache", "clear") == (0, "", "1 styles removed\n")
    assert (own_cache / "encoders/vgg19.safetensors").exists()
    assert cli("cache", "clear", "--encoders") == (0, "", "1 encoder files removed\n")
    assert cli("cache", "clear", "--all")[0] == 0
    assert [path for path in own_cache.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    ("words", "offered"),
    [("tes", ""), ("fas", ""), ("stylise", "stylize"), ("cache clea", "clear")],
)
def test_a_mistyped_command_is_answered_with_commands_that_are_shown(
    cli: Gesso, words: str, offered: str
) -> None:
    result = cli(*words.split())
    refused(result, f"{words.split()[-1]!r}: no such command; try", offered)
    tried = result[2].partition("try ")[2].strip().split(", ")
    assert "test" not in tried and "fast" not in tried
