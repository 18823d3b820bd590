"""Photos in styles by several contenders, side by side on pages to look at, and all measures.

    python benchmarks/looks.py --contents PHOTOS --styles PAINTINGS --vgg vgg19 -o looks \\
        --contender metastyle --contender matching --contender bold=best,alpha=0.3 \\
        --ready rival=FOLDER

Every photo is made in every style. What is in the folder is neither made nor judged again, so the
same command goes on, and contenders can be added later. A folder of ready pictures, named
PHOTO--STYLE.png after the photos' and styles' files, is judged like a contender.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from study import Study, announce, judge_encoder, picture_sheet

from gesso.bench import table
from gesso.bench.contestants import Absent, Contestant, Entry, enter
from gesso.bench.pictures import STYLE_PX, Pair, gather, make_folder
from gesso.bench.store import Budget, Row, Store, conditions
from gesso.bench.tasks import Task, run_all
from gesso.bench.workshop import CONTROLS, JUDGING_S, UNTOUCHED, Workshop
from gesso.controls.options import PAINTING, ControlOptions
from gesso.disk.atomic import atomic_path, atomic_write, sha256_file, shown
from gesso.encoders.base import Encoder
from gesso.errors import GessoError, OptionError
from gesso.methods.registry import about, methods
from gesso.options import changed, parsed
from gesso.pipeline.presets import PRESETS, Preset

READY = ("{}--{}.png", "{}--{}.jpg", "{}__{}.png")  # the last as they lie in an earlier folder


class Looks(Workshop):
    """A workshop that judges folders of ready pictures, too: `ready`, by name."""

    def __init__(self, *args: Any, ready: dict[str, Path], **options: Any) -> None:
        super().__init__(*args, **options)
        self.ready = ready

    @property
    def names(self) -> list[str]:
        """Contenders, then ready ones."""
        return [*(c.name for c in self.contestants), *self.ready]

    def picture_path(self, name: str, pair: Pair) -> Path:
        """Where a picture lies, be it ready or made."""
        if name not in self.ready:
            return super().picture_path(name, pair)
        found = [p for one in READY if (p := self._ready_path(name, one, pair)).is_file()]
        return found[0] if found else self._ready_path(name, READY[0], pair)

    def _ready_path(self, name: str, pattern: str, pair: Pair) -> Path:
        return self.ready[name] / pattern.format(pair.content.name, pair.style.name)

    def control(self, name: str, pair: Pair) -> Task:
        """Judging what is not made here; a ready picture that changes is judged anew."""
        path = self.picture_path(name, pair)
        if name not in self.ready or not path.is_file():
            return super().control(name, pair)
        settings = {**self.judging(pair), "picture": sha256_file(path)}
        key = f"picture | {name} | {pair.name}"
        return Task(key, settings, JUDGING_S, lambda _: self.judged(pair, path), file=path)

    def tasks(self) -> list[Task]:
        """All that is to be made and judged."""
        pairs = self.gallery.pairs()
        there = [(n, p) for n in self.ready for p in pairs if self.picture_path(n, p).is_file()]
        return [*self.qualities(), *(self.control(name, pair) for name, pair in there)]


def contender(text: str, judge: Encoder, encoder: str) -> Contestant:
    """A contender of [NAME=]METHOD[,OPTION=VALUE…], with a preset's name in the method's place if
    wanted. It practises on the photo where its method practises, as `gesso stylize` does.

    Raises:
        GessoError: an unknown method or option, a method without weights.
    """
    try:
        found = enter(_entry(text, encoder), judge)
    except GessoError as error:
        raise GessoError(f"--contender: {text}: {error}") from None
    if isinstance(found, Absent):
        raise GessoError(f"--contender: {text}: {found.reason}")
    practises = found.method.practises(found.entry.chosen(found.method))
    return replace(found, on_photo=practises)


def _entry(text: str, encoder: str) -> Entry:
    """Polished as by default, unless `polish` is among the options."""
    named, *options = text.split(",")
    label, _, name = named.rpartition("=")
    preset = PRESETS.get(name, Preset(name, ""))
    if preset.method not in methods():
        raise GessoError(f"{name}: unknown; allowed are {', '.join((*methods(), *PRESETS))}")
    kind = about(preset.method)
    texts = dict(one.partition("=")[::2] for one in options)
    polish = texts.pop("polish", str(kind.polish))
    if not polish.isdecimal():
        raise OptionError("polish", f"{polish}; allowed are whole numbers from 0")
    look = {n: texts.pop(n) for n in PAINTING if n in texts}
    controls = {**preset.controls, **parsed(ControlOptions, look)}
    changed(ControlOptions(), controls)
    chosen = {**preset.options, **parsed(kind.options, texts)}
    changed(kind.options(), chosen)
    return Entry(
        kind.name,
        chosen,
        encoder=encoder,
        polish=int(polish),
        controls=controls,
        label=label or ",".join([name, *options]),
    )


def looks(args: argparse.Namespace) -> int:
    """Make, judge, tabulate and lay out; returns the exit status."""
    judge = judge_encoder(args.vgg)
    found = [contender(text, judge, args.encoder) for text in args.contender]
    ready = dict(map(_ready, args.ready))
    names = [*CONTROLS, *(c.name for c in found), *ready]
    if len(names) == len(CONTROLS) or len(set(names)) < len(names):
        raise GessoError("--contender, --ready: at least one; each needs a name of its own")
    gallery = gather(
        args.contents, args.styles, args.out, size=args.size, style_size=max(STYLE_PX, args.size)
    )
    gallery = replace(gallery, most_pairs=args.pairs)
    store = Store(args.out / "results.json")
    workshop = Looks(args.out, gallery, found, judge, store, ready=ready)
    done = run_all(workshop.tasks(), store, Budget(args.minutes), announce)
    write_tables(workshop, args.size)
    write_pages(workshop, args.rows, args.cell)
    return Study.status(done)


def _ready(text: str) -> tuple[str, Path]:
    name, equals, folder = text.partition("=")
    if not (name and equals and Path(folder).is_dir()):
        raise GessoError(f"--ready: {text}: expected NAME=FOLDER of pictures PHOTO--STYLE.png")
    return name, Path(folder)


def write_tables(workshop: Looks, size: int) -> None:
    """looks.json: the measures of every picture and their means; looks.md: the means."""
    judged = {name: workshop.picture_rows(name) for name in [*CONTROLS, *workshop.names]}
    rows = [{"": name, **_mean(found, judged)} for name, found in judged.items() if found]
    whole = {
        "conditions": {**conditions(), "judge": workshop.judge.identity, "size": size},
        "contenders": {c.name: c.settings for c in workshop.contestants},
        "means": {row[""]: {k: v for k, v in row.items() if k} for row in rows},
        "pictures": judged,
    }
    atomic_write(workshop.out / "looks.json", json.dumps(whole, indent=1).encode())
    text = table.markdown(rows)
    atomic_write(workshop.out / "looks.md", f"{text}\n".encode())
    print(f"\n{text}\n")


def _mean(found: dict[str, Row], judged: dict[str, dict[str, Row]]) -> Row:
    """Means over a contender's pictures; the style match in per cent of the photos', too."""
    mean = table.means(list(found.values())) | table.of_photo(found, judged[UNTOUCHED])
    return {column: mean[column] for column in table.HEADS if column in mean}


def write_pages(workshop: Looks, rows: int, cell: int) -> None:
    """page-01.jpg …: photo, style and every contender's picture, one row a pair, photo by photo."""
    order = {picture.name: i for i, picture in enumerate(workshop.gallery.contents)}
    pairs = sorted(workshop.gallery.pairs(), key=lambda pair: order[pair.content.name])
    strips = [_strip(workshop, pair) for pair in pairs]
    make_folder(workshop.out)
    for number, start in enumerate(range(0, len(strips), rows), 1):
        path = workshop.out / f"page-{number:02}.jpg"
        with atomic_path(path) as temporary:
            picture_sheet(strips[start : start + rows], cell).save(temporary, quality=90)
        print(shown(path))


