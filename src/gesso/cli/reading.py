"""Texts of the command line as values, where no more is to be done than their types say.

Typer has pydantic do that, whose import takes as long as a small picture. A typer that does it
otherwise never asks `Reader`, and values that are wrong are left to typer, which says so.
"""

from __future__ import annotations

import re
from typing import Any, get_args, get_origin

PLAIN = re.compile("[0-9]{1,9}")
DECIMAL = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")


class Quick:
    """For classes of commands: one whose parameters are read by `Reader`."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The parameters, `--help` among them."""
        params: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        for param in params:
            if getattr(param, "_runtime_param", None) is None:
                param._runtime_param = Reader(param)
        return params


class Reader:
    """Reads the values of one parameter in the place of typer's own reader."""

    def __init__(self, param: Any) -> None:
        described = getattr(param, "type_descriptor", None)
        self.about: Any = getattr(described, "parameter_info", None)
        self.kind = getattr(described, "annotation", None)
        if get_origin(self.kind) is list:
            self.kind = get_args(self.kind)[0]

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """The value of a text, of several, or of nothing."""
        many = param.multiple or param.nargs == -1
        if value is None:
            return () if many else None
        texts = list(value) if many and isinstance(value, list | tuple) else [value]
        if all(map(self._is_plain, texts)):
            found = [self._read(text) for text in texts]
            return found if many else found[0]
        param._runtime_param = None
        return param.get_runtime_param().coerce(value, param=param, ctx=ctx)

    def _is_plain(self, value: Any) -> bool:
        if self.about.parser is not None:
            return True
        if self.kind is int:
            whole = isinstance(value, int) or (isinstance(value, str) and PLAIN.fullmatch(value))
            return bool(whole) and self._is_in_range(int(value))
        if self.kind is float:
            plain = isinstance(value, str) and DECIMAL.fullmatch(value)
            return bool(plain) and self._is_in_range(float(value))
        return self.kind is str and isinstance(value, str)

    def _is_in_range(self, number: float) -> bool:
        least, most = self.about.min, self.about.max
        return (least is None or least <= number) and (most is None or number <= most)

    def _read(self, value: Any) -> Any:
        if self.about.parser is not None:
            return self.about.parser(value)
        return self.kind(value) if self.kind in (int, float) else value
