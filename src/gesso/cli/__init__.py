"""The command line: `gesso COMMAND`. Thin; torch is imported inside the commands.

Exit codes: 0 all done; 1 some files of many could not be done; 2 a mistake of the user's, named in
one line; 70 a mistake of ours; 130 interrupted, 143 terminated.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

import gesso
from gesso.cli.commands import Commands, Stopped
from gesso.cli.console import complain, one_line, reporting_seconds, words
from gesso.cli.groups import Command, bare, grouped
from gesso.cli.named import HIDDEN, found, wanted
from gesso.errors import NEEDS_TORCH, GessoError

FAILED, BUG = 2, 70
COMPLETING = "_GESSO_COMPLETE"  # set by the shell's completion, which knows the words


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"gesso {gesso.__version__}")
        raise typer.Exit


def _gesso(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Say the version."),
    ] = False,
) -> None:
    """Neural style transfer that takes on any style in seconds and then runs as a small, fast
    network.

    gesso stylize photo.jpg --style painting.jpg -o out.png
    """
    if context.invoked_subcommand is None:
        print(context.get_help())


def app(words: Sequence[str] | None = None) -> typer.Typer:
    """All commands, with the flags of the methods known by now.

    Args:
        words: of the command line; None: all commands have their options. Otherwise the command
            that it begins with is the only one, and of a list of commands those that are not among
            the words have no options.
    """
    root = typer.Typer(
        cls=Commands,
        rich_markup_mode=None,  # importing rich would take as long as all the rest
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    root.callback(invoke_without_command=True)(_gesso)
    for name in wanted(words):
        if name == "train":
            root.add_typer(_trainers(words), name=name, no_args_is_help=True)
        elif name == "cache":
            root.add_typer(found(name), name=name)
        else:
            _add(name, found(name), root, words)
    return root


def _trainers(words: Sequence[str] | None) -> typer.Typer:
    trainers = typer.Typer(
        cls=Commands, help="Train a method's weights on folders of pictures.", rich_markup_mode=None
    )
    if words is None or "train" in words:
        for name, command in found("train")().items():
            _add(name, command, trainers, words)
    return trainers


def _add(
    name: str, command: Callable[..., Any], to: typer.Typer, words: Sequence[str] | None
) -> None:
    made = grouped(command, words) if words is None or name in words else bare(command)
    to.command(name, cls=Command, hidden=name in HIDDEN)(made)


def run(arguments: Sequence[str]) -> int:
    """Do what the arguments say; the exit code. Whatever goes wrong is one line on stderr."""
    try:
        _refuse_empty(arguments)
        words.set(arguments)
        with reporting_seconds():
            code = app(None if COMPLETING in os.environ else arguments)(
                list(arguments), prog_name="gesso", standalone_mode=False
            )
        return code if isinstance(code, int) else 0
    except GessoError as error:
        complain(str(error))
        return FAILED
    except Stopped as stopped:
        return _interrupted(stopped.__cause__)
    except (KeyboardInterrupt, typer.Abort) as stop:
        return _interrupted(stop)
    except BrokenPipeError:  # `gesso info … | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except ModuleNotFoundError as error:
        if error.name != "torch":
            return _told(error)
        complain(f"this {NEEDS_TORCH}")
        return FAILED
    except Exception as error:
        return _told(error)


def _refuse_empty(arguments: Sequence[str]) -> None:
    """Raises GessoError for an empty argument, as a script's unset variable leaves it. Python
    would take an empty path for the working folder."""
    for before, argument in zip(["", *arguments], arguments, strict=False):
        name, equals, value = argument.partition("=")
        if not argument or (name.startswith("--") and equals and not value):
            where = name or (before if before.startswith("-") else "argument")
            raise GessoError(f"{where}: empty; a value is needed")


def _interrupted(stop: BaseException | None) -> int:
    """Prints what the interrupt, or whoever passed it on, has to say; the exit code."""
    number = next((n for n in getattr(stop, "args", ()) if isinstance(n, int)), signal.SIGINT)
    word = "terminated" if number == signal.SIGTERM else "interrupted"
    first, *others = getattr(stop, "__notes__", None) or [""]
    complain(f"{word}, {first}" if first else word)
    for line in others:
        complain(line)
    return 128 + int(number)


def _told(error: Exception) -> int:
    format_message = getattr(error, "format_message", None)  # a mistake in the options
    if format_message is not None:
        context = getattr(error, "ctx", None)
        command = context.command_path if context is not None else "gesso"
        complain(f"{format_message()} ({command} --help tells more)")
        return FAILED
    if isinstance(error, OSError) and error.filename is not None:
        complain(f"{error.filename}: {error.strerror}")
        return FAILED
    if os.environ.get("GESSO_DEBUG"):
        raise error
    kind = type(error).__name__
    trouble = one_line(f"{kind}: {error}" if str(error) else kind)
    complain(f"unexpected error, please report it ({trouble}); GESSO_DEBUG=1 shows where")
    return BUG
