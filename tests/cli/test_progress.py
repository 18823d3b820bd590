"""How far a command is: bars of 80 columns, and plain lines where there is no terminal."""

from __future__ import annotations

import io
import re
import time

import pytest
from rich.console import Console

from gesso.cli.progress import showing, step_reporter
from gesso.methods.base import AdaptStep
from gesso.reports import Progress, counting, report, stage

LOSSES = {"content": 0.123, "style": 0.456, "evenness": 0.789, "identity": 0.5}


def drawn(title: str, losses: dict[str, float], width: int = 80) -> str:
    """The last state of a bar, as a terminal of that width shows it."""
    stream = io.StringIO()
    console = Console(file=stream, width=width, force_terminal=True, color_system=None)
    with showing(False, console) as show:
        on_step = step_reporter(show, title)
        for step in range(59):
            on_step(AdaptStep(step, 60, losses))
        time.sleep(0.3)
    lines = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue()).splitlines()
    return [line for line in re.split(r"[\r\n]", "\n".join(lines)) if "/60 steps" in line][-1]


@pytest.mark.parametrize("title", ["adapting to a.jpg", "adapting to " + 9 * "long name " + ".jpg"])
def test_bar_count_and_time_left_fit_whatever_the_title_and_the_losses(title: str) -> None:
    line = drawn(title, LOSSES)
    assert len(line) <= 80
    assert line.startswith("adapting to ") and "━" * 20 in line
    assert re.search(r"58/60 steps +\d:\d\d:\d\d", line)


def test_losses_are_shown_whole_where_there_is_room_for_them() -> None:
    assert "content 0.123" not in drawn("adapting to a quite long name.jpg", LOSSES)
    assert "content 0.123" in drawn("a", LOSSES) and "identity" not in drawn("a", LOSSES)
    assert "identity 0.5" in drawn("a", LOSSES, width=160)


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What was printed to stderr, which is no terminal here."""
    shown = capsys.readouterr()
    assert shown.out == ""
    return shown.err.splitlines()


def test_without_a_terminal_there_are_lines_with_steps_and_time_left(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with showing(False, every=0.05) as show:
        on_step = step_reporter(show, "adapting to a.jpg")
        for step in range(20):
            on_step(AdaptStep(step, 60, {"style": 0.5}))
            time.sleep(0.02)
    found = lines(capsys)
    assert 3 <= len(found) <= 10
    line = r"adapting to a\.jpg: \d+ of 60 steps, \d+ s left, style 0\.5"
    assert all(re.fullmatch(line, text) for text in found[1:])


def test_lines_come_also_within_a_long_step_and_name_all_that_is_under_way(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with showing(False, every=0.1) as show:
        show(Progress("stylizing", 2, 6, "pictures"))
        show(Progress("optimizing", 5, 500))
        time.sleep(0.25)
        show(Progress("optimizing", 500, 500))
        time.sleep(0.1)
    found = lines(capsys)
    assert found[0] == "stylizing: 2 of 6 pictures; optimizing: 5 of 500 steps"
    assert len(found) >= 3 and found[-1] == "stylizing: 2 of 6 pictures"


def test_what_lies_deep_below_a_command_is_shown_too(capsys: pytest.CaptureFixture[str]) -> None:
    with showing(False, every=0.05):
        report(Progress("vgg19", 100, 574, "MB"))
        time.sleep(0.12)
    assert lines(capsys)[0] == "vgg19: 100 of 574 MB"
    report(Progress("vgg19", 200, 574, "MB"))  # nobody listens any more
    assert lines(capsys) == []


def test_short_work_and_quiet_work_say_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with showing(False) as show:
        show(Progress("stylizing", 0, 6, "pictures"))
    with showing(True, every=0.01) as show:
        show(Progress("stylizing", 0, 6, "pictures"))
        time.sleep(0.05)
    assert lines(capsys) == []


def test_stages_are_counted_where_someone_counts() -> None:
    with stage("unheard"):
        pass
    with counting() as seconds:
        for _ in range(2):
            with stage("read"):
                time.sleep(0.01)
        with pytest.raises(ValueError, match="no"), stage("write"):
            raise ValueError("no")
    assert list(seconds) == ["read", "write"] and 0.02 <= seconds["read"] < 1