def _strip(workshop: Looks, pair: Pair) -> Sequence[tuple[str, Path | None]]:
    own = [(p.name, p.path) for p in (pair.content, pair.style)]
    return [*own, *((name, workshop.picture_path(name, pair)) for name in workshop.names)]


def parser() -> argparse.ArgumentParser:
    """The command line."""
    kind = argparse.RawDescriptionHelpFormatter
    p = argparse.ArgumentParser(description=__doc__, formatter_class=kind)
    p.add_argument("--contents", type=Path, required=True, help="folder of photos")
    p.add_argument("--styles", type=Path, required=True, help="folder of styles")
    p.add_argument("--vgg", help="VGG-19's weights, a safetensors file, or vgg19 to download")
    words = "may be given several times; polish and the controls of painting are options, too"
    form = "[NAME=]METHOD[,OPTION=VALUE…]"
    p.add_argument("--contender", action="append", default=[], metavar=form, help=words)
    p.add_argument("--ready", action="append", default=[], metavar="NAME=FOLDER")
    p.add_argument("--pairs", type=int, help="at most so many, spread evenly over both folders")
    p.add_argument("--encoder", default="compact", help="what methods see with")
    p.add_argument("--size", type=int, default=512, help="longer side of the photos, px (512)")
    p.add_argument("--rows", type=int, default=4, help="pairs on a page (4)")
    p.add_argument("--cell", type=int, default=384, help="side of a picture on a page, px (384)")
    p.add_argument("--minutes", type=float, help="start nothing new after this long")
    p.add_argument("-o", "--out", type=Path, default=Path("runs") / "looks")
    return p


def main(argv: list[str] | None = None) -> int:
    """Exit status 0; 2 for a wrong option or file, 3 if --minutes were over before the end."""
    args = parser().parse_args(argv)
    try:
        return looks(args)
    except GessoError as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
