"""Help, version, the page of commands."""

from __future__ import annotations

import runpy
from pathlib import Path

import gesso
from command_line import Gesso, python

ROOT = Path(__file__).parents[2]
COMMANDS = ["stylize", "adapt", "mix", "grid", "texture", "invent", "train", "train metastyle"]
COMMANDS += [
    "train meta_networks",
    "train adain",
    "train style_swap",
    "train wct",
    "train avatar_net",
    "distill",
    "bench",
    "info",
    "cache",
    "methods",
]


def test_help_needs_neither_torch_nor_rich_nor_pillow() -> None:
    script = (
        "import sys; from gesso.cli import run\n"
        f"assert all(run([*c.split(), '--help']) == 0 for c in {['', *COMMANDS]!r})\n"
        "assert run(['--version']) == run(['cache']) == 0\n"
        "print({'torch', 'rich', 'PIL', 'numpy'} & sys.modules.keys())"
    )
    done = python("-c", script)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "set()"


def test_without_a_command_the_commands_are_listed(cli: Gesso) -> None:
    code, out, err = cli()
    assert (code, err) == (0, "")
    assert "stylize" in out and "adapt" in out
    assert "fast" not in out.split("Commands:")[1]  # the originals' names are hidden


def test_the_module_runs_as_a_program() -> None:
    done = python("-m", "gesso", "--version")
    assert (done.returncode, done.stdout) == (0, f"gesso {gesso.__version__}\n")


def test_the_page_of_commands_is_up_to_date() -> None:
    module = runpy.run_path(str(ROOT / "docs/make_cli_page.py"))
    assert module["page"]() == (ROOT / "docs/cli.md").read_text(encoding="utf-8"), (
        "docs/cli.md is stale: run python docs/make_cli_page.py"
    )
    for command in COMMANDS:
        assert f"## gesso {command}\n" in module["page"]()
