"""What a command imports and makes before it begins: only what its words need."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import signature
from pathlib import Path
from typing import Any

import pytest

from command_line import Gesso, python, refused
from gesso.cli import options as opt
from gesso.cli.flags import OfMethods
from gesso.cli.groups import grouped
from gesso.cli.named import PLACES, found, wanted
from gesso.cli.stylize import stylize
from gesso.errors import GessoError, OptionError
from gesso.methods import registry

WORDS = ["stylize", "photo.jpg", "-s", "a.jpg", "--out=out.png", "--no-cache", "--size", "64", "-q"]
VALUES = ["--strength", "0.5", "--feather", "3", "--mask", "none.png", "--color", "content"]


def test_a_command_imports_no_other_and_no_reader_of_values(tmp_path: Path) -> None:
    words = [*WORDS[:1], str(tmp_path / "none.jpg"), *WORDS[2:], *VALUES]
    script = (
        f"import sys; from gesso.cli import run; assert run({words!r}) == 2\n"
        "rooms = {name for name in sys.modules if name.startswith('gesso.cli.')}\n"
        "print(sorted(rooms & {f'gesso.cli.{n}' for n in ('adapt', 'video', 'train', 'show')}))\n"
        "print([n for n in ('pydantic', 'importlib.metadata', 'torch') if n in sys.modules])"
    )
    done = python("-c", script)
    assert "none.jpg: no such file" in done.stderr
    assert done.stdout.splitlines() == ["[]", "[]"]


def test_only_options_that_are_named_or_act_are_made() -> None:
    made = set(signature(grouped(stylize, WORDS)).parameters)
    assert made >= {"photos", "style", "out", "size", "cache", "quiet", "threads", "verbose"}
    assert not made & {"weights", "mask", "json", "derived__steps", "derived__strength"}
    every = set(signature(grouped(stylize)).parameters)
    assert "derived__steps" in every and made < every
    for more in ("--help", "--stepss", "-sx.jpg"):  # typer knows what to say of these
        assert set(signature(grouped(stylize, [*WORDS, more])).parameters) == every
    for flag in ("strength", "steps"):  # of controls, of methods
        some = set(signature(grouped(stylize, [*WORDS, f"--{flag}=0.5"])).parameters)
        assert some == made | {f"derived__{flag}"}


def test_options_that_are_not_made_have_their_defaults() -> None:
    taken: list[Mapping[str, Any]] = []

    def command(*, frame: opt.Frame = 3, cache: opt.Cache = True, given: OfMethods) -> int:
        taken.append({"frame": frame, "cache": cache, "given": given})
        raise OptionError(("frame", "fine_steps")[len(taken) - 1], "too many")

    made = grouped(command, ["command"])
    assert not signature(made).parameters
    for flag in ("--frame", "--fine-steps"):  # errors name flags that are not made, too
        with pytest.raises(GessoError, match=f"{flag}: too many"):
            made()
    assert taken == [{"frame": 3, "cache": True, "given": {}}] * 2


@pytest.mark.parametrize(
    ("more", "line"),
    [
        (["--size", "12a"], "Invalid value for '--size'"),
        (["--size", "0"], "Invalid value for '--size': Input should be greater than or equal to 1"),
        (["--size", "١٢"], "Invalid value for '--size'"),
        (["--quality", "0101"], "'--quality': Input should be less than or equal to 100"),
        (["--frame", "-1"], "'--frame'"),
        (["--strength", "1.5"], "--strength: 1.5; allowed are numbers from 0 to 1"),
        (["--strength", "half"], "'--strength'"),
        (["--decode-timeout", "0.01"], "'--decode-timeout': Input should be greater"),
        (["--decode-timeout", "1e1"], "none.jpg: no such file"),
        (["--no-quiet"], "No such option: --no-quiet"),
        (["--mask"], "Option '--mask' requires an argument"),
        (["--mask", "https://a.b/c.png"], "a URL"),
        (["--no-overwrite"], "none.jpg: no such file"),
        (["--memory", "lots"], "--memory: 'lots' is none"),
    ],
)
def test_values_are_read_as_typer_reads_them(
    cli: Gesso, tmp_path: Path, more: list[str], line: str
) -> None:
    photo, out = tmp_path / "none.jpg", tmp_path / "out.png"
    refused(cli("stylize", photo, "-s", "neon", "-o", out, *more), line)


def test_every_name_is_a_command_and_a_first_word_that_is_none_means_all() -> None:
    assert all(callable(found(name)) or name == "cache" for name in PLACES)
    assert wanted(["adapt", "mix"]) == ["adapt"]
    assert wanted(["--version", "adapt"]) == wanted(["adaptt"]) == wanted(None) == list(PLACES)


def test_nobody_takes_the_name_of_one_of_our_methods(monkeypatch: pytest.MonkeyPatch) -> None:
    class Point:
        name, value = "adain", "somebody.elses"

    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: [Point])
    registry.about.cache_clear()
    assert registry.about("adain").name == "adain"
    assert registry._places()["adain"] == "gesso.methods.adain"
