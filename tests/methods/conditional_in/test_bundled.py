"""The bundled bank holds the bundled styles, which need no adaptation."""

from __future__ import annotations

import torch

import gesso
from gesso.assets import CONTENTS
from gesso.disk.atomic import sha256_file
from gesso.methods.conditional_in.method import ConditionalIN
from gesso.methods.registry import about


def test_every_bundled_style_is_in_the_bank_and_looked_up_by_its_name() -> None:
    method = gesso.load("conditional_in")
    assert isinstance(method, ConditionalIN)
    styles = gesso.list_styles()
    assert method.names == about("conditional_in").bank == tuple(styles) and len(styles) == 32
    for name, digest in zip(method.names, method.config.digests, strict=True):
        assert digest == sha256_file(styles[name]), name
    card, again = method.adapt("impasto"), method.adapt(styles["impasto"])
    assert all(torch.equal(value, again.tensors[n]) for n, value in card.tensors.items())
    assert "steps" not in card.provenance
    assert sum(value.numel() for value in card.tensors.values()) == 1600


def test_the_styles_of_the_bank_make_different_pictures() -> None:
    method = gesso.load("conditional_in")
    assert isinstance(method, ConditionalIN)
    photo = gesso.read_image(CONTENTS / "town.jpg", size=128)[None]
    made = [method.stylizer(method.look_up(name))(photo) for name in method.names[::6]]
    for i, one in enumerate(made):
        assert all(float((one - other).abs().mean()) > 0.03 for other in made[:i])
