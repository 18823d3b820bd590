"""What README and the other pages say is true: code runs, commands parse, what is named exists.

A fenced block says by its language what it is: `python` is executed, `sh` is parsed by the real
command line, `text` and `bibtex` are illustrations. There are no other blocks.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.main import get_command

import gesso
from gesso.cards.card import StyleCard
from gesso.cli import app
from gesso.cli.flags import Derived, method_values, of_methods
from gesso.images.write import write_image
from gesso.methods.base import Method
from gesso.methods.registry import DEFAULT, about
from gesso.options import changed
from gesso.stylizers import ordinary
from tiny import pictures
from tiny_files import make_tiny_files

ROOT = Path(__file__).parent.parent
PAGES = [
    *ROOT.glob("*.md"),
    *(ROOT / "docs").glob("*.md"),
    *(ROOT / "benchmarks").glob("*.md"),
    *(ROOT / "src/gesso/assets").glob("*/*.md"),
    *(ROOT / "integrations").rglob("*.md"),
]
OTHER_PROGRAMS = (
    *("make", "pip", "curl", "uv", "py"),
    *("python", "torchrun", "/usr/bin/time", "ffmpeg", "docker"),
)
OTHERS_OPTIONS = ("--torch-backend", "--index-url", "--style-dataset")
FOLDERS = ("src", "docs", "tests", "benchmarks", "recipes", "examples", "integrations")

BLOCK = re.compile(r"^```(.*)\n((?:.*\n)*?)```$", re.MULTILINE)
INDENTED = re.compile(r"^\n {4}\S", re.MULTILINE)  # a block without a language
WRITTEN = re.compile(r"<!-- benchmarks/readme_table.py -->.*<!-- /benchmarks.*?-->", re.DOTALL)

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def text_of(page: Path) -> str:
    """The page without what scripts write into it, which keeps its number of lines."""
    text = page.read_text(encoding="utf-8")
    return WRITTEN.sub(lambda found: "\n" * found[0].count("\n"), text)


def blocks(page: Path, language: str) -> list[str]:
    """The blocks of a language, each behind as many empty lines as it has lines above it."""
    text = text_of(page)
    found = [match for match in BLOCK.finditer(text) if match[1] == language]
    return ["\n" * text[: match.start(2)].count("\n") + match[2] for match in found]


def spans(page: Path) -> Iterator[str]:
    """What stands between backticks."""
    yield from re.findall(r"`([^`\n]+)`", BLOCK.sub("", text_of(page)))


@pages
def test_every_block_says_what_it_is(page: Path) -> None:
    text = text_of(page)
    kinds = {match[1] for match in BLOCK.finditer(text)}
    assert kinds <= {"python", "sh", "text", "bibtex"}
    assert not INDENTED.search(BLOCK.sub("", text))
    assert text.count("\n```") + text.startswith("```") == 2 * len(BLOCK.findall(text))


# Python


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder the pages speak of, with tiny weights in the place of the bundled ones."""
    (tmp_path / "tiny").mkdir()
    files = make_tiny_files(tmp_path / "tiny")
    monkeypatch.setenv("GESSO_WEIGHTS", str(files.folder))
    monkeypatch.setenv("GESSO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("gesso.assets.CONTENTS", tmp_path / "photos")
    monkeypatch.setattr(ordinary, "ordinary_pictures", ordinary.ordinary_pictures.__wrapped__)
    monkeypatch.setattr("gesso.export.network.ordinary_pictures", ordinary.ordinary_pictures)
    monkeypatch.setattr(Method, "chosen", of_few_steps(Method.chosen))
    names = ("painting.jpg", "other.jpg", "photo.jpg", "photo.heic")
    inside = [f"{folder}/{i}.jpg" for folder in ("photos", "paintings") for i in range(4)]
    for name, picture in zip((*names, *inside), pictures(12, 66), strict=True):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write_image(tmp_path / name, picture)
    StyleCard("metastyle", {"norm.gamma": torch.ones(3)}).save(tmp_path / "card.safetensors")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def of_few_steps(chosen: Any) -> Any:
    """`Method.chosen`, but with at most one step."""

    def few(self: Method, options: Any = None, changes: Any = None) -> Any:
        found = chosen(self, options, changes)
        return replace(found, steps=min(found.steps, 1)) if hasattr(found, "steps") else found

    return few


SMALL = {"steps": 1, "size": 64, "crop": 32, "style_crop": 32, "width": 4}


def smaller(code: str) -> str:
    """The code with small numbers in the place of those that cost time."""
    for name, number in SMALL.items():
        code = re.sub(rf"\b{name}=[\d_]+", f"{name}={number}", code)
    return code


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if blocks(page, "python")],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_python_blocks_run_one_after_the_other(page: Path, here: Path) -> None:
    names: dict[str, Any] = {}
    for block in blocks(page, "python"):
        exec(compile(smaller(block), str(page), "exec"), names)


# commands


@cache
def whole() -> Any:
    """The command line with all options of all methods, none of which does anything when read."""
    command = get_command(app())
    for one in below(command):
        for parameter in one.params:
            parameter.callback = None
    return command


def below(command: Any) -> Iterator[Any]:
    """A command and all that are below it."""
    yield command
    for one in getattr(command, "commands", {}).values():
        yield from below(one)


