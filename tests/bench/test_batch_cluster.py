"""The reckoning of docs/batch.md: each figure follows from the measured ones."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import batch_cluster
import batch_cost
import pytest

from gesso.pipeline.manifest import Row, _line

PAGE = batch_cluster.PAGE.read_text(encoding="utf-8")


def cells() -> dict[str, list[float]]:
    """The table of the page: what a line is about → its numbers."""
    block = PAGE.partition(batch_cluster.BEGIN)[2].partition(batch_cluster.END)[0]
    lines = [line.strip("| ").split(" | ") for line in block.splitlines() if line.startswith("| ")]
    return {name: [float(x.replace(",", "")) for x in found] for name, *found in lines[2:]}


def test_the_page_is_what_the_script_writes() -> None:
    assert batch_cluster.renewed(PAGE) == PAGE, (
        "docs/batch.md is stale: run python benchmarks/batch_cluster.py"
    )


def test_every_figure_follows_from_the_measured_ones() -> None:
    measured = json.loads(batch_cluster.RESULT.read_text())["rows"]
    rows = {name: measured[name] for name in batch_cost.WAYS}
    found = cells()
    assert found["seconds of a core a picture, measured"] == [
        row["core_seconds"] for row in rows.values()
    ]
    for i, row in enumerate(rows.values()):
        hours = 10**8 * row["core_seconds"] / 3600
        per_second = 800 / row["core_seconds"]
        expected = {
            "core-hours": hours,
            "machine-hours": hours / 16,
            "hours": hours / 16 / 50,
            "pictures a second": per_second,
            "results, MB a second": per_second * row["bytes"] / 1e6,
            "results, TB": 100 * row["bytes"] / 1e6,
        }
        for name, value in expected.items():
            assert found[name][i] == pytest.approx(value, rel=0.01), (name, i)


def test_a_line_of_the_manifest_is_as_long_as_is_said() -> None:
    row = Row(
        "style-042/0123/0123456.jpg",
        "s3://bucket/photos/0123/0123456.jpg",
        "done",
        "style-042",
        seconds=12.3456,
        sha256="0" * 64,
        bytes=123_456,
        mtime_ns=1_795_908_376_000_000_000,
    )
    assert 0.75 * batch_cluster.ROW_BYTES < len(_line(asdict(row))) <= batch_cluster.ROW_BYTES
    assert f"{batch_cluster.ROW_BYTES} bytes" in PAGE


def test_a_cost_is_measured_by_a_worker(tmp_path: Any, own_cache: Any) -> None:
    found = batch_cost.measured(batch_cost.WAYS["one pass"][0], 2, tmp_path)
    assert found["pictures"] == 2 and 0 < found["core_seconds"] < 30 and found["bytes"] > 1000
