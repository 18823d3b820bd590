"""Messages stay one printable line, whatever files and users put into them."""

from __future__ import annotations

import pytest

from gesso.errors import GessoError, MissingWeights, OptionError


@pytest.mark.parametrize("kind", [GessoError, MissingWeights, lambda t: OptionError("style", t)])
def test_every_message_is_one_printable_line(kind: type[GessoError]) -> None:
    line = str(kind("größe ☂.png: \0 \x1b[2J two\nlines \udcff"))
    assert line.isprintable() and line.endswith(r"größe ☂.png: \x00 \x1b[2J two\nlines \udcff")
    assert len(str(kind("x" * 10**6))) == GessoError.LONGEST


def test_an_option_error_keeps_its_parts() -> None:
    error = OptionError("style_size", "0; allowed are numbers from 1")
    assert (error.option, error.trouble) == ("style_size", "0; allowed are numbers from 1")
    assert str(error) == "style_size: 0; allowed are numbers from 1"