def command_of(words: list[str]) -> tuple[Any, Any, list[str]]:
    """The command that the words name, its context and the words after its name."""
    command, name = whole(), "gesso"
    context = None
    while True:
        context = command.context_class(command, info_name=name, parent=context)
        known = getattr(command, "commands", {})
        if not known or not words or words[0].startswith("-"):
            return command, context, words
        assert words[0] in known, f"{' '.join(words)}: no such command"
        name, *words = words
        command = known[name]


def parse(words: list[str]) -> None:
    """Raises what the command line raises for an unknown or missing option or a value out of range;
    nothing is run."""
    command, context, rest = command_of(words)
    values = command.make_context(context.info_name, list(rest), parent=context.parent).params
    if "method" in values and not isinstance(values["method"], list | tuple):
        flags = Derived(of_methods, str).flags()
        given = {f.name: values[f.key] for f in flags if values.get(f.key) is not None}
        name = values["method"] or DEFAULT
        changed(about(name).options(), method_values(name, given))


def commands(block: str) -> Iterator[list[str]]:
    """The words of every command of gesso; those of other programs are checked by their name."""
    for line in block.replace("\\\n", " ").splitlines():
        line = re.sub(r"^[A-Z_]+=\S+ ", "", line)
        words = shlex.split(line, comments=True)
        if not words or re.match(r"[a-z]+=", words[0]):
            continue
        if words[0] in OTHER_PROGRAMS and "gesso" in words:
            words = words[words.index("gesso") :]
            words = words[: words.index("|")] if "|" in words else words
        if words[0] == "gesso":
            yield words[1:]
        else:
            assert line.split()[0] in OTHER_PROGRAMS, line


@pages
def test_commands_are_ones_that_gesso_has(page: Path) -> None:
    for block in blocks(page, "sh"):
        for words in commands(block):
            parse(words)


@pytest.mark.skipif(shutil.which("bash") is None, reason="recipes are scripts of bash")
@pytest.mark.parametrize("recipe", sorted((ROOT / "recipes").glob("*.sh")), ids=lambda p: p.name)
def test_recipes_give_commands_that_gesso_has(recipe: Path, tmp_path: Path) -> None:
    said, python = tmp_path / "said", tmp_path / "python"
    python.write_text(f'#!/bin/sh\nfor word; do echo "$word"; done >> {said}; echo >> {said}\n')
    python.chmod(0o755)
    values = {"PYTHON": str(python), "DATA": "data", "VGG": "vgg19", "OUT": str(tmp_path / "runs")}
    subprocess.run(["bash", str(recipe)], env={**os.environ, **values}, check=True, cwd=ROOT)
    told = [words.split("\n") for words in said.read_text().split("\n\n") if words]
    assert told
    for words in told:
        if words[0].startswith("recipes/"):
            assert (ROOT / words[0]).is_file()
            continue
        assert words[:2] == ["-m", "gesso"]
        parse(words[2:])


def options_of(command: Any) -> set[str]:
    """The options of a command and of those below it."""
    parameters = [parameter for one in below(command) for parameter in one.params]
    return {"--help"}.union(*(set(p.opts) | set(p.secondary_opts) for p in parameters))


def options_of_scripts() -> set[str]:
    """What benchmarks, examples and the installers take."""
    scripts = [*(ROOT / "benchmarks").glob("*.py"), *(ROOT / "examples").glob("*.py")]
    found = re.findall(r'"(--[a-z-]+)"', "".join(s.read_text(encoding="utf-8") for s in scripts))
    return {*found, *OTHERS_OPTIONS}


@pages
def test_options_named_in_a_sentence_exist(page: Path) -> None:
    known = options_of(whole()) | options_of_scripts()
    for span in spans(page):
        found = re.findall(r"(?:^|(?<=\s))--[a-z][a-z0-9-]*", span)
        if span.startswith("gesso "):
            command, _, _ = command_of(
                [w for w in span.split()[1:] if w not in ("…", "NAME", "METHOD")]
            )
            known_here = options_of(command)
        else:
            known_here = known
        assert set(found) <= known_here, span


# names


@pages
def test_modules_and_names_of_gesso_exist(page: Path) -> None:
    for span in spans(page):
        found = re.match(r"gesso(?:\.\w+)+", span)
        if found and found[0] != "gesso.methods.NAME":
            assert resolves(found[0]), span


def resolves(dotted: str) -> bool:
    """Whether modules and then attributes of that name exist."""
    place: Any = gesso
    for name in dotted.split(".")[1:]:
        if hasattr(place, name):
            place = getattr(place, name)
            continue
        try:
            place = import_module(f"{place.__name__}.{name}")
        except (AttributeError, ModuleNotFoundError):
            return False
    return True


@pages
def test_files_named_in_a_sentence_exist(page: Path) -> None:
    for span in spans(page):
        if re.fullmatch(rf"(?:{'|'.join(FOLDERS)})/[\w./-]*", span):
            assert span.endswith("NAME/") or (ROOT / span).exists() or "NAME" in span, span


def anchors(page: Path) -> set[str]:
    """The names that links into a page use."""
    heads = re.findall(r"^#+ (.*)$", BLOCK.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}


@pages
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", BLOCK.sub("", text_of(page))):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link
