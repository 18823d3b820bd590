"""A tiny start, a tiny encoder and a few pictures, as files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from gesso.images.write import write_image
from gesso.methods.adain.layer import Config as AdaINConfig
from gesso.methods.meta_networks.hypernetwork import Config as HyperConfig
from gesso.methods.metastyle.method import Config
from gesso.nn.checkpoint import save_file
from tiny import WIDTHS, pictures, tiny_encoder, tiny_net


@dataclass(frozen=True)
class TinyFiles:
    """Where they are; `photos` holds a.jpg, a.png, sub/c.webp and the broken bad.jpg."""

    folder: Path

    @property
    def start(self) -> Path:
        return self.folder / "metastyle.safetensors"

    @property
    def encoder(self) -> Path:
        return self.folder / "compact.safetensors"

    @property
    def style(self) -> Path:
        return self.folder / "style.png"

    @property
    def photos(self) -> Path:
        return self.folder / "photos"

    @property
    def photo(self) -> Path:
        return self.photos / "a.png"

    @property
    def hypernetwork(self) -> Path:
        return self.folder / "meta_networks.safetensors"

    @property
    def decoder(self) -> Path:
        return self.folder / "adain.safetensors"

    @property
    def bad(self) -> Path:
        return self.photos / "bad.jpg"

    @property
    def options(self) -> list[str]:
        """Of a quick adaptation."""
        files = ["--method", "metastyle", "--model", str(self.start)]
        files += ["--encoder", str(self.encoder)]
        return [*files, "--steps", "2", "--style-size", "64"]


def save_start(path: Path, seed: int = 0) -> None:
    """A MetaStyle start of width 4."""
    header = {"kind": "start", "method": "metastyle", "config": Config(width=4).as_header()}
    save_file(path, tiny_net(seed).state_dict(), header)


def save_hypernetwork(path: Path) -> None:
    """Weights of Meta Networks for the tiny encoder."""
    torch.manual_seed(0)
    config = HyperConfig(width=4, hidden=6, statistics=2 * sum(WIDTHS))
    header = {"kind": "weights", "method": "meta_networks", "config": config.as_header()}
    save_file(path, config.build().state_dict(), header)


def save_decoder(path: Path) -> None:
    """Weights of AdaIN for the tiny encoder."""
    torch.manual_seed(0)
    config = AdaINConfig(blocks=tuple((width,) for width in WIDTHS), skips=("relu2_1",))
    header = {"kind": "weights", "method": "adain", "config": config.as_header()}
    save_file(path, config.build().state_dict(), header)


def make_tiny_files(folder: Path) -> TinyFiles:
    """Write them all into `folder`."""
    files = TinyFiles(folder)
    save_start(files.start)
    save_hypernetwork(files.hypernetwork)
    save_decoder(files.decoder)
    save_file(files.encoder, tiny_encoder().state_dict(), {"kind": "encoder", "config": {}})
    style, *photos = pictures(4, 68)
    write_image(files.style, style[:, :, :66])
    (files.photos / "sub").mkdir(parents=True)
    for name, photo in zip(("a.jpg", "a.png", "sub/c.webp"), photos, strict=True):
        write_image(files.photos / name, photo[:, :66])
    files.bad.write_bytes(b"\xff\xd8\xff no JPEG")
    return files
