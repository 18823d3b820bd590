"""`gesso train METHOD` and `gesso distill`, made of the declared options of each training; also
under torchrun (`-m gesso`)."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from inspect import cleandoc
from pathlib import Path
from typing import Annotated, Any

from gesso.cli import options as opt
from gesso.cli.console import import_torch, say
from gesso.cli.flags import Derived, Given, fields_shown, values_of
from gesso.cli.progress import showing
from gesso.disk.atomic import shown
from gesso.disk.hub import local
from gesso.distillation.training_options import Training as Distillation
from gesso.methods.registry import about, methods
from gesso.options import Declared
from gesso.training.config import ObjectiveOptions, TrainConfig

STOPPING = """It is written to OUT/weights.safetensors. Ctrl-C and SIGTERM save and stop; --resume
goes on, on the CPU bit for bit as if it had never stopped."""


@dataclass(frozen=True)
class Run:
    """Where the pictures are, where the run goes, and how it begins."""

    contents: Annotated[Path, opt.option("Photos: a folder, or .tar shards.", "DIR")]
    styles: Annotated[Path, opt.option("Paintings: a folder, or .tar shards.", "DIR")]
    out: Annotated[Path, opt.option("Checkpoint, weights and log go here.", "DIR", "-o --out")]
    resume: Annotated[
        bool, opt.option("Go on with the run in the folder -o.", flags="--resume")
    ] = False
    start: Annotated[
        Path | None,
        opt.option(
            "Weights to start from, or a pinned file of the Hugging Face Hub (hf:…); default: "
            "random ones.",
            "FILE",
            callback=local,
        ),
    ] = None
    log_dir: Annotated[
        Path | None, opt.option("Also write TensorBoard scalars and samples.", "DIR")
    ] = None
    decode_timeout: opt.DecodeTimeout = None

    def train(self, training: Callable[..., Any], given: dict[str, Any], *first: str) -> int:
        """Run a training of the library; returns the exit code. The device is checked first."""
        from gesso.training.state import WEIGHTS

        import_torch()
        _set_up(given.get("device", "cpu"))
        with opt.decoding(self.decode_timeout), showing(quiet=False):
            result = training(
                *first, self.contents, self.styles, self.out,
                start=self.start, resume=self.resume, log_dir=self.log_dir, **given,
            )  # fmt: skip
        steps = f"after {result.step} steps"
        if result.signal is None:
            say(f"{shown(self.out / WEIGHTS)}: written {steps}")
        else:
            say(f"{shown(self.out)}: stopped and saved {steps}; --resume goes on")
        code: int = result.exit_code
        return code


Encoder = Annotated[
    str, opt.option("The network whose features judge.", "compact|vgg16|vgg19|FILE")
]


def trainers() -> dict[str, Callable[..., int]]:
    """Method → the command that trains it, of the methods that declare a training."""
    return {name: trainer(name) for name in methods() if about(name).training is not None}


def trainer(name: str) -> Callable[..., int]:
    """The command that trains a method."""
    training = about(name).training
    assert training is not None

    def command(
        *, run: Run, encoder: Encoder = "compact", given: Given, threads: opt.Threads = None,
        verbose: opt.Verbose = 0,
    ) -> int:  # fmt: skip
        from gesso.methods.training import train

        values = values_of(fields_shown(training), given)
        return run.train(train, {**values, "encoder": encoder}, name)

    command.__annotations__["given"] = _flags_of(training)
    share = f"Several processes share the work: torchrun --nproc-per-node 2 -m gesso train {name} …"
    command.__doc__ = help_of(f"Train {about(name).title}.", f"{STOPPING} {share}", training)
    return command


def help_of(title: str, text: str, training: type) -> str:
    """The help of a command: the title, the text, and what the options' class says."""
    return "\n\n".join([title, text, as_flags(cleandoc(training.__doc__ or ""))])


def as_flags(text: str) -> str:
    """A docstring with options of Python, such as `steps=9, lr=0.1`, as on the command line."""

    def flag(pair: re.Match[str]) -> str:
        return f"--{pair[1].replace('_', '-')} {pair[2]}"

    def flags(code: re.Match[str]) -> str:
        return re.sub(r'(\w+)="?([^",]+)"?,?', flag, code[1])

    return re.sub(r"`([^`]*)`", flags, text)


def _flags_of(kind: type) -> Any:
    return Annotated[Given, Derived(lambda: ordered(kind), lambda flag: heading(flag.owners[""]))]


def distill(
    *, run: Run, given: Given, threads: opt.Threads = None, verbose: opt.Verbose = 0
) -> int:
    """Distil the compact encoder from VGG."""
    from gesso.distillation.distill import distill as library

    return run.train(library, values_of(fields_shown(Distillation), given))


distill.__doc__ = help_of(distill.__doc__ or "", STOPPING, Distillation)
distill.__annotations__["given"] = _flags_of(Distillation)


HEADINGS = ("Training", "Objective", "Run")


def ordered(kind: type) -> dict[str, list[Declared]]:
    """The declarations of a training in the order of their headings."""
    return {"": sorted(fields_shown(kind), key=lambda one: HEADINGS.index(heading(one)))}


def heading(one: Declared) -> str:
    """The heading that an option of a training stands under."""
    if one.name.endswith("_weight") or one.name in _names(ObjectiveOptions):
        return "Objective"
    return "Run" if one.name in _names(TrainConfig) else "Training"


def _names(kind: Any) -> set[str]:
    return {field.name for field in fields(kind)}


def _set_up(device: str) -> None:
    """Check the device and choose the GPU of this process, before anything lands on the first."""
    import torch

    from gesso.methods.registry import checked_device

    checked_device(device)
    if device == "cuda":
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
