from __future__ import annotations

import importlib

import pytest

from tiny_files import TinyFiles

video = importlib.import_module("video")


def test_a_row_says_where_the_time_goes(
    tiny_weights: TinyFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    size = ["--size", "48x32", "--frames", "3", "--threads", "1"]
    video.main(["speed", "--method", "adain", *size])
    said, _, head, _, row = capsys.readouterr().out.strip().split("\n")
    assert "load" in said and "1 threads" in said
    names, values = ([cell.strip() for cell in line.strip("|").split("|")] for line in (head, row))
    found = dict(zip(names, values, strict=True))
    assert (found["size"], found["method"]) == ("48x32", "adain")
    assert float(found["frames/s"]) > 0 and float(found["network"]) >= 0
