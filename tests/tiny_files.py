"""A tiny start, a tiny encoder and a few pictures, as files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from gesso.disk.atomic import sha256_file
from gesso.images.write import write_image
from gesso.methods.adain.layer import Config as AdaINConfig
from gesso.methods.avatar_net.hourglass import Config as AvatarConfig
from gesso.methods.conditional_in.bank import Config as BankConfig
from gesso.methods.meta_networks.hypernetwork import Config as HyperConfig
from gesso.methods.metastyle.method import Config
from gesso.methods.style_swap.layer import Config as SwapConfig
from gesso.methods.wct.decoders import Config as WCTConfig
from gesso.nn.checkpoint import save_file
from gesso.nn.colors import Colors
from gesso.nn.pictures import read_image
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
    def bank(self) -> Path:
        return self.folder / "conditional_in.safetensors"

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


def save_bank(path: Path, styles: dict[str, Path]) -> None:
    """A bank of width 4 whose rows differ."""
    torch.manual_seed(0)
    colors = (Colors.of(read_image(file, size=512)) for file in styles.values())
    config = BankConfig(
        4,
        tuple(styles),
        tuple(sha256_file(file) for file in styles.values()),
        tuple(tuple(one.numbers()) for one in colors),
    )
    bank = config.build()
    with torch.no_grad():
        for p in bank.parameters():
            if p.dim() == 2:
                p.add_(0.2 * torch.randn_like(p))
    header = {"kind": "bank", "method": "conditional_in", "config": config.as_header()}
    save_file(path, bank.state_dict(), header)


def save_decoders(path: Path) -> None:
    """Weights of WCT for the tiny encoder."""
    torch.manual_seed(0)
    levels = ("relu4_1", "relu3_1", "relu2_1", "relu1_1")
    config = WCTConfig(tuple((width,) for width in WIDTHS), levels=levels, skips=levels[1:3])
    header = {"kind": "weights", "method": "wct", "config": config.as_header()}
    save_file(path, config.build().state_dict(), header)


def save_hourglass(path: Path) -> None:
    """Weights of Avatar-Net for the tiny encoder."""
    torch.manual_seed(0)
    blocks = tuple((width,) for width in WIDTHS)
    config = AvatarConfig(blocks, decorated=("relu4_1", "relu3_1"), aligned=("relu2_1",))
    header = {"kind": "weights", "method": "avatar_net", "config": config.as_header()}
    save_file(path, config.build().state_dict(), header)


def save_inverse(path: Path) -> None:
    """Weights of style swap for the tiny encoder."""
    torch.manual_seed(0)
    config = SwapConfig(blocks=tuple((width,) for width in WIDTHS[:3]))
    header = {"kind": "weights", "method": "style_swap", "config": config.as_header()}
    save_file(path, config.build().state_dict(), header)


def make_tiny_files(folder: Path) -> TinyFiles:
    """Write them all into `folder`."""
    files = TinyFiles(folder)
    save_start(files.start)
    save_hypernetwork(files.hypernetwork)
    save_decoder(files.decoder)
    save_inverse(folder / "style_swap.safetensors")
    save_inverse(folder / "drawing.safetensors")
    save_decoders(folder / "wct.safetensors")
    save_hourglass(folder / "avatar_net.safetensors")
    save_file(files.encoder, tiny_encoder().state_dict(), {"kind": "encoder", "config": {}})
    style, *photos = pictures(4, 68)
    write_image(files.style, style[:, :, :66])
    (files.photos / "sub").mkdir(parents=True)
    for name, photo in zip(("a.jpg", "a.png", "sub/c.webp"), photos, strict=True):
        write_image(files.photos / name, photo[:, :66])
    files.bad.write_bytes(b"\xff\xd8\xff no JPEG")
    save_bank(files.bank, {"style": files.style, "other": files.photo})
    return files
