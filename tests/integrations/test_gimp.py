"""The plug-in for GIMP 3, called through a stand-in of the parts of GIMP's interface it uses."""

from __future__ import annotations

import os
import runpy
import shutil
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from PIL import Image

import gesso
from tiny_files import TinyFiles

SCRIPT = Path(__file__).parents[2] / "integrations/gimp/gesso-style/gesso-style.py"


class Picture:
    """A Gimp.Image with one visible picture."""

    def __init__(self, path: Path) -> None:
        self.path, self.layers, self.undo, self.deleted = path, [], [], False

    def duplicate(self) -> Picture:
        self.copy = Picture(self.path)
        return self.copy

    def merge_visible_layers(self, kind: object) -> None:
        self.merged = True

    def delete(self) -> None:
        self.deleted = True

    def undo_group_start(self) -> None:
        self.undo.append("start")

    def undo_group_end(self) -> None:
        self.undo.append("end")

    def insert_layer(self, layer: Any, parent: None, position: int) -> None:
        assert self.undo == ["start"]
        self.layers.insert(position, layer)


class Procedure:
    """A Gimp.ImageProcedure: arguments by name, with their defaults."""

    def __init__(self, plugin: Any, name: str, kind: str, run: Any, data: object) -> None:
        self.name, self.run, self.arguments, self.told = name, run, {}, {}

    def __getattr__(self, name: str) -> Any:
        assert name.startswith("set_") or name == "add_menu_path", name
        return lambda *given: self.told.update({name: given})

    def add_file_argument(
        self,
        name: str,
        nick: str,
        blurb: str,
        action: str,
        none_ok: bool,
        default: None,
        flags: int,
    ) -> None:
        self.arguments[name] = default

    def add_choice_argument(
        self, name: str, nick: str, blurb: str, choice: Any, value: str, flags: int
    ) -> None:
        assert value in choice.nicks
        self.arguments[name] = value

    def add_double_argument(
        self, name: str, nick: str, blurb: str, least: float, most: float, value: float, flags: int
    ) -> None:
        assert least <= value <= most
        self.arguments[name] = value

    def new_return_values(self, status: str, error: Any) -> tuple[str, Any]:
        return status, error


class Choice:
    """A Gimp.Choice."""

    def __init__(self) -> None:
        self.nicks: list[str] = []

    def add(self, nick: str, number: int, label: str, help: str) -> None:
        assert number == len(self.nicks)
        self.nicks.append(nick)


class Config:
    """A Gimp.ProcedureConfig."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.values = values

    def get_property(self, name: str) -> Any:
        return self.values[name]


def file_at(path: str) -> Any:
    """A Gio.File."""
    return SimpleNamespace(get_path=lambda: path)


def saved(mode: str, image: Picture, file: Any, options: None) -> bool:
    assert image.merged
    shutil.copy(image.path, file.get_path())
    return True


def loaded(mode: str, image: Picture, file: Any) -> Any:
    layer = SimpleNamespace(picture=Image.open(file.get_path()).copy(), name="")
    layer.set_name = lambda name: setattr(layer, "name", name)
    return layer


@pytest.fixture
def plugin(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The plug-in's class, loaded with the stand-in in the place of PyGObject."""

    def named(*names: str) -> SimpleNamespace:
        return SimpleNamespace(**{name: name for name in names})

    gimp = SimpleNamespace(
        PlugIn=object,
        ImageProcedure=SimpleNamespace(new=Procedure),
        Choice=SimpleNamespace(new=Choice),
        PDBProcType=named("PLUGIN"),
        PDBStatusType=named("SUCCESS", "CANCEL", "EXECUTION_ERROR"),
        FileChooserAction=named("OPEN"),
        RunMode=named("INTERACTIVE", "NONINTERACTIVE"),
        MergeType=named("CLIP_TO_IMAGE"),
        file_save=saved,
        file_load_layer=loaded,
        progress_init=lambda text: True,
        displays_flush=lambda: None,
    )
    parts = {
        **{"Gimp": gimp, "GimpUi": SimpleNamespace()},
        "Gio": SimpleNamespace(File=SimpleNamespace(new_for_path=file_at)),
        "GLib": SimpleNamespace(Error=ValueError),
        "GObject": SimpleNamespace(ParamFlags=SimpleNamespace(READWRITE=3)),
    }
    gi, repository = ModuleType("gi"), ModuleType("gi.repository")
    gi.require_version = lambda name, version: None  # type: ignore[attr-defined]
    vars(repository).update(parts)
    monkeypatch.setitem(sys.modules, "gi", gi)
    monkeypatch.setitem(sys.modules, "gi.repository", repository)
    return runpy.run_path(str(SCRIPT))["GessoStyle"]()


def call(plugin: Any, image: Picture, **given: Any) -> tuple[str, Any]:
    """Runs the plug-in's procedure as GIMP does, without a dialog."""
    (name,) = plugin.do_query_procedures()
    procedure = plugin.do_create_procedure(name)
    assert {"set_menu_label", "add_menu_path", "set_image_types"} <= procedure.told.keys()
    config = Config(procedure.arguments | given)
    found: tuple[str, Any] = procedure.run(procedure, "NONINTERACTIVE", image, [], config, None)
    return found


def test_gimp_finds_the_plug_in() -> None:
    assert SCRIPT.stem == SCRIPT.parent.name
    assert os.access(SCRIPT, os.X_OK) or os.name == "nt"


@pytest.mark.skipif(os.name == "nt", reason="the command is a script of sh")
def test_the_picture_becomes_a_layer_in_the_style(
    plugin: Any, tiny_weights: TinyFiles, own_cache: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    command = tmp_path / "gesso"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m gesso "$@" --size 48\n')
    command.chmod(0o755)
    monkeypatch.setenv("GESSO_COMMAND", str(command))
    image = Picture(tiny_weights.photo)
    gesso.load("adain").adapt(tiny_weights.style).save(tmp_path / "waves.safetensors")
    style = file_at(str(tmp_path / "waves.safetensors"))
    assert call(plugin, image, style=style, strength=0.8) == ("SUCCESS", None)
    (layer,) = image.layers
    assert layer.name == "in the style of waves.safetensors" and max(layer.picture.size) == 48
    assert image.undo == ["start", "end"] and image.copy.deleted and not image.deleted


@pytest.mark.skipif(os.name == "nt", reason="the command is a script of sh")
def test_what_goes_wrong_is_the_command_s_own_line(
    plugin: Any, files: TinyFiles, tmp_path: Path, monkeypatch: Any
) -> None:
    command = tmp_path / "gesso"
    command.write_text('#!/bin/sh\necho "$@" >&2\nexit 2\n')
    command.chmod(0o755)
    monkeypatch.setenv("GESSO_COMMAND", str(command))
    image = Picture(files.photo)
    status, error = call(plugin, image, style=file_at("style.png"), preset="draft")
    assert status == "EXECUTION_ERROR" and "--style style.png" in str(error)
    assert "--preset draft --strength 1" in str(error)
    assert image.layers == [] and image.undo == [] and image.copy.deleted
    monkeypatch.delenv("GESSO_COMMAND")
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    assert "GESSO_COMMAND" in str(call(plugin, image, style=file_at("style.png"))[1])
