"""The exceptions gesso raises for mistakes a user can make and mend."""

from __future__ import annotations

from importlib.util import find_spec


class GessoError(ValueError):
    """A problem the user can mend: its text is one line that names the file or option,
    says what was wrong and what is allowed. The command line prints it and exits with code 2.

    What a file or a user put into it cannot garble it: control characters are escaped, and a text
    of more than LONGEST characters is cut.
    """

    LONGEST = 1000

    def __init__(self, text: str) -> None:
        line = text if text.isprintable() else "".join(map(_escaped, text))
        super().__init__(line if len(line) <= self.LONGEST else f"{line[: self.LONGEST - 1]}…")


def _escaped(character: str) -> str:
    if character.isprintable():
        return character
    return character.encode("unicode_escape").decode("ascii")


class OptionError(GessoError):
    """A GessoError about one option, whose text is "option: trouble".

    Attributes:
        option: the option's name in Python, such as "style_size"; the command line writes
            "--style-size" in its place.
        trouble: what was wrong and what is allowed.
    """

    def __init__(self, option: str, trouble: str) -> None:
        super().__init__(f"{option}: {trouble}")
        self.option, self.trouble = option, trouble


class MissingWeights(GessoError):
    """A method cannot be loaded because no weights of it are bundled and none were named."""


NEEDS_TORCH = "needs torch, which is not installed: pip install 'gesso[torch]'"


def torch_is_there() -> bool:
    """Whether torch is installed."""
    return find_spec("torch") is not None


def require_torch(what: str = "this") -> None:
    """Raises GessoError where torch, which `what` needs, is not installed."""
    if not torch_is_there():
        raise GessoError(f"{what} {NEEDS_TORCH}")
